"""What keeps the figures: apply news of cases, or make everything anew."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, and_, delete, func, select, text, tuple_
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import Session

from shiyu.analysis import metrics
from shiyu.analysis.models import LISTENER, Fact, Tally
from shiyu.cases.models import Case, Clock
from shiyu.directory.gazetteer import gazetteer
from shiyu.kernel import events
from shiyu.law.book import book

_DIGITS = 3  # of a degree: about a hundred metres
_ROWS = 2000  # rows of one statement; PostgreSQL takes 65,535 parameters

_missed = (
    select(func.coalesce(func.bool_or(Clock.stopped_at > Clock.due_at), False))
    .where(Clock.case_id == Case.id, Clock.kind.in_(metrics.DEALING), Clock.stopped_at.is_not(None))
    .scalar_subquery()
)
_SAME = ("state", "kind", "channel", "urgency", "matter", "county_id", "town_id", "community_id", "grid_id", "lead_org_id",
         "accepted_at", "replied_at", "amber_at", "due_at", "solved", "satisfied", "confidential", "historic",
         "lon", "lat", "exercise_id", "version")  # fmt: skip
_COLUMNS = tuple(column.name for column in Fact.__table__.columns)


def apply(s: Session, newest: Mapping[UUID, int]) -> int:
    """入账 — bring the facts of these cases to their present state and the figures with them; how many facts changed.

    ``newest`` gives for each case the highest version that was heard of. The case is read anew, so a version that the fact already
    holds, or that an earlier reading has overtaken, changes nothing: news may come twice or in another order.
    """
    held = {row.case_id: row for row in _facts(s, newest)}
    wanted = [ident for ident, version in newest.items() if ident not in held or held[ident].version < version]
    fresh = [
        fact
        for fact in _read(s, wanted)
        if fact["case_id"] not in held or held[fact["case_id"]].version < fact["version"]
    ]
    if not fresh:
        return 0
    law = book(s)
    old = [held[fact["case_id"]] for fact in fresh if fact["case_id"] in held]
    before = [dict(zip(_COLUMNS, row, strict=True)) for row in old]
    change = metrics.difference(before, fresh, lambda at: law.threshold("satisfied.at_least", at))
    for start in range(0, len(fresh), _ROWS):
        insert = upsert(Fact).values(fresh[start : start + _ROWS])
        told = {name: insert.excluded[name] for name in _COLUMNS if name != "case_id"}
        s.execute(insert.on_conflict_do_update(index_elements=[Fact.case_id], set_=told))
    _add(s, change)
    return len(fresh)


def rebuild(s: Session) -> None:
    """重算 — forget every fact and figure and hear the feed from its beginning; the worker then fills them again."""
    s.execute(select(events.Cursor).where(events.Cursor.listener == LISTENER).with_for_update())
    s.execute(text("truncate analysis.fact, analysis.tally"))
    s.execute(delete(events.Cursor).where(events.Cursor.listener == LISTENER))
    s.execute(delete(events.Parked).where(events.Parked.listener == LISTENER))


def _facts(s: Session, idents: Collection[UUID]) -> Sequence[Row[Any]]:
    return s.execute(select(*Fact.__table__.columns).where(Fact.case_id.in_(idents))).all()


def _read(s: Session, idents: Collection[UUID]) -> list[dict[str, Any]]:
    """The present state of cases, all in one query."""
    if not idents:
        return []
    query = select(
        Case.id.label("case_id"),
        *[getattr(Case, name) for name in _SAME],
        Case.closed_at.label("ended_at"),
        Case.part_of_id.is_not(None).label("part"),
        _missed.label("late"),
    ).where(Case.id.in_(idents))
    atlas, found = gazetteer(s), []
    for row in s.execute(query):
        fact = dict(row._mapping)
        if (
            fact["lon"] is None and fact["community_id"]
        ):  # known by its words alone: it lies in the middle of its community
            middle = atlas.lineage(fact["community_id"]).finest
            fact["lon"], fact["lat"] = middle.lon, middle.lat
        for axis in ("lon", "lat"):
            fact[axis] = None if fact[axis] is None else round(fact[axis], _DIGITS)
        found.append(fact)
    return found


def _add(s: Session, change: metrics.Marks) -> None:
    rows = [
        {"level": level, "day": day, "area_id": area, "matter": matter}
        | {name: sums[name] for name in metrics.MEASURES}
        for (level, day, area, matter), sums in sorted(
            change.items(), key=lambda pair: (pair[0][0], pair[0][1], str(pair[0][2:]))
        )
    ]
    key = [Tally.level, Tally.day, Tally.area_id, Tally.matter]
    for start in range(0, len(rows), _ROWS):
        insert = upsert(Tally).values(rows[start : start + _ROWS])
        sums = {name: getattr(Tally, name) + insert.excluded[name] for name in metrics.MEASURES}
        s.execute(insert.on_conflict_do_update(index_elements=key, set_=sums))
    less = [key for key, sums in change.items() if min(sums.values()) < 0]
    empty = and_(*[getattr(Tally, name) == 0 for name in metrics.MEASURES])
    for start in range(0, len(less), _ROWS):
        s.execute(delete(Tally).where(tuple_(*key).in_(less[start : start + _ROWS]), empty))
