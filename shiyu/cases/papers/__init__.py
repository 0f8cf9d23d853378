"""工单（打印件） — a case with its timeline as one PDF, for the file, the meeting and the court. The reporter stays masked."""

from collections.abc import Sequence
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from shiyu.cases.queries import Whole
from shiyu.cases.schemas.outputs import CaseOut, TimelineOut
from shiyu.cases.schemas.speaking import case_out
from shiyu.directory import names
from shiyu.directory.gazetteer import gazetteer
from shiyu.kernel import audit, clock, files, papers, words
from shiyu.kernel.auth import Viewer

TEMPLATE = Path(__file__).parent / "case.typ"
PICTURES = 8
_FACTS = (
    "kind",
    "urgency",
    "channel",
    "matter",
    "accepted_at",
    "due_at",
    "area_name",
    "address",
    "lead_org",
    "reporter",
)
_HEADS = {"dispatches": ("part", "office", "dispatched", "outcome"), "clocks": ("clock", "due_at", "ended", "basis")}


def case_paper(s: Session, viewer: Viewer, whole: Whole, lang: str = "zh") -> bytes:
    """工单 — the PDF as this viewer may read the case, with his name and the moment in its foot; that he made it is kept."""
    case = case_out(s, viewer, whole)
    audit.record(s, viewer, "case.print", subject=f"case:{case.no}")
    images = {f"{n}.jpg": path for n, path in enumerate(islice(_pictures(whole), PICTURES))}
    data = {
        "lang": lang,
        "title": _word("paper.case", lang),
        "city": _city(s, lang),
        "mark": _word("paper.confidential", lang) if case.confidential else "",
        "no": case.no,
        "state": _word(f"case.state.{case.state}", lang),
        "facts": [[_word(f"column.{name}", lang), fact] for name in _FACTS if (fact := _fact(case, name, lang))],
        "text": case.text,
        "pictures": list(images),
        "labels": {
            name: _word(f"paper.{name}", lang) for name in ("text", "pictures", "dispatches", "clocks", "timeline")
        },
        "heads": {name: [_word(f"paper.{head}", lang) for head in heads] for name, heads in _HEADS.items()},
        "dispatches": [_dispatch(row, lang) for row in case.dispatches],
        "clocks": [
            [_word(f"clock.{row.kind}", lang), _at(row.due_at), _at(row.stopped_at), _word(f"basis.{row.basis}", lang)]
            for row in case.clocks
        ],
        "timeline": [_entry(one, lang) for one in case.timeline],
        "printed": words.say("paper.printed", lang, name=viewer.name or viewer.username, at=_at(clock.now())),
        "note": _word("paper.masked", lang),
    }
    return papers.pdf(TEMPLATE, data, {name: path.read_bytes() for name, path in images.items()})


def _city(s: Session, lang: str) -> str:
    city = next((node for node in gazetteer(s).nodes if node.level == "city"), None)
    if city is None:
        return _word("city.name", lang)
    return names.latin(city.name, "city") if lang == "en" else city.name


def _pictures(whole: Whole) -> Sequence[Path]:
    return [files.thumb_of(file) for _, file in whole.files if file.kind == "image"]


def _word(identifier: str, lang: str) -> str:
    found = words.say(identifier, lang)
    return identifier.split(".", 1)[1] if found == identifier else found


def _at(moment: datetime | None) -> str:
    return f"{clock.beijing(moment):%Y-%m-%d %H:%M}" if moment else "—"


def _fact(case: CaseOut, name: str, lang: str) -> str:
    if name == "reporter":
        return " ".join(filter(None, (case.reporter.name_masked, case.reporter.phone_masked)))
    value = getattr(case, name)
    if isinstance(value, datetime):
        return _at(value)
    if name in ("kind", "urgency", "channel"):
        return _word(f"{name}.{value}", lang)
    if name in ("matter", "lead_org"):
        return ((lang == "en" and value.name_en) or value.name) if value else ""
    return value or ""


def _dispatch(row: dict[str, Any], lang: str) -> list[str]:
    became = [_word(f"outcome.{row['outcome']}", lang)] if row["outcome"] else []
    signed = [words.say("paper.signed", lang, at=_at(row["signed_at"]))] if row["signed_at"] else []
    return [_word(f"part.{row['part']}", lang), row["org"].name, _at(row["at"]), " · ".join([*signed, *became]) or "—"]


def _entry(one: TimelineOut, lang: str) -> dict[str, str]:
    who = " · ".join(filter(None, (one.by_name, one.org_name)))
    return {"at": _at(one.at), "label": one.label[lang], "by": who, "text": one.text or ""}
