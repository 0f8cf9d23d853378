"""汇流 — the hot door: reports that arrive at the same time are written by one statement and one commit, each answered after it.

Who finds nobody writing writes at once; who comes meanwhile waits, and the first of the waiting then writes for all of them. So nothing
waits for a timer: a single report is as fast as ever, and the gathered ones become more as the load grows.
"""

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from shiyu.cases.actions.intake import Accepted, Report, Thought, accept, think, write
from shiyu.kernel.auth import Viewer
from shiyu.kernel.db import transaction

MOST = 200  # reports in one commit: a transaction stays short


@dataclass(slots=True)
class _Ticket:
    """A report that waits to be written."""

    viewer: Viewer
    thought: Thought
    accepted: Accepted | None = None
    failed: bool = False

    @property
    def done(self) -> bool:
        return self.accepted is not None or self.failed


_waiting: list[_Ticket] = []
_queue = threading.Lock()
_writing = threading.Lock()


def accept_gathered(viewer: Viewer, report: Report) -> Accepted:
    """受理 — one report in a transaction that it may share with others; committed when this returns.

    Refuses as ``accept`` does, and only this report. A report with files has a transaction of its own.
    """
    if report.file_ids:
        with transaction() as s:
            return accept(s, viewer, report)
    with transaction() as s:  # asks the database only when what this process remembers is old
        ticket = _Ticket(viewer, think(s, report))
    with _queue:
        _waiting.append(ticket)
    with _writing:
        if not ticket.done:
            _write(_next(ticket))
    if ticket.accepted is None:  # what is wrong with one of them must not fail the others: each once more, alone
        with transaction() as s:
            return write(s, viewer, [ticket.thought])[0]
    return ticket.accepted


def _next(own: _Ticket) -> list[_Ticket]:
    """The writer's own ticket and the oldest of the others."""
    with _queue:
        _waiting.remove(own)
        taken, _waiting[:] = _waiting[: MOST - 1], _waiting[MOST - 1 :]
    return [own, *taken]


def _write(tickets: Sequence[_Ticket]) -> None:
    groups: dict[tuple[UUID | None, UUID | None], list[_Ticket]] = {}
    for ticket in tickets:
        groups.setdefault((ticket.viewer.id, ticket.viewer.exercise_id), []).append(ticket)
    answers: list[tuple[_Ticket, Accepted]] = []
    try:
        with transaction() as s:
            for group in groups.values():
                found = write(s, group[0].viewer, [ticket.thought for ticket in group])
                answers += zip(group, found, strict=True)
    except Exception:
        for ticket in tickets:
            ticket.failed = True
        if len(tickets) == 1:
            raise
        return
    for ticket, accepted in answers:
        ticket.accepted = accepted
