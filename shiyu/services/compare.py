"""版本比较 — what changed between two versions, sentence by sentence. Pure."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any

from shiyu.services.models import CONTENT

_SENTENCES = re.compile(r"[^。；！？\n]*[。；！？\n]|[^。；！？\n]+")


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of text that is the same, was added or was removed: ``how`` is "same", "added" or "removed"."""

    how: str
    text: str


@dataclass(frozen=True, slots=True)
class Change:
    """变动 — one field that differs."""

    field: str
    pieces: tuple[Piece, ...]


def between(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[Change]:
    """The fields that differ, in their usual order; none: the same words."""
    return [
        Change(name, pieces(_parts(old.get(name)), _parts(new.get(name))))
        for name in CONTENT
        if old.get(name) != new.get(name)
    ]


def pieces(old: Sequence[str], new: Sequence[str]) -> tuple[Piece, ...]:
    """What stayed, what went, what came."""
    found: list[Piece] = []
    for how, a, b, c, d in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if how == "equal":
            found.append(Piece("same", "".join(old[a:b])))
            continue
        if gone := "".join(old[a:b]):
            found.append(Piece("removed", gone))
        if come := "".join(new[c:d]):
            found.append(Piece("added", come))
    return tuple(found)


def _parts(value: Any) -> list[str]:
    """A field as pieces that are compared whole: sentences, steps, keywords, sources."""
    if value is None:
        return []
    if isinstance(value, list):
        return [_line(one) + "\n" for one in value]
    return _SENTENCES.findall(str(value))


def _line(one: Any) -> str:
    return " ".join(str(word) for word in one.values() if word) if isinstance(one, Mapping) else str(one)
