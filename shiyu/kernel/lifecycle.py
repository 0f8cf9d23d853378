"""A life as one table: who may do what in which state, where it leads, which clock starts, what must be brought.

No database, no clock, no ``if`` about a single case: a table that one can read aloud in a meeting.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from shiyu.kernel.errors import Refusal


@dataclass(frozen=True, slots=True)
class Move:
    """一步 — one line of the table.

    ``verb`` the word in the API; ``zh`` the official word; ``source`` states it starts from; ``target`` the state it leads to,
    or ``None`` where the state stays; ``who`` roles of which one suffices; ``clock`` the kind of limit that starts;
    ``needs`` what must be brought.
    """

    verb: str
    zh: str
    source: frozenset[str]
    target: str | None
    who: frozenset[str]
    clock: str | None = None
    needs: tuple[str, ...] = ()

    def leads_to(self, state: str) -> str:
        """The state after the move."""
        return self.target or state


def move(
    verb: str,
    zh: str,
    source: str | Iterable[str],
    target: str | None,
    who: str | Iterable[str],
    clock: str | None = None,
    needs: str | Iterable[str] = (),
) -> Move:
    """A line of the table, written with single words where one is enough."""
    return Move(verb, zh, frozenset(_many(source)), target, frozenset(_many(who)), clock, tuple(_many(needs)))


@dataclass(frozen=True)
class Lifecycle:
    """生命周期 — the whole table of one kind of subject (``subject`` is its word in refusals: "case", "task")."""

    subject: str
    states: type[StrEnum]
    first: str
    final: frozenset[str]
    moves: tuple[Move, ...]
    _by: Mapping[tuple[str, str], Move] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        by: dict[tuple[str, str], Move] = {}
        for line in self.moves:
            for state in line.source:
                if (state, line.verb) in by:
                    raise ValueError(f"{line.verb} starts from {state} twice")
                by[state, line.verb] = line
        object.__setattr__(self, "_by", by)

    @property
    def verbs(self) -> tuple[str, ...]:
        """Every verb once, in the table's order."""
        return tuple(dict.fromkeys(line.verb for line in self.moves))

    def find(self, state: str, verb: str) -> Move | None:
        """The line for a verb in a state, if there is one."""
        return self._by.get((state, verb))

    def take(self, state: str, verb: str, roles: Collection[str], brought: Mapping[str, Any] | None = None) -> Move:
        """The move, or a refusal: 403 wrong person, 409 wrong state, 422 something is missing.

        Who may never do it hears 403 whatever the state, so that a refusal tells a stranger nothing about the subject.
        """
        lines = [line for line in self.moves if line.verb == verb]
        if not lines:
            raise Refusal(f"{self.subject}.unknown_verb", 404, verb=verb)
        if not any(line.who & set(roles) for line in lines):
            raise Refusal(f"{self.subject}.not_yours", 403, verb=verb)
        line = self._by.get((state, verb))
        if line is None:
            raise Refusal(f"{self.subject}.wrong_state", 409, verb=verb, state=state)
        if not line.who & set(roles):
            raise Refusal(f"{self.subject}.not_yours", 403, verb=verb)
        for need in line.needs:
            if (brought or {}).get(need) in (None, "", []):
                raise Refusal(f"{self.subject}.needs", 422, field=need, verb=verb, need=need)
        return line

    def open_to(self, state: str, roles: Collection[str]) -> list[str]:
        """The verbs this person may use now, in the table's order: exactly the buttons to draw."""
        return [line.verb for line in self.moves if state in line.source and line.who & set(roles)]

    def mermaid(self) -> str:
        """The table as a state diagram for the documents."""
        lines = ["stateDiagram-v2", f"    [*] --> {self.first}"]
        for line in self.moves:
            if line.target:
                lines += [f"    {state} --> {line.target}: {line.zh}" for state in sorted(line.source)]
        lines += [f"    {state} --> [*]" for state in sorted(self.final)]
        return "\n".join(lines)


def _many(value: str | Iterable[str]) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(value)
