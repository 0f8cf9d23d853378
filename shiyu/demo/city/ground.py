"""Cuts ground into cells without gaps: weighted Voronoi (power) cells of seeds inside a convex piece, piece within piece. Pure."""

import math
from collections.abc import Sequence
from random import Random

Point = tuple[float, float]
Ring = list[Point]

# Degrees to kilometres on a plane around the middle of the city; straight lines stay straight in both.
ORIGIN = (123.0, 40.8)
KM_PER_LON = 111.320 * math.cos(math.radians(ORIGIN[1]))
KM_PER_LAT = 110.574
_DIGITS = 9  # of a degree, a tenth of a millimetre: neighbours get the very same corners
_EPSILON = 1e-12


def to_plane(lon: float, lat: float) -> Point:
    """Kilometres east and north of the origin."""
    return (lon - ORIGIN[0]) * KM_PER_LON, (lat - ORIGIN[1]) * KM_PER_LAT


def to_degrees(point: Point) -> Point:
    """Longitude and latitude of a point on the plane."""
    return round(point[0] / KM_PER_LON + ORIGIN[0], _DIGITS), round(point[1] / KM_PER_LAT + ORIGIN[1], _DIGITS)


def area(ring: Ring) -> float:
    """Square kilometres; positive when the ring runs against the clock."""
    return sum(x0 * y1 - x1 * y0 for (x0, y0), (x1, y1) in zip(ring, ring[1:] + ring[:1], strict=True)) / 2


def centroid(ring: Ring) -> Point:
    """The middle of a ring; inside it, because every ring here is convex."""
    size = area(ring)
    x = y = 0.0
    for (x0, y0), (x1, y1) in zip(ring, ring[1:] + ring[:1], strict=True):
        cross = x0 * y1 - x1 * y0
        x, y = x + (x0 + x1) * cross, y + (y0 + y1) * cross
    return x / (6 * size), y / (6 * size)


def inside(ring: Ring, point: Point) -> bool:
    """Whether a point lies in a convex ring that runs against the clock."""
    px, py = point
    return all(
        (x1 - x0) * (py - y0) - (y1 - y0) * (px - x0) >= 0
        for (x0, y0), (x1, y1) in zip(ring, ring[1:] + ring[:1], strict=True)
    )


def scatter(random: Random, ring: Ring, count: int) -> list[Point]:
    """Points spread evenly by chance over a convex ring."""
    fans = [(ring[0], ring[i], ring[i + 1]) for i in range(1, len(ring) - 1)]
    sizes = [abs(area(list(fan))) for fan in fans]
    points = []
    for a, b, c in random.choices(fans, weights=sizes, k=count):
        u, v = random.random(), random.random()
        if u + v > 1:
            u, v = 1 - u, 1 - v
        points.append((a[0] + u * (b[0] - a[0]) + v * (c[0] - a[0]), a[1] + u * (b[1] - a[1]) + v * (c[1] - a[1])))
    return points


def cut(ring: Ring, seeds: Sequence[Point], reaches: Sequence[float] | None = None) -> list[Ring]:
    """One cell a seed: what is nearer to it than to any other, distances squared and lessened by the seed's reach (km²)."""
    reaches = reaches or [0.0] * len(seeds)
    cells = []
    for i, (x, y) in enumerate(seeds):
        cell = ring
        for j, (other_x, other_y) in enumerate(seeds):
            if i != j and cell:
                a, b = 2 * (other_x - x), 2 * (other_y - y)
                edge = other_x**2 + other_y**2 - x**2 - y**2 + reaches[i] - reaches[j]
                cell = _keep(cell, a, b, edge)
        cells.append(cell)
    return cells


def divide(random: Random, ring: Ring, count: int, fixed: Sequence[Point] = (), rounds: int = 2) -> list[Ring]:
    """``count`` cells of like size; those of ``fixed`` come first and keep their seeds, the others move to the middle of theirs."""
    if count == 1:
        return [ring]
    seeds = [*fixed, *scatter(random, ring, count - len(fixed))]
    for _ in range(rounds):
        seeds = [*fixed, *(centroid(cell) for cell in cut(ring, seeds)[len(fixed) :])]
    return cut(ring, seeds)


def by_position(cells: Sequence[Ring]) -> list[Ring]:
    """Cells numbered as grids are: west to east, and north to south."""
    return sorted(cells, key=lambda cell: (centroid(cell)[0], -centroid(cell)[1]))


def shares(total: int, weights: Sequence[float], least: int = 0) -> list[int]:
    """Whole numbers that sum to ``total`` and go by the weights, none below ``least`` (largest remainder)."""
    free, whole = total - least * len(weights), sum(weights)
    if free < 0:
        raise ValueError(f"{total} is too few for {len(weights)} parts of at least {least}")
    exact = [free * weight / whole for weight in weights]
    found = [int(part) for part in exact]
    for i in sorted(range(len(exact)), key=lambda i: found[i] - exact[i])[: free - sum(found)]:
        found[i] += 1
    return [least + part for part in found]


def _keep(ring: Ring, a: float, b: float, edge: float) -> Ring:
    """The part of a convex ring with a·x + b·y <= edge."""
    sides = [a * x + b * y - edge for x, y in ring]
    if max(sides) <= _EPSILON:
        return ring
    kept: Ring = []
    for i, (point, side) in enumerate(zip(ring, sides, strict=True)):
        before, before_side = ring[i - 1], sides[i - 1]
        if (side <= 0) != (before_side <= 0):
            t = before_side / (before_side - side)
            kept.append((before[0] + t * (point[0] - before[0]), before[1] + t * (point[1] - before[1])))
        if side <= 0:
            kept.append(point)
    return kept if len(kept) > 2 else []
