"""大屏 — what the wall shows. A visitor may photograph it: no person, no number of a case, no words, no place finer than a community."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, or_, select, text
from sqlalchemy.orm import Session

from shiyu.analysis.metrics import class_of
from shiyu.analysis.policy import Scope, scope
from shiyu.cases.models import Case
from shiyu.directory import orgs
from shiyu.directory.gazetteer import gazetteer
from shiyu.directory.orgs import OnDuty
from shiyu.kernel import vault, words
from shiyu.kernel.auth import Viewer
from shiyu.kernel.events import Event, current_epoch
from shiyu.law.matters import matters

FEED = 30
# What people see in the feed, by kind of event: the word that is shown. Other news only says that figures changed.
SHOWN = {
    "case.accepted": "verb.accept",
    "case.sent_back": "verb.send_back",
    "case.replied": "verb.reply",
    "case.closed": "verb.close",
    "case.reopened": "verb.rework",
}
_LOOKED = 10  # times the rows asked for: news of other counties, and of cases that are not shown, lie between


@dataclass(frozen=True, slots=True)
class Line:
    """一条动态 — what happened to some case, told without saying which: kind of news, class of matter, community, state."""

    id: str
    kind: str
    at: datetime
    label: dict[str, str] | None
    state: str
    state_label: dict[str, str]
    matter: dict[str, str] | None
    area: str | None
    county: str | None
    lon: float | None
    lat: float | None


def position(row: Any) -> str:
    """The place of an event in the feed, as text: epoch, transaction, sequence."""
    return f"{row.epoch}.{row.xid}.{row.seq}"


def lines(s: Session, held: Scope, news: Sequence[Any]) -> list[Line]:
    """News as the wall may show it, of cases inside a scope; confidential cases and drills are left out."""
    wanted = {row.subject_id for row in news}
    cases = (
        {case.id: case for case in s.scalars(select(Case).where(Case.id.in_(wanted), *_shown(held)))} if wanted else {}
    )
    return [_line(s, row, cases[row.subject_id]) for row in news if row.subject_id in cases]


def _shown(held: Scope) -> list[ColumnElement[bool]]:
    where: list[ColumnElement[bool]] = [
        Case.confidential.is_(False),
        Case.exercise_id.is_(None),
        Case.historic.is_(False),
    ]
    return where if held.everywhere else [*where, _inside(held)]


def _inside(held: Scope) -> ColumnElement[bool]:
    return or_(*[getattr(Case, f"{level}_id") == ident for level, ident in held.areas])


def _line(s: Session, row: Any, case: Case) -> Line:
    atlas = gazetteer(s)
    finest = case.community_id or case.town_id or case.county_id
    path = atlas.lineage(finest).path if finest else ()
    node, county = (path[-1] if path else None), next((one for one in path if one.level == "county"), None)
    entry = matters(s).get(f"{class_of(case.matter)}0000")
    label = SHOWN.get(row.kind)
    if row.kind == "case.closed" and case.state != "closed":
        label = f"case.state.{row.data.get('state', case.state)}"
    return Line(
        position(row),
        row.kind,
        row.at,
        words.both(label) if label else None,
        case.state,
        words.both(f"case.state.{case.state}"),
        {"zh": entry.name, "en": entry.name_en} if entry else None,
        " ".join(dict.fromkeys(one.name for one in (county, node) if one)) or None,
        county.code if county else None,
        node.lon if node else None,
        node.lat if node else None,
    )


def feed(s: Session, viewer: Viewer, area: str | None = None, limit: int = FEED) -> list[Line]:
    """最新动态 — the newest news worth showing, newest first."""
    held = scope(s, viewer, area)
    key = (Event.epoch.desc(), Event.xid.desc(), Event.seq.desc())
    query = select(*Event.__table__.columns).where(Event.kind.in_(SHOWN)).order_by(*key).limit(limit * _LOOKED)
    return lines(s, held, s.execute(query).all())[:limit]


@dataclass(frozen=True, slots=True)
class Duty:
    """值班 — an office and who is reached there: the role and the work telephone, masked. No name."""

    office: str
    role: str
    telephone: str | None


def duty(s: Session, held: Scope) -> list[Duty]:
    """今日值班 — roles and offices of today's roster, the widest first, without names: the city's and counties', or those of an area."""
    atlas, inside = gazetteer(s), {ident for _, ident in held.areas}
    found: list[Duty] = []
    for line in orgs.on_duty(s):
        path = atlas.lineage(line.org.area_id).path if line.org.area_id else ()
        wide = held.everywhere and line.org.level in {"city", "county"}
        if wide or inside & {node.id for node in path}:
            found += _people(line)
    return found


def _people(line: OnDuty) -> Iterator[Duty]:
    yield Duty(line.org.name, "leader", _masked(line.leader.work_telephone))
    if line.officer:
        yield Duty(line.org.name, "officer", _masked(line.officer.work_telephone))


def _masked(number: str | None) -> str | None:
    return vault.mask_phone(number) if number else None


def newest(s: Session) -> str:
    """The place in the feed below which every transaction has ended: what follows it is still to be told."""
    edge = s.scalar(text("select pg_snapshot_xmin(pg_current_snapshot())::text::bigint")) or 0
    return f"{current_epoch()}.{edge - 1}.{2**62}"
