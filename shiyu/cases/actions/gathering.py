"""汇流 — the hot door: reports that arrive at the same time are thought about and written in one go, by one statement and one commit."""

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from sqlalchemy.orm import Session

from shiyu.cases.actions.intake import Accepted, Report, Thought, think, write
from shiyu.kernel.auth import Viewer
from shiyu.kernel.db import transaction
from shiyu.kernel.errors import Refusal
from shiyu.kernel.gather import Gatherer

Say = Callable[[Session, Accepted], Any]
HANDS = 2  # one thinks while the other waits for its commit


@dataclass(frozen=True, slots=True)
class _Ticket:
    """A report that waits to be written, who brought it, and how he is answered."""

    viewer: Viewer
    report: Report
    say: Say


def accept_gathered(viewer: Viewer, report: Report, say: Say = lambda _, accepted: accepted) -> "Future[Any]":
    """受理 — one report in a transaction that it may share with others; what ``say`` makes of it, once it is committed.

    Refuses as ``accept`` does, and only this report.
    """
    return _door.put(_Ticket(viewer, report, say))


def _work(tickets: Sequence[_Ticket]) -> Sequence[Any]:
    try:
        return _written(tickets)
    except Exception as error:  # noqa: BLE001 - answered to the one whose fault it is
        if len(tickets) == 1:
            return [error]
        # What is wrong with one of them must not fail the others: each once more, alone.
        return [answer for ticket in tickets for answer in _work([ticket])]


def _written(tickets: Sequence[_Ticket]) -> Sequence[Any]:
    answers: list[Any] = [None] * len(tickets)
    with transaction() as s:
        thoughts: list[tuple[int, Thought]] = []
        for n, ticket in enumerate(tickets):
            try:
                thoughts.append((n, think(s, ticket.report)))
            except Refusal as refusal:
                answers[n] = refusal
        for _, group in groupby(
            thoughts, key=lambda one: (tickets[one[0]].viewer.id, tickets[one[0]].viewer.exercise_id)
        ):
            numbers, of_group = zip(*group, strict=True)
            found = write(s, tickets[numbers[0]].viewer, of_group)
            for n, accepted in zip(numbers, found, strict=True):
                answers[n] = tickets[n].say(s, accepted)
    return answers


_door: Gatherer[_Ticket, Any] = Gatherer("accepting", _work, hands=HANDS)
