"""The hundred lines that carry every life: a table, and nothing but the table."""

from enum import StrEnum

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shiyu.kernel.errors import Refusal
from shiyu.kernel.lifecycle import Lifecycle, move


class Door(StrEnum):
    """门"""

    OPEN = "open"
    SHUT = "shut"
    LOCKED = "locked"
    GONE = "gone"


DOOR = Lifecycle(
    "case",
    Door,
    Door.OPEN,
    frozenset({Door.GONE}),
    (
        move("shut", "关", Door.OPEN, Door.SHUT, ("guest", "keeper")),
        move("open", "开", Door.SHUT, Door.OPEN, ("guest", "keeper")),
        move("lock", "锁", Door.SHUT, Door.LOCKED, "keeper", "inspect", "key"),
        move("open", "开锁", Door.LOCKED, Door.OPEN, "keeper", None, "key"),
        move("knock", "敲", (Door.SHUT, Door.LOCKED), None, "guest"),
        move("remove", "拆", (Door.OPEN, Door.SHUT, Door.LOCKED), Door.GONE, "owner"),
    ),
)
ROLES = ("guest", "keeper", "owner", "stranger")


def refused(state: str, verb: str, roles: tuple[str, ...], **brought: object) -> Refusal:
    with pytest.raises(Refusal) as caught:
        DOOR.take(state, verb, roles, brought)
    return caught.value


def test_a_move_leads_where_the_table_says_and_names_its_clock():
    line = DOOR.take("shut", "lock", ("keeper",), {"key": "brass"})

    assert (line.leads_to("shut"), line.clock) == ("locked", "inspect")


def test_a_move_without_target_leaves_the_state():
    assert DOOR.take("locked", "knock", ("guest",)).leads_to("locked") == "locked"


@pytest.mark.parametrize(
    ("state", "verb", "roles", "code", "status"),
    [
        ("open", "fly", ("keeper",), "case.unknown_verb", 404),
        ("open", "lock", ("guest",), "case.not_yours", 403),  # never his: the state is not told
        ("open", "lock", ("keeper",), "case.wrong_state", 409),
        ("locked", "open", ("guest",), "case.not_yours", 403),  # his elsewhere, not here
        ("gone", "open", ("keeper",), "case.wrong_state", 409),
        ("shut", "lock", (), "case.not_yours", 403),
    ],
)
def test_what_the_table_does_not_hold_is_refused(state, verb, roles, code, status):
    refusal = refused(state, verb, roles, key="brass")

    assert (refusal.code, refusal.status) == (code, status)


@pytest.mark.parametrize("brought", [{}, {"key": None}, {"key": ""}, {"key": []}])
def test_what_must_be_brought_is_named(brought):
    refusal = refused("shut", "lock", ("keeper",), **brought)

    assert (refusal.code, refusal.status, refusal.field) == ("case.needs", 422, "key")


@pytest.mark.parametrize("brought", [0, False])
def test_nought_and_no_are_answers(brought):
    assert DOOR.take("shut", "lock", ("keeper",), {"key": brought})


def test_the_same_verb_may_start_from_two_states_but_not_twice_from_one():
    with pytest.raises(ValueError, match="twice"):
        Lifecycle(
            "case",
            Door,
            "open",
            frozenset(),
            (move("a", "甲", "open", "shut", "x"), move("a", "乙", "open", "gone", "y")),
        )


@given(state=st.sampled_from(list(Door)), verb=st.sampled_from(DOOR.verbs), roles=st.sets(st.sampled_from(ROLES)))
def test_the_buttons_are_exactly_the_moves_that_are_taken(state, verb, roles):
    try:
        DOOR.take(state, verb, roles, {"key": "brass"})
        taken = True
    except Refusal:
        taken = False

    assert taken == (verb in DOOR.open_to(state, roles))


def test_the_table_draws_itself():
    drawn = DOOR.mermaid()

    assert "[*] --> open" in drawn
    assert "shut --> locked: 锁" in drawn
    assert "gone --> [*]" in drawn
    assert "knock" not in drawn
    assert DOOR.verbs == ("shut", "open", "lock", "knock", "remove")
