"""区划代码 — the codes of areas: what level a code speaks of, whether it is well formed, and which code stands above it. Pure.

City and county: 6 digits (GB/T 2260). Township: 9, community or village: 12 (统计用区划代码: 6 + 3 + 3).
Grid and cell are the platform's own keys, because no national rule was found (basis "default profile"):
grid = community + kind (1 base, 2 exclusive) + 3 digits of sequence; cell = community + 3 + the grid's sequence + 2 digits.
"""

import re

LEVELS = ("city", "county", "town", "community", "grid", "cell")
"""市 县区 乡镇街道 社区（村） 基础网格 三级网格 — from the widest to the finest."""

GRID_KINDS = {"1": "base", "2": "exclusive"}
_CELL = "3"
_FORMS = {
    "city": re.compile(r"[1-9]\d{3}00"),
    "county": re.compile(r"[1-9]\d{3}(?!00)\d{2}"),
    "town": re.compile(r"[1-9]\d{3}(?!00)\d{2}(?!000)[0-5]\d{2}"),
    "community": re.compile(r"[1-9]\d{3}(?!00)\d{2}(?!000)[0-5]\d{2}(?!000)\d{3}"),
    "grid": re.compile(r"[1-9]\d{3}(?!00)\d{2}(?!000)[0-5]\d{2}(?!000)\d{3}[12](?!000)\d{3}"),
    "cell": re.compile(r"[1-9]\d{3}(?!00)\d{2}(?!000)[0-5]\d{2}(?!000)\d{3}3(?!000)\d{3}(?!00)\d{2}"),
}
_LENGTHS = {6, 9, 12, 16, 18}
_PADDED = 12
_COUNTY, _TOWN, _COMMUNITY, _GRID, _CELL_LENGTH = 6, 9, 12, 16, 18


def level_of(code: str) -> str | None:
    """The level a code speaks of, ``None`` if it is not well formed."""
    return next((level for level, form in _FORMS.items() if form.fullmatch(code)), None)


def normal(code: str) -> str:
    """A statistical code without the noughts that pad it to twelve: 210302003000 is the street 210302003."""
    code = code.strip()
    if len(code) == _PADDED and code.isdigit():
        if code.endswith("000000"):
            return code[:_COUNTY]
        if code.endswith("000"):
            return code[:_TOWN]
    return code


def parent_of(code: str) -> str | None:
    """The code above. A cell is taken to lie in a base grid; the city has none."""
    match level_of(code):
        case "county":
            return code[:4] + "00"
        case "town":
            return code[:_COUNTY]
        case "community":
            return code[:_TOWN]
        case "grid":
            return code[:_COMMUNITY]
        case "cell":
            return code[:_COMMUNITY] + "1" + code[13:16]
        case _:
            return None


def grid_kind(code: str) -> str | None:
    """The kind of a grid, read from its code."""
    return GRID_KINDS.get(code[_COMMUNITY]) if level_of(code) == "grid" else None


def grid_code(community: str, sequence: int, kind: str = "base") -> str:
    """The key of a grid in a community; ``sequence`` counts from 1 to 999."""
    digit = next(key for key, value in GRID_KINDS.items() if value == kind)
    return f"{community}{digit}{sequence:03d}"


def cell_code(grid: str, sequence: int) -> str:
    """The key of a cell (三级网格) in a grid; ``sequence`` counts from 1 to 99."""
    return f"{grid[:_COMMUNITY]}{_CELL}{grid[13:16]}{sequence:02d}"


def is_above(wide: str, fine: str) -> bool:
    """Whether one level lies above another."""
    return LEVELS.index(wide) < LEVELS.index(fine)
