"""Words of the house: every label and sentence, Chinese and English, from the ``terms.csv`` of each room.

A row is ``identifier,zh,en,basis``. The first part of the identifier says what the row is: ``model.Case``, ``case.state.handling``,
``verb.dispatch``, ``refusal.case.stale``, ``role.dispatcher``, ``level.grid``, ``event.case.accepted``. Faces, the docs' glossary
and the tests read the same rows.
"""

import csv
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

from shiyu.kernel.clock import beijing

LANGUAGES = ("zh", "en")
ROOT = Path(__file__).parent.parent


@dataclass(frozen=True, slots=True)
class Term:
    """术语 — one row: what it is called, in both languages, and where the word comes from."""

    identifier: str
    zh: str
    en: str
    basis: str
    room: str


@cache
def terms() -> dict[str, Term]:
    """All terms by identifier. A word that two rooms claim is an error."""
    found: dict[str, Term] = {}
    for path in sorted(ROOT.glob("*/terms.csv")):
        with path.open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                term = Term(row["identifier"], row["zh"], row["en"], row.get("basis") or "", path.parent.name)
                if term.identifier in found:
                    raise ValueError(f"{path}: {term.identifier} stands twice")
                if not term.zh or not term.en:
                    raise ValueError(f"{path}: {term.identifier} lacks a language")
                found[term.identifier] = term
    return found


def say(identifier: str, lang: str = "zh", **facts: Any) -> str:
    """The words of ``identifier`` in a language, facts filled in. An unknown identifier is returned as it is."""
    term = terms().get(identifier)
    if term is None:
        return identifier
    text = term.en if lang == "en" else term.zh
    if f"basis.{facts.get('basis')}" in terms():
        facts["basis"] = say(f"basis.{facts['basis']}", lang)
    return text.format_map(_Facts({key: _spoken(value) for key, value in facts.items()})) if facts else text


def both(identifier: str, **facts: Any) -> dict[str, str]:
    """The words in every language."""
    return {lang: say(identifier, lang, **facts) for lang in LANGUAGES}


class _Facts(dict[str, Any]):
    def __missing__(self, key: str) -> str:
        return "{" + key + "}"


def _spoken(value: Any) -> Any:
    return beijing(value).strftime("%Y-%m-%d %H:%M") if isinstance(value, datetime) else value
