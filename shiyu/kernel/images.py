"""图片 — an uploaded picture drawn anew: upright, in sRGB, without metadata, with a thumbnail; when and where it was taken read first.

The bytes that are kept are never the bytes that came: whatever hid beside the picture (EXIF, comments, a second file) is gone. Size
is judged by the declared pixels before anything is decoded, and few pictures are decoded at once, so that memory is bounded.
"""

import threading
from dataclasses import dataclass
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import Any

import pillow_heif
from PIL import ExifTags, Image, ImageCms, ImageOps

from shiyu.kernel.clock import BEIJING
from shiyu.kernel.config import settings
from shiyu.kernel.errors import Refusal

pillow_heif.register_heif_opener(thumbnails=False)

THUMB_SIDE = 480  # pixels, the longer side
SMALL_PNG = 1024 * 1024  # bytes; a screenshot stays lossless below this, a photograph becomes JPEG
QUALITY, THUMB_QUALITY = 86, 80
OLDEST_YEAR = 1995  # a camera without a clock says 1970, 1980 or 1990

_FORMATS = {
    "image/jpeg": ("JPEG", "MPO"),
    "image/png": ("PNG",),
    "image/webp": ("WEBP",),
    "image/gif": ("GIF",),
    "image/heic": ("HEIF",),
}
_LOSSLESS = ("image/png", "image/gif")
_SRGB = ImageCms.createProfile("sRGB")
_turns = threading.BoundedSemaphore(2)  # 50 million pixels take 200 MB, turned 400 MB


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture as it was kept, and what its camera said. ``lon`` and ``lat`` are WGS-84 degrees."""

    media_type: str
    width: int
    height: int
    taken_at: datetime | None
    lon: float | None
    lat: float | None


def clean(source: Path, media_type: str, target: Path, thumb: Path) -> Picture:
    """Draw the picture anew into ``target`` (JPEG, or PNG where it is transparent or small and lossless) and ``thumb`` (JPEG).

    Refuses (422) what declares too many pixels (``file.bomb``) or cannot be decoded whole (``file.not_an_image``). Of an
    animation the first frame is kept.
    """
    with _turns:
        try:
            return _clean(source, media_type, target, thumb)
        except Refusal:
            raise
        except Image.DecompressionBombError as error:
            raise _bomb() from error
        except Exception as error:  # a decoder fed with hostile bytes may raise anything
            raise Refusal("file.not_an_image", 422, field="file") from error


def thumbnail(source: Path, target: Path) -> None:
    """The thumbnail of a picture that was kept before."""
    with _turns, Image.open(source, formats=("JPEG", "PNG")) as image:
        _save_thumb(image, target)


def _clean(source: Path, media_type: str, target: Path, thumb: Path) -> Picture:
    with Image.open(source, formats=_FORMATS[media_type]) as opened:
        _check_pixels(*opened.size)
        opened.load()
        taken_at, lon, lat = _told_by_camera(opened)
        image = _plain(_upright(opened))
        image.info = {}  # Pillow writes comments and profiles of the original back from here
        small = media_type in _LOSSLESS and source.stat().st_size <= SMALL_PNG
        kept_as = "image/png" if small or image.mode == "RGBA" else "image/jpeg"
        _save(image, kept_as, target)
        _save_thumb(image, thumb)
        return Picture(kept_as, *image.size, taken_at, lon, lat)


def _bomb() -> Refusal:
    return Refusal("file.bomb", 422, field="file", limit=f"{settings().max_image_pixels:,}")


def _check_pixels(width: int, height: int) -> None:
    if width * height > settings().max_image_pixels:
        raise _bomb()


def _upright(image: Image.Image) -> Image.Image:
    try:
        turned = image.getexif().get(ExifTags.Base.Orientation, 1) != 1
    except Exception:  # noqa: BLE001 - damaged metadata is no reason to refuse the picture
        return image
    return ImageOps.exif_transpose(image) if turned else image  # it copies even what stands upright


def _plain(image: Image.Image) -> Image.Image:
    """The pixels alone: RGB in sRGB, or RGBA where something shows through."""
    if image.mode.startswith("I;16") or image.mode == "I":
        image = image.point(lambda value: value / 256).convert(
            "L"
        )  # 16 bits a grey; converting alone would burn it white
    profile = image.info.get("icc_profile")
    if profile and image.mode in ("RGB", "L", "CMYK"):
        image = _to_srgb(image, profile)
    if image.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in image.info:
        seen = image.convert("RGBA")
        low = seen.getchannel("A").getextrema()[0]
        return seen if isinstance(low, int | float) and low < 255 else seen.convert("RGB")  # noqa: PLR2004 - opaque
    return image if image.mode == "RGB" else image.convert("RGB")


def _to_srgb(image: Image.Image, profile: bytes) -> Image.Image:
    try:
        given = ImageCms.ImageCmsProfile(BytesIO(profile))
        if "sRGB" in ImageCms.getProfileDescription(given):
            return image
        return ImageCms.profileToProfile(image, given, _SRGB, outputMode="RGB") or image
    except (ImageCms.PyCMSError, OSError, ValueError):
        return image  # a damaged profile costs a shade of colour, not the picture


def _save(image: Image.Image, kept_as: str, target: Path) -> None:
    if kept_as == "image/png":
        image.save(target, "PNG")
    else:
        image.save(target, "JPEG", quality=QUALITY)


def _save_thumb(image: Image.Image, target: Path) -> None:
    scale = THUMB_SIDE / max(image.size)
    size = (max(round(image.width * scale), 1), max(round(image.height * scale), 1))
    small = image.resize(size, Image.Resampling.BICUBIC, reducing_gap=2.0) if scale < 1 else image.copy()
    if small.mode != "RGB":
        ground = Image.new("RGB", small.size, "white")
        small = small.convert("RGBA")
        ground.paste(small, mask=small.getchannel("A"))
        small = ground
    small.info = {}
    small.save(target, "JPEG", quality=THUMB_QUALITY)


def _told_by_camera(image: Image.Image) -> tuple[datetime | None, float | None, float | None]:
    """When and where the picture was taken, as far as its metadata is sound. A time without an offset is Beijing time."""
    try:
        exif = image.getexif()
        taken_at = _taken_at(exif.get_ifd(ExifTags.IFD.Exif))
        position = _position(exif.get_ifd(ExifTags.IFD.GPSInfo))
    except Exception:  # noqa: BLE001 - damaged metadata is no reason to refuse the picture
        return None, None, None
    lon, lat = position or (None, None)
    return taken_at, lon, lat


def _taken_at(told: dict[int, Any]) -> datetime | None:
    text = str(told.get(ExifTags.Base.DateTimeOriginal, "")).strip("\0 ")
    offset = str(told.get(ExifTags.Base.OffsetTimeOriginal, "")).strip("\0 ")
    day, _, time = text.partition(" ")
    try:
        moment = datetime.fromisoformat(f"{day.replace(':', '-')}T{time}{offset}")
    except ValueError:
        return None
    moment = (moment if moment.tzinfo else moment.replace(tzinfo=BEIJING)).astimezone(UTC)
    return moment if moment.year >= OLDEST_YEAR else None


def _position(told: dict[int, Any]) -> tuple[float, float] | None:
    try:
        lat = _degrees(told[ExifTags.GPS.GPSLatitude], told[ExifTags.GPS.GPSLatitudeRef], "S")
        lon = _degrees(told[ExifTags.GPS.GPSLongitude], told[ExifTags.GPS.GPSLongitudeRef], "W")
    except (KeyError, TypeError, ValueError, ZeroDivisionError):
        return None
    on_earth = -180 <= lon <= 180 and -90 <= lat <= 90  # noqa: PLR2004 - also false for "not a number"
    return (lon, lat) if on_earth and (lon, lat) != (0, 0) else None


def _degrees(parts: Any, side: str, negative: str) -> float:
    degrees, minutes, seconds = (float(part) for part in parts)
    value = round(degrees + minutes / 60 + seconds / 3600, 7)
    return -value if str(side).strip("\0 ").upper() == negative else value
