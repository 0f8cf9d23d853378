"""Every line of the table: who may, from where, where it leads, which promises end and begin, what the timeline keeps; nothing else."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from shiyu.cases import actions, policy, schemas
from shiyu.cases.actions.act import buttons
from shiyu.cases.lifecycle import FINAL, FOLLOWS, LIFECYCLE, STOPS, S
from shiyu.cases.models import Bar, Case, Clock, Dispatch, Entry
from shiyu.directory import orgs
from shiyu.directory.places import Area
from shiyu.kernel import clock, db, events
from shiyu.kernel.auth import Grant, Viewer
from shiyu.kernel.db import new_id, reading, transaction
from shiyu.kernel.errors import Refusal
from tests.cases.cast import ASSIST, LEAD, PATHS, Cast, bring, quick_passwords
from tests.kit import postgres

T0 = "2026-03-02 09:00"  # a Monday
LATER = "2026-03-02 10:00"
AREA_ROLES = ("agent", "dispatcher", "caller", "supervisor", "grid_worker")
ROLES = (*AREA_ROLES, "coordinator", "handler", "reviewer", "assistant", "reporter")
VERBS = [verb for verb in LIFECYCLE.verbs if verb not in FOLLOWS]


@dataclass(frozen=True)
class House:
    """One city with a case in every state."""

    numbers: dict[str, str]
    other: str


@pytest.fixture(scope="module")
def house(cluster: postgres.Cluster, city_template: str) -> Iterator[House]:
    """A city of this file, in which every test rolls back what it did."""
    with postgres.copy_of(cluster, city_template) as url:
        db.bind(url)
        with quick_passwords(), clock.at(T0):
            cast = Cast()
            numbers = {state: cast.in_state(state)["no"] for state in PATHS}
            other = cast.report()["no"]
        yield House(numbers, other)
        db.unbind()


class _Undo(Exception):
    pass


class Scene:
    """One case inside a transaction that is rolled back."""

    def __init__(self, s: Session, house: House, state: str) -> None:
        self.s, self.house = s, house
        self.codes = orgs.ids(s)
        self.areas = {
            row.code: row.id for row in s.execute(select(Area.code, Area.id).where(Area.level.in_(("city", "county"))))
        }
        self.turn_to(state)

    def turn_to(self, state: str) -> None:
        """Look at the case in another state."""
        self.case = self.s.scalars(select(Case).where(Case.no == self.house.numbers[state])).one()

    def outcome(self, verb: str, viewer: Viewer, *, ready: bool = True) -> str:
        """``ok``, or the status and code of the refusal; what was done is undone."""
        told, savepoint = "ok", self.s.begin_nested()
        try:
            if ready:
                self.prepare(verb)
            self.act(verb, viewer)
        except Refusal as refusal:
            told = f"{refusal.status} {refusal.code}"
        savepoint.rollback()
        return told

    def viewer(self, *roles: str) -> Viewer:
        """Somebody who has exactly these roles for the case."""
        city, county = self.areas["210300"], self.areas["210302"]
        grants: list[Grant] = [
            Grant(role, self.codes["210300-centre"], city, "city") for role in roles if role in AREA_ROLES
        ]
        if "coordinator" in roles:
            grants.append(Grant("coordinator", self.case.convener_org_id, county, "county"))
        grants += [Grant(role, self.codes[LEAD]) for role in roles if role in ("handler", "reviewer")]
        if "assistant" in roles:
            grants.append(Grant("handler", self.codes[ASSIST]))
        return Viewer(
            new_id(), "test", "经办人", tuple(grants), reporter_of=self.case.id if "reporter" in roles else None
        )

    def prepare(self, verb: str) -> None:
        """What must be so before a verb is sensible, though the table cannot say it."""
        everybody = self.viewer(*ROLES)
        if verb == "designate":
            self.case.rounds = 3
        if verb == "decide_extension" and self.case.state == S.HANDLING:
            self.act("extend", everybody)
        if verb == "unbar":
            self.s.add(Bar(case_id=self.case.id, account_id=new_id(), why="ordered", at=clock.now()))
            self.s.flush()
        if verb == "rejoin" and self.case.state == S.SPLIT:
            for no in self.s.scalars(select(Case.no).where(Case.part_of_id == self.case.id)).all():
                actions.act(self.s, everybody, no, "answer", {"text": "已答复。"})

    def act(self, verb: str, viewer: Viewer) -> Case:
        """The verb, with what a sensible person brings."""
        barred = self.s.scalar(select(Bar.id).where(Bar.case_id == self.case.id))
        known = {
            "lead_org": None,
            "extensions": [{"id": str(self.pending()), "decided_at": None}],
            "bars": [{"id": str(barred or new_id()), "ended_at": None}],
        }
        body = schemas.BODIES.get(verb, schemas.VerbIn).model_validate(bring(verb, known, self.house.other))
        return actions.act(self.s, viewer, self.case.no, verb, body.model_dump(exclude={"version"}))

    def pending(self) -> UUID:
        """The extension that waits, or any id."""
        from shiyu.cases.actions.act import pending

        found = pending(self.s, self.case)
        return found.id if found else new_id()

    def running(self) -> list[str]:
        """The promises that run."""
        query = select(Clock.kind).where(Clock.case_id == self.case.id, Clock.stopped_at.is_(None))
        return sorted(self.s.scalars(query))


def scene(house: House, state: str) -> Iterator[Scene]:
    with clock.at(LATER):
        try:
            with transaction() as s:
                yield Scene(s, house, state)
                raise _Undo
        except _Undo:
            pass


# --- the table as it is read -------------------------------------------------------------------------------------------


def test_every_state_has_a_case(house):
    assert set(house.numbers) == set(S)
    with reading() as s:
        states = dict(s.execute(select(Case.no, Case.state)).all())
    assert {state: states[no] for state, no in house.numbers.items()} == {state: state for state in S}


@pytest.mark.parametrize("verb", VERBS)
def test_a_verb_is_done_by_those_the_table_names_and_by_nobody_else(house, verb):
    told = {}
    sources = [(state, line.who) for line in LIFECYCLE.moves if line.verb == verb for state in sorted(line.source)]
    for here in scene(house, sources[0][0]):
        for state, who in sources:
            here.turn_to(state)
            for role in ROLES:
                viewer = here.viewer(role)
                got = here.outcome(verb, viewer)
                may = role in who and role in policy.roles(here.s, viewer, here.case)
                if not (got == "ok" if may else got.startswith(("403", "404"))):
                    told[state, role] = got

    assert told == {}


@pytest.mark.parametrize("verb", LIFECYCLE.verbs)
def test_what_the_table_does_not_list_is_refused_even_to_somebody_with_every_role(house, verb):
    told = {}
    for here in scene(house, "registered"):
        for state in S:
            if LIFECYCLE.find(state, verb) is None:
                here.turn_to(state)
                told[state] = here.outcome(verb, here.viewer(*ROLES), ready=False)

    # Where no office has the case, nobody is its handler.
    assert set(told.values()) <= {"409 case.wrong_state", "403 case.not_yours"}
    assert [
        got
        for state, got in told.items()
        if state in ("dispatched", "handling", "reviewing", "replied") and not got.startswith("409")
    ] == []


# Beyond the table: what a verb does to promises besides STOPS and the one it starts.
ALSO_STOPS = {
    "contact": {"contact"},
    "assist": {"assist"},
    "dispatch": {"assist"},
    "designate": {"assist"},
    "call_back": {"call_back"},
}
ALSO_STARTS = {"dispatch": ["assist"]}


@pytest.mark.parametrize(
    ("state", "verb"),
    [(state, line.verb) for line in LIFECYCLE.moves for state in sorted(line.source) if line.verb not in FOLLOWS],
)
def test_a_move_leads_where_the_table_says_with_its_promises_and_its_place_in_the_timeline(house, state, verb):
    line = LIFECYCLE.find(state, verb)
    assert line is not None
    for here in scene(house, state):
        here.prepare(verb)
        before, version = here.running(), here.case.version
        brought = bring(verb, {})

        case = here.act(verb, here.viewer(*ROLES))

        target = {"call_back": "closed"}.get(verb, line.leads_to(state))
        assert case.state == target
        assert case.version == version + 1
        kept = (
            []
            if target in FINAL
            else [one for one in before if one not in {*STOPS.get(verb, ()), *ALSO_STOPS.get(verb, ())}]
        )
        assert here.running() == sorted([*kept, *([line.clock] if line.clock else []), *ALSO_STARTS.get(verb, [])])
        newest = events.timeline(here.s, case.id)[-1]
        assert newest.version == case.version
        assert newest.data["verb"] in (verb, {"call_back": "close"}.get(verb))
        words = here.s.get(Entry, (case.id, case.version))
        assert (words.text if words else None) == brought.get("text")
        assert (case.closed_at is not None) == (target in FINAL)
        least = [
            one.due_at
            for one in here.s.scalars(select(Clock).where(Clock.case_id == case.id, Clock.stopped_at.is_(None)))
            if one.paused_at is None
        ]
        assert case.due_at == min(least, default=None)


@pytest.mark.parametrize("state", list(S))
def test_in_every_state_the_buttons_are_what_succeeds_for_each_role(house, state):
    wrong = {}
    listed = [verb for verb in VERBS if LIFECYCLE.find(state, verb)]
    for here in scene(house, state):
        for role in ROLES:
            viewer = here.viewer(role)
            offered = buttons(here.s, viewer, here.case)
            assert set(offered) <= set(listed)
            for verb in listed:
                got = here.outcome(verb, viewer, ready=False)
                if (got == "ok") != (verb in offered) or got[:3] not in ("ok", "403", "404", "409"):
                    wrong[role, verb] = (got, verb in offered)

    # Whether a split case can be rejoined depends on each of its parts; trying tells which are not answered yet.
    assert [key for key, (got, _) in wrong.items() if got != "409 case.parts_open"] == []


@pytest.mark.parametrize(
    "line", [line for line in LIFECYCLE.moves if line.needs and line.verb not in FOLLOWS], ids=lambda one: one.verb
)
def test_what_must_be_brought_is_named_when_it_is_missing(house, line):
    state = min(line.source)
    for here in scene(house, state):
        here.prepare(line.verb)
        body: dict[str, Any] = {**bring(line.verb, {}, house.other), "extension": new_id()}
        for need in line.needs:
            with pytest.raises(Refusal) as caught:
                actions.act(
                    here.s, here.viewer(*ROLES), here.case.no, line.verb, {k: v for k, v in body.items() if k != need}
                )
            assert (caught.value.code, caught.value.status, caught.value.field) == ("case.needs", 422, need)


def test_a_stranger_hears_404_for_a_case_that_exists(house):
    for here in scene(house, "handling"):
        with pytest.raises(Refusal) as caught:
            here.act("note", Viewer(new_id(), "x", "x", (Grant("handler", here.codes["210300-renshe"]),)))
        assert (caught.value.status, caught.value.code) == (404, "case.not_found")


# --- leaving a state leaves nothing behind -----------------------------------------------------------------------------


@pytest.mark.parametrize(("away", "back"), [("transfer", "bounce"), ("merge", "unmerge")])
def test_a_case_that_went_away_and_came_back_belongs_to_no_office(house, away, back):
    for here in scene(house, "dispatched"):
        everybody = here.viewer(*ROLES)
        here.act(away, everybody)

        case = here.act(back, everybody)

        assert case.state == S.REGISTERED
        assert case.lead_org_id is None
        assert here.running() == ["contact", "dispatch"] if away == "transfer" else ["dispatch"]
        open_parts = select(Dispatch.id).where(Dispatch.case_id == case.id, Dispatch.ended_at.is_(None))
        assert here.s.scalars(open_parts).all() == []
        assert "handler" not in policy.roles(here.s, here.viewer("handler"), case)


def test_an_answered_part_ends_whole_when_the_parts_are_rejoined(house):
    for here in scene(house, "split"):
        here.prepare("rejoin")
        here.act("rejoin", here.viewer(*ROLES))

        for part in here.s.scalars(select(Case).where(Case.part_of_id == here.case.id)):
            assert part.state == S.CLOSED
            assert part.closed_at is not None
            assert (
                here.s.scalars(select(Clock.kind).where(Clock.case_id == part.id, Clock.stopped_at.is_(None))).all()
                == []
            )
            newest = events.timeline(here.s, part.id)[-1]
            assert (newest.kind, newest.version) == ("case.closed", part.version)


def test_the_parts_of_a_split_case_keep_reporter_place_and_confidence(house):
    for here in scene(house, "split"):
        parts = here.s.scalars(select(Case).where(Case.part_of_id == here.case.id).order_by(Case.no)).all()

        assert [part.text for part in parts] == ["乐雪社区3号楼楼梯扶手缺失。", "乐雪社区门口的路灯不亮。"]
        assert {part.community_id for part in parts} == {here.case.community_id}
        assert {part.state for part in parts} == {S.REGISTERED}
        assert {part.confidential for part in parts} == {here.case.confidential}
