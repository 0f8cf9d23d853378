"""演示照片 — drawn scenes in place of photographs, each stamped 演示, so that nobody takes one for a picture of a real street."""

from collections.abc import Callable
from io import BytesIO
from random import Random

from PIL import Image, ImageDraw

Brush = ImageDraw.ImageDraw
SIZE = (960, 720)
# The two characters as dots, since a bare machine has no Chinese font: 32 lines of 64.
_STAMP = """
0000000000000000 0000000000000000 0000000000000000 0c00780000000400 07003c0000000e00 07883c1000000f00 078818380fffff80 03cffffc00000000
0058003800000000 007801b000000000 30b801e000000000 1cb7ffe0000001c0 1e803800000001e0 0e8838e0fffffff0 0d8ffff0000f0000 010e38e0000f0000
010e38e0000f0000 030e38e0070f1000 030e38e007cf0c00 030fffe0078f0f00 070e38e00f0f0780 060e38e00e0f03c0 1e0e38e01e0f03e0 0e0fffe01c0f01e0
060e00e0380f01e0 070c8000700f00f0 0701c3c0400f00e0 0703f1f080ff0000 0707c0f8003f0000 0f1f007c001e0000 073c003c001c0000 0040000000000000
"""
SCENES = {
    "扶手": "stairs", "楼梯": "stairs", "台阶": "stairs", "灯": "lamp", "坑": "hole", "路面": "hole", "塌": "hole", "断裂": "hole",
    "井盖": "cover", "垃圾": "heap", "残土": "heap", "漏": "leak", "渗": "leak", "返水": "leak",
}  # fmt: skip


def scene_of(text: str) -> str | None:
    """The scene that a text can be shown by."""
    return next((scene for word, scene in SCENES.items() if word in text), None)


def draw(scene: str, random: Random, *, mended: bool = False) -> bytes:
    """A JPEG of 960 × 720 of a scene, before or after the work."""
    wall = tuple(random.randint(150, 215) for _ in range(3))
    picture = Image.new("RGB", SIZE, wall)
    brush = ImageDraw.Draw(picture)
    for y in range(0, SIZE[1], 6):  # light falls from above
        brush.rectangle((0, y, SIZE[0], y + 6), fill=tuple(max(0, part - y // 14) for part in wall))
    _DRAWN[scene](brush, random, mended)
    _stamp(picture)
    kept = BytesIO()
    picture.save(kept, "JPEG", quality=82)
    return kept.getvalue()


def _stamp(picture: Image.Image) -> None:
    dots = bytes.fromhex("".join(_STAMP.split()))
    stamp = Image.frombytes("1", (64, 32), dots).convert("L").resize((192, 96))
    picture.paste((190, 30, 30), (SIZE[0] - 216, SIZE[1] - 120), stamp)
    brush = ImageDraw.Draw(picture)
    brush.rectangle((SIZE[0] - 226, SIZE[1] - 126, SIZE[0] - 14, SIZE[1] - 14), outline=(190, 30, 30), width=4)
    brush.text((20, SIZE[1] - 40), "SYNTHETIC DEMO PICTURE", fill=(190, 30, 30), font_size=24)


def _stairs(brush: Brush, _random: Random, mended: bool) -> None:
    for step in range(9):
        left, top = 80 + step * 80, 600 - step * 55
        brush.rectangle((left, top, SIZE[0], SIZE[1]), fill=(150 - step * 5,) * 3, outline=(90, 90, 90))
        if mended or step not in (3, 4, 5):
            brush.line((left + 40, top, left + 40, top - 150), fill=(60, 60, 70), width=10)
    for begin, end in ((0, 8),) if mended else ((0, 2), (6, 8)):
        ends = (120 + begin * 80, 450 - begin * 55, 120 + end * 80, 450 - end * 55)
        brush.line(ends, fill=(120, 70, 40), width=22)


def _lamp(brush: Brush, _random: Random, mended: bool) -> None:
    brush.rectangle((0, 0, *SIZE), fill=(22, 26, 44))
    brush.rectangle((0, 560, *SIZE), fill=(40, 42, 48))
    for x in (200, 480, 760):
        brush.rectangle((x - 6, 190, x + 6, 570), fill=(70, 74, 82))
        lit = mended or x == 200
        if lit:
            brush.polygon(((x, 200), (x - 120, 560), (x + 120, 560)), fill=(92, 84, 50))
        brush.ellipse((x - 30, 160, x + 30, 210), fill=(250, 226, 140) if lit else (60, 62, 70))


def _hole(brush: Brush, _random: Random, mended: bool) -> None:
    brush.rectangle((0, 240, *SIZE), fill=(96, 98, 102))
    for x in range(40, SIZE[0], 180):
        brush.rectangle((x, 300, x + 90, 314), fill=(215, 215, 205))
    if mended:
        brush.rectangle((280, 420, 700, 600), fill=(52, 54, 58))
        return
    for n in range(5):
        grow = 40 - n * 8
        brush.ellipse((330 - grow * 2, 440 - grow, 640 + grow * 2, 570 + grow), fill=(80 - n * 13,) * 3)


def _cover(brush: Brush, random: Random, mended: bool) -> None:
    for x in range(0, SIZE[0], 120):
        for y in range(200, SIZE[1], 90):
            brush.rectangle((x, y, x + 116, y + 86), fill=(158 + random.randint(-8, 8),) * 3)
    brush.ellipse((330, 380, 640, 580), fill=(72, 72, 76) if mended else (14, 14, 16), outline=(50, 50, 52), width=12)
    if mended:
        for x in range(370, 610, 30):
            brush.line((x, 420, x, 540), fill=(50, 50, 54), width=6)


def _heap(brush: Brush, random: Random, mended: bool) -> None:
    brush.polygon(((0, 420), (300, 240), (620, 330), (SIZE[0], 210), SIZE, (0, SIZE[1])), fill=(92, 124, 78))
    if mended:
        brush.rectangle((0, 560, *SIZE), fill=(104, 134, 86))
        return
    for _ in range(260):
        x, y = random.gauss(470, 130), random.uniform(0, 1)
        y = 640 - y * max(0.0, 230 - abs(x - 470))
        side, grey = random.randint(10, 42), random.randint(95, 190)
        brush.rectangle((x, y, x + side * 1.6, y + side), fill=(grey, grey - 12, grey - 30), outline=(80, 74, 66))


def _leak(brush: Brush, random: Random, mended: bool) -> None:
    brush.rectangle((0, 0, SIZE[0], 120), fill=(224, 224, 218))
    brush.rectangle((440, 0, 480, 220), fill=(130, 136, 142))
    if mended:
        brush.rectangle((424, 96, 496, 150), fill=(60, 96, 150))
        return
    for _ in range(60):
        x, y = random.gauss(460, 60), random.uniform(150, 640)
        brush.ellipse((x, y, x + 6, y + 22), fill=(92, 140, 190))
    brush.ellipse((250, 620, 690, 700), fill=(104, 148, 190))


_DRAWN: dict[str, Callable[[Brush, Random, bool], None]] = {
    "stairs": _stairs, "lamp": _lamp, "hole": _hole, "cover": _cover, "heap": _heap, "leak": _leak,
}  # fmt: skip
