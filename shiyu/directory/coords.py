"""坐标 — longitude and latitude in the four frames met in China, turned into the one that is stored.

Stored is WGS-84, which equals CGCS2000 (EPSG:4490) within centimetres. Maps of 高德 and 腾讯 speak GCJ-02, 百度 speaks BD-09; both are
some hundreds of metres off. Every function takes numbers or numpy arrays, degrees in the order longitude, latitude. Pure.
"""

from enum import StrEnum
from typing import Any, overload

import numpy as np
import shapely
from numpy.typing import NDArray

Degrees = NDArray[np.float64]

EARTH_RADIUS_M = 6_371_008.8  # mean radius of WGS-84
_A = 6_378_245.0  # semi-axis and squared eccentricity of the Krasovsky 1940 ellipsoid, on which GCJ-02 is defined
_E2 = 0.00669342162296594323
_X_PI = np.pi * 3000.0 / 180.0
_CHINA = (72.004, 0.8293, 137.8347, 55.8271)  # GCJ-02 is defined inside this box only
_ROUNDS = 30  # the inverse converges by about two digits a round; thirty leaves nothing to doubt
_CLOSE = 1e-11  # degrees, about a micrometre


class Frame(StrEnum):
    """坐标系 — the frame in which a longitude and a latitude are given."""

    WGS84 = "wgs84"
    CGCS2000 = "cgcs2000"
    GCJ02 = "gcj02"
    BD09 = "bd09"


@overload
def to_wgs84(lon: float, lat: float, frame: Frame) -> tuple[float, float]: ...
@overload
def to_wgs84(lon: Degrees, lat: Degrees, frame: Frame) -> tuple[Degrees, Degrees]: ...
def to_wgs84(lon: Any, lat: Any, frame: Frame) -> Any:
    """The same place in the stored frame."""
    if frame in {Frame.WGS84, Frame.CGCS2000}:
        return lon, lat
    x, y = np.asarray(lon, dtype=float), np.asarray(lat, dtype=float)
    if frame is Frame.BD09:
        x, y = _inverse(_gcj02_to_bd09, x, y)
    return _like(lon, *_inverse(_wgs84_to_gcj02, x, y))


@overload
def from_wgs84(lon: float, lat: float, frame: Frame) -> tuple[float, float]: ...
@overload
def from_wgs84(lon: Degrees, lat: Degrees, frame: Frame) -> tuple[Degrees, Degrees]: ...
def from_wgs84(lon: Any, lat: Any, frame: Frame) -> Any:
    """A stored place in another frame, for a map that speaks it."""
    if frame in {Frame.WGS84, Frame.CGCS2000}:
        return lon, lat
    x, y = _wgs84_to_gcj02(np.asarray(lon, dtype=float), np.asarray(lat, dtype=float))
    if frame is Frame.BD09:
        x, y = _gcj02_to_bd09(x, y)
    return _like(lon, x, y)


def geometry_to_wgs84(geometry: Any, frame: Frame) -> Any:
    """A Shapely geometry, or an array of them, in the stored frame."""
    if frame in {Frame.WGS84, Frame.CGCS2000}:
        return geometry
    return shapely.transform(geometry, lambda xy: np.column_stack(to_wgs84(xy[:, 0], xy[:, 1], frame)))


@overload
def distance(lon: float, lat: float, to_lon: float, to_lat: float) -> float: ...
@overload
def distance(lon: Degrees, lat: Degrees, to_lon: Any, to_lat: Any) -> Degrees: ...
def distance(lon: Any, lat: Any, to_lon: Any, to_lat: Any) -> Any:
    """Metres along the great circle (haversine)."""
    west, south, east, north = (np.radians(np.asarray(value, dtype=float)) for value in (lon, lat, to_lon, to_lat))
    half = np.sin((north - south) / 2) ** 2 + np.cos(south) * np.cos(north) * np.sin((east - west) / 2) ** 2
    metres = 2 * EARTH_RADIUS_M * np.arcsin(np.sqrt(np.clip(half, 0, 1)))
    return float(metres) if np.ndim(metres) == 0 else metres


def in_china(lon: Any, lat: Any) -> Any:
    """Whether GCJ-02 is defined here; it is the identity elsewhere."""
    west, south, east, north = _CHINA
    return (lon > west) & (lon < east) & (lat > south) & (lat < north)


def _wgs84_to_gcj02(lon: Degrees, lat: Degrees) -> tuple[Degrees, Degrees]:
    x, y = lon - 105.0, lat - 35.0
    root, pi = np.sqrt(np.abs(x)), np.pi
    shared = (20 * np.sin(6 * x * pi) + 20 * np.sin(2 * x * pi)) * 2 / 3
    north = -100 + 2 * x + 3 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * root + shared
    north += (20 * np.sin(y * pi) + 40 * np.sin(y / 3 * pi)) * 2 / 3
    north += (160 * np.sin(y / 12 * pi) + 320 * np.sin(y * pi / 30)) * 2 / 3
    east = 300 + x + 2 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * root + shared
    east += (20 * np.sin(x * pi) + 40 * np.sin(x / 3 * pi)) * 2 / 3
    east += (150 * np.sin(x / 12 * pi) + 300 * np.sin(x / 30 * pi)) * 2 / 3
    phi = np.radians(lat)
    curve = 1 - _E2 * np.sin(phi) ** 2
    north = np.degrees(north * curve * np.sqrt(curve) / (_A * (1 - _E2)))
    east = np.degrees(east * np.sqrt(curve) / (_A * np.cos(phi)))
    inside = in_china(lon, lat)
    return lon + np.where(inside, east, 0.0), lat + np.where(inside, north, 0.0)


def _gcj02_to_bd09(lon: Degrees, lat: Degrees) -> tuple[Degrees, Degrees]:
    radius = np.hypot(lon, lat) + 0.00002 * np.sin(lat * _X_PI)
    angle = np.arctan2(lat, lon) + 0.000003 * np.cos(lon * _X_PI)
    return radius * np.cos(angle) + 0.0065, radius * np.sin(angle) + 0.006


def _inverse(forward: Any, lon: Degrees, lat: Degrees) -> tuple[Degrees, Degrees]:
    # The shift changes slowly from place to place, so taking it at the guess and subtracting it draws the guess in.
    x, y = lon, lat
    for _ in range(_ROUNDS):
        seen_x, seen_y = forward(x, y)
        off_x, off_y = seen_x - lon, seen_y - lat
        x, y = x - off_x, y - off_y
        if max(np.max(np.abs(off_x), initial=0.0), np.max(np.abs(off_y), initial=0.0)) < _CLOSE:
            break
    return x, y


def _like(given: Any, x: Degrees, y: Degrees) -> Any:
    return (float(x), float(y)) if np.ndim(given) == 0 else (x, y)
