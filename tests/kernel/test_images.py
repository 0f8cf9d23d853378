"""图片: drawn anew, upright, without metadata; what the camera said is read first; bombs and fakes are refused."""

import struct
import tracemalloc
import zlib
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path

import pytest
from PIL import ExifTags, Image, ImageCms, PngImagePlugin

from shiyu.kernel import images
from shiyu.kernel.config import settings
from shiyu.kernel.errors import Refusal

SECRET = "SECRET-IN-METADATA"


@pytest.fixture(autouse=True)
def limits(monkeypatch):
    monkeypatch.setenv("SHIYU_MAX_IMAGE_PIXELS", "50000000")
    settings.cache_clear()
    yield
    monkeypatch.undo()
    settings.cache_clear()


def two_halves(width: int = 80, height: int = 40, mode: str = "RGB") -> Image.Image:
    """Red on the left, blue on the right."""
    image = Image.new(mode, (width, height), "red")
    image.paste("blue", (width // 2, 0, width, height))
    return image


def told(orientation: int | None = None, **more) -> Image.Exif:
    """What a camera writes: where, when, how it was held, whose it is."""
    exif = Image.Exif()
    exif[ExifTags.Base.Artist] = SECRET
    if orientation:
        exif[ExifTags.Base.Orientation] = orientation
    detail = {ExifTags.Base.DateTimeOriginal: "2026:02:24 08:59:30"} | more.get("detail", {})
    position = {
        ExifTags.GPS.GPSLatitudeRef: "N",
        ExifTags.GPS.GPSLatitude: (41.0, 6.0, 30.0),
        ExifTags.GPS.GPSLongitudeRef: "E",
        ExifTags.GPS.GPSLongitude: (122.0, 59.0, 24.0),
    } | more.get("position", {})
    exif._ifds[ExifTags.IFD.Exif] = detail
    exif._ifds[ExifTags.IFD.GPSInfo] = position
    exif[ExifTags.IFD.Exif], exif[ExifTags.IFD.GPSInfo] = detail, position
    return exif


def encoded(image: Image.Image, kind: str, **options) -> bytes:
    out = BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def clean(folder: Path, content: bytes, media_type: str) -> tuple[images.Picture, Image.Image]:
    (folder / "came").write_bytes(content)
    picture = images.clean(folder / "came", media_type, folder / "drawn", folder / "thumb")
    drawn = Image.open(folder / "drawn")
    drawn.load()
    return picture, drawn


def refused(folder: Path, content: bytes, media_type: str) -> str:
    (folder / "came").write_bytes(content)
    with pytest.raises(Refusal) as caught:
        images.clean(folder / "came", media_type, folder / "drawn", folder / "thumb")
    assert caught.value.status == 422
    return caught.value.code


def colour(image: Image.Image, x: int, y: int) -> str:
    red, green, blue = image.convert("RGB").getpixel((x, y))
    return "red" if red > 200 and blue < 60 else "blue" if blue > 200 and red < 60 else f"{red},{green},{blue}"


@pytest.mark.parametrize(
    ("kind", "media_type"),
    [("JPEG", "image/jpeg"), ("HEIF", "image/heic"), ("WEBP", "image/webp"), ("PNG", "image/png")],
)
def test_place_and_time_are_read_and_then_gone(tmp_path, kind, media_type):
    content = encoded(two_halves(), kind, exif=told().tobytes())
    assert SECRET.encode() in content

    picture, drawn = clean(tmp_path, content, media_type)

    assert picture.taken_at == datetime(2026, 2, 24, 0, 59, 30, tzinfo=UTC)
    assert (picture.lon, picture.lat) == (pytest.approx(122.99), pytest.approx(41.1083333))
    assert (picture.width, picture.height) == drawn.size == (80, 40)
    assert len(drawn.getexif()) == 0
    for name in ("drawn", "thumb"):
        kept = (tmp_path / name).read_bytes()
        assert SECRET.encode() not in kept
        assert b"Exif" not in kept


def test_what_hides_elsewhere_in_a_picture_is_gone(tmp_path):
    notes = PngImagePlugin.PngInfo()
    notes.add_text("Comment", SECRET)
    notes.add_itxt("XML:com.adobe.xmp", SECRET)
    hiding = {
        "image/jpeg": encoded(two_halves(), "JPEG", comment=SECRET, xmp=SECRET.encode()) + SECRET.encode(),
        "image/png": encoded(two_halves(), "PNG", pnginfo=notes) + SECRET.encode(),
        "image/gif": encoded(two_halves().convert("P"), "GIF", comment=SECRET),
        "image/webp": encoded(two_halves(), "WEBP", xmp=SECRET.encode()),
    }

    for media_type, content in hiding.items():
        assert SECRET.encode() in content
        clean(tmp_path, content, media_type)
        assert SECRET.encode() not in (tmp_path / "drawn").read_bytes(), media_type


@pytest.mark.parametrize(
    ("orientation", "left_is", "size"),
    [(1, "red", (80, 40)), (2, "blue", (80, 40)), (3, "blue", (80, 40)), (6, None, (40, 80)), (8, None, (40, 80))],
)
def test_a_picture_stands_upright(tmp_path, orientation, left_is, size):
    content = encoded(two_halves(), "JPEG", exif=told(orientation).tobytes(), quality=95)

    picture, drawn = clean(tmp_path, content, "image/jpeg")

    assert (picture.width, picture.height) == drawn.size == size
    if left_is:
        assert colour(drawn, 5, 20) == left_is
    else:  # turned by a quarter: 6 brings the left side to the top, 8 to the bottom
        assert colour(drawn, 20, 5) == ("red" if orientation == 6 else "blue")


@pytest.mark.parametrize(
    "more",
    [
        {"position": {ExifTags.GPS.GPSLatitude: (0.0, 0.0, 0.0), ExifTags.GPS.GPSLongitude: (0.0, 0.0, 0.0)}},
        {"position": {ExifTags.GPS.GPSLatitude: (141.0, 0.0, 0.0)}},
        {"position": {ExifTags.GPS.GPSLongitude: (200.0, 0.0, 0.0)}},
        {"position": {ExifTags.GPS.GPSLongitude: (122.0,)}},
    ],
)
def test_an_impossible_position_is_not_believed(tmp_path, more):
    picture, _ = clean(tmp_path, encoded(two_halves(), "JPEG", exif=told(**more).tobytes()), "image/jpeg")

    assert (picture.lon, picture.lat) == (None, None)
    assert picture.taken_at is not None


def test_south_and_west_are_negative(tmp_path):
    more = {"position": {ExifTags.GPS.GPSLatitudeRef: "S", ExifTags.GPS.GPSLongitudeRef: "W"}}

    picture, _ = clean(tmp_path, encoded(two_halves(), "JPEG", exif=told(**more).tobytes()), "image/jpeg")

    assert (picture.lon, picture.lat) == (pytest.approx(-122.99), pytest.approx(-41.1083333))


@pytest.mark.parametrize(
    ("detail", "taken_at"),
    [
        ({ExifTags.Base.OffsetTimeOriginal: "+00:00"}, datetime(2026, 2, 24, 8, 59, 30, tzinfo=UTC)),
        ({ExifTags.Base.OffsetTimeOriginal: "nonsense"}, None),
        ({ExifTags.Base.DateTimeOriginal: "0000:00:00 00:00:00"}, None),
        ({ExifTags.Base.DateTimeOriginal: "1980:01:01 00:00:00"}, None),
        ({ExifTags.Base.DateTimeOriginal: "yesterday"}, None),
    ],
)
def test_a_time_is_believed_when_it_is_one(tmp_path, detail, taken_at):
    picture, _ = clean(tmp_path, encoded(two_halves(), "JPEG", exif=told(detail=detail).tobytes()), "image/jpeg")

    assert picture.taken_at == taken_at


@pytest.mark.filterwarnings("ignore:Corrupt EXIF")
def test_damaged_metadata_does_not_cost_the_picture(tmp_path):
    content = encoded(two_halves(), "JPEG", exif=b"Exif\0\0" + b"II*\0\xff\xff\xff\xff" + b"\xee" * 40)

    picture, drawn = clean(tmp_path, content, "image/jpeg")

    assert (picture.taken_at, picture.lon, drawn.size) == (None, None, (80, 40))


@pytest.mark.parametrize(
    ("content", "media_type", "kept_as"),
    [
        (encoded(two_halves(), "JPEG"), "image/jpeg", "image/jpeg"),
        (encoded(two_halves(), "PNG"), "image/png", "image/png"),
        (encoded(two_halves(mode="RGBA"), "PNG"), "image/png", "image/png"),
        (encoded(Image.new("RGBA", (40, 40), (255, 0, 0, 90)), "WEBP"), "image/webp", "image/png"),
        (encoded(two_halves(), "WEBP"), "image/webp", "image/jpeg"),
        (encoded(two_halves(), "HEIF"), "image/heic", "image/jpeg"),
        (encoded(two_halves().convert("P"), "GIF"), "image/gif", "image/png"),
        (encoded(two_halves().convert("CMYK"), "JPEG"), "image/jpeg", "image/jpeg"),
        (encoded(two_halves().convert("1"), "PNG"), "image/png", "image/png"),
        (encoded(Image.effect_noise((1200, 1200), 90), "PNG"), "image/png", "image/jpeg"),
    ],
)
def test_pictures_become_jpeg_unless_they_are_transparent_or_small_and_lossless(tmp_path, content, media_type, kept_as):
    picture, drawn = clean(tmp_path, content, media_type)

    assert picture.media_type == kept_as == Image.MIME[drawn.format]


def test_what_shows_through_still_shows_through_and_is_white_in_the_thumbnail(tmp_path):
    _, drawn = clean(tmp_path, encoded(Image.new("RGBA", (900, 300), (255, 0, 0, 0)), "PNG"), "image/png")

    assert drawn.mode == "RGBA"
    thumb = Image.open(tmp_path / "thumb")
    assert (thumb.format, thumb.size, thumb.convert("RGB").getpixel((200, 80))) == ("JPEG", (480, 160), (255, 255, 255))


def test_grey_of_sixteen_bits_is_not_burnt_white(tmp_path):
    _, drawn = clean(tmp_path, encoded(Image.new("I;16", (40, 40), 30000), "PNG"), "image/png")

    assert abs(drawn.convert("L").getpixel((20, 20)) - 30000 // 256) <= 1


def test_colours_of_another_space_become_srgb(tmp_path):
    lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("XYZ")).tobytes()
    odd = encoded(two_halves(), "JPEG", icc_profile=lab)
    broken = encoded(two_halves(), "JPEG", icc_profile=b"\0" * 200)

    for content in (odd, broken):
        _, drawn = clean(tmp_path, content, "image/jpeg")
        assert "icc_profile" not in drawn.info


@pytest.mark.parametrize(
    ("size", "thumb"),
    [((4000, 3000), (480, 360)), ((300, 4000), (36, 480)), ((100, 50), (100, 50)), ((3000, 1), (480, 1))],
)
def test_a_thumbnail_fits_and_never_grows(tmp_path, size, thumb):
    clean(tmp_path, encoded(Image.new("RGB", size, "red"), "JPEG"), "image/jpeg")

    assert Image.open(tmp_path / "thumb").size == thumb


def test_of_an_animation_the_first_frame_is_kept(tmp_path):
    frames = [Image.new("RGB", (40, 40), name) for name in ("red", "blue")]
    content = encoded(frames[0], "GIF", save_all=True, append_images=frames[1:])

    _, drawn = clean(tmp_path, content, "image/gif")

    assert getattr(drawn, "n_frames", 1) == 1
    assert colour(drawn, 20, 20) == "red"


def png_saying(width: int, height: int) -> bytes:
    """A PNG whose few bytes unpack into as many pixels as it says."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    packed = zlib.compressobj(9)
    rows = b"".join(packed.compress(bytes(width // 8 + 1)) for _ in range(min(height, 3000))) + packed.flush()
    head = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def webp_saying(width: int, height: int) -> bytes:
    flags_and_size = b"\x02\0\0\0" + (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    body = b"WEBPVP8X" + struct.pack("<I", 10) + flags_and_size + b"ANIM" + struct.pack("<I", 6) + bytes(6)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def jpeg_saying(width: int, height: int) -> bytes:
    content = bytearray(encoded(Image.new("RGB", (8, 8)), "JPEG"))
    frame = content.index(b"\xff\xc0")
    content[frame + 5 : frame + 9] = struct.pack(">HH", height, width)
    return bytes(content)


@pytest.mark.parametrize(
    ("content", "media_type"),
    [
        (png_saying(7072, 7072), "image/png"),
        (png_saying(50_000, 50_000), "image/png"),
        (webp_saying(16_000, 16_000), "image/webp"),
        (webp_saying(1 << 24, 1 << 24), "image/webp"),
        (jpeg_saying(65_000, 65_000), "image/jpeg"),
        (jpeg_saying(8_000, 7_000), "image/jpeg"),
        (b"GIF89a" + struct.pack("<HH", 65_000, 65_000) + b"\0\0\0,\0\0\0\0\1\0\1\0\0\2\2D\1\0;", "image/gif"),
        (b"GIF89a\1\0\1\0\0\0\0,\0\0\0\0" + struct.pack("<HH", 65_000, 65_000) + b"\0\2\2D\1\0;", "image/gif"),
    ],
)
def test_a_bomb_is_refused_before_it_goes_off(tmp_path, content, media_type):
    tracemalloc.start()
    try:
        code = refused(tmp_path, content, media_type)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert code == "file.bomb"
    assert peak < 20 * 1024 * 1024


def test_the_limit_of_pixels_is_a_setting(tmp_path, monkeypatch):
    monkeypatch.setenv("SHIYU_MAX_IMAGE_PIXELS", "3200")
    settings.cache_clear()

    clean(tmp_path, encoded(two_halves(80, 40), "JPEG"), "image/jpeg")
    for kind, options in (("JPEG", {}), ("WEBP", {}), ("WEBP", {"lossless": True}), ("HEIF", {}), ("PNG", {})):
        media_type = Image.MIME.get(kind, "image/heic") if kind != "HEIF" else "image/heic"
        assert refused(tmp_path, encoded(two_halves(82, 40), kind, **options), media_type) == "file.bomb"


@pytest.mark.parametrize(
    ("kind", "media_type"),
    [("JPEG", "image/jpeg"), ("PNG", "image/png"), ("WEBP", "image/webp"), ("HEIF", "image/heic")],
)
def test_a_picture_cut_short_is_refused(tmp_path, kind, media_type):
    content = encoded(Image.effect_noise((400, 400), 90).convert("RGB"), kind)

    assert refused(tmp_path, content[: len(content) // 2], media_type) == "file.not_an_image"


@pytest.mark.parametrize(
    ("first", "media_type"),
    [
        (b"\xff\xd8\xff\xe0", "image/jpeg"),
        (b"\x89PNG\r\n\x1a\n", "image/png"),
        (b"RIFF\0\0\0\0WEBPVP8 ", "image/webp"),
        (b"RIFF\0\0\0\0WEBPVP8L", "image/webp"),
        (b"RIFF\0\0\0\0WEBPVP8X", "image/webp"),
        (b"RIFF\0\0\0\0WEBP", "image/webp"),
        (b"GIF89a", "image/gif"),
        (b"\0\0\0\x18ftypheic", "image/heic"),
    ],
)
def test_a_fake_picture_is_refused(tmp_path, first, media_type):
    assert refused(tmp_path, first, media_type) == "file.not_an_image"
    assert refused(tmp_path, first + b"<script>alert(1)</script>" * 20, media_type) in (
        "file.not_an_image",
        "file.bomb",
    )
