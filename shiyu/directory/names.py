"""名称 — how a Chinese name is ordered, typed and shortened. Pure."""

import re
from functools import lru_cache

from pypinyin import Style, lazy_pinyin
from sqlalchemy import ColumnElement, func, or_
from sqlalchemy.orm import InstrumentedAttribute

SUFFIXES = {
    "city": ("市",),
    "county": ("满族自治县", "自治县", "风景名胜区", "经济开发区", "开发区", "县", "区", "市"),
    "town": ("街道办事处", "街道", "满族镇", "镇", "乡"),
    "community": ("社区居民委员会", "社区", "村民委员会", "居委会", "村委会", "村"),
    "grid": (),
    "cell": (),
}
"""What stands at the end of an area's name and is left out when people speak."""

_SHORTEST_STEM = 2
_LATIN = re.compile(r"[a-z0-9 ']+")


@lru_cache(maxsize=65536)
def sort_key(name: str) -> str:
    """Pinyin without tones, syllables parted by blanks: 铁东区 is "tie dong qu". Lists are ordered by it."""
    return " ".join(part.strip().lower() for part in lazy_pinyin(name) if part.strip())


def latin(name: str, level: str) -> str:
    """A name of an area in Latin letters without its level: 鞍山市 is "Anshan"."""
    return "".join(lazy_pinyin(stem(name, level) or name)).capitalize()


@lru_cache(maxsize=65536)
def initials(name: str) -> str:
    """First letters of the pinyin: 铁东区 is "tdq"."""
    return "".join(part.strip().lower() for part in lazy_pinyin(name, style=Style.FIRST_LETTER))


def stem(name: str, level: str) -> str | None:
    """A name as it is spoken: 山南街道 is 山南. ``None`` where nothing of at least two characters is left."""
    for suffix in SUFFIXES[level]:
        if name.endswith(suffix):
            short = name.removesuffix(suffix)
            return short if len(short) >= _SHORTEST_STEM else None
    return None


def matching(
    query: str, name: InstrumentedAttribute[str], key: InstrumentedAttribute[str], first: InstrumentedAttribute[str]
) -> ColumnElement[bool]:
    """A condition: the name holds the words, or its pinyin or initials begin with them. For tables of some thousand rows."""
    query = query.strip().lower()
    if not _LATIN.fullmatch(query):
        return name.contains(query, autoescape=True)
    letters = query.replace(" ", "").replace("'", "")
    return or_(
        func.replace(key, " ", "").startswith(letters, autoescape=True),
        first.startswith(letters, autoescape=True),
        func.lower(name).contains(query, autoescape=True),
    )
