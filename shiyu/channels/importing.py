"""批量导入 — a file becomes cases in small batches: each batch is one transaction, each row is imported, known, or refused with its reason.

A row's case is found by channel and key, so the same file can be given again at any time, also after the first run was killed.
"""

import csv
import re
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from uuid import UUID

from sqlalchemy import func, select, tuple_
from sqlalchemy.exc import DataError

from shiyu.cases.actions import Report, accept_many, consider
from shiyu.cases.models import Case
from shiyu.channels import actions, mapping, reading
from shiyu.channels import queries as registry
from shiyu.channels.mapping import Mapping
from shiyu.channels.models import Channel
from shiyu.channels.reading import Row, Source
from shiyu.kernel.auth import Viewer
from shiyu.kernel.db import reading as looking
from shiyu.kernel.db import transaction
from shiyu.kernel.errors import Refusal
from shiyu.law.book import book

BATCH = 200
SOON = 1.0  # seconds; a batch that took longer is followed by smaller ones, so that no transaction holds the news back
CHANNEL = re.compile(r"[a-z][a-z0-9_]{1,29}")
OWN = ("split",)  # channels whose keys are made inside the house


@dataclass(slots=True)
class Tally:
    """导入结果 — ``rows`` is the sum of the next three; ``no_place`` of the imported ones wait for people to say where they are."""

    rows: int = 0
    imported: int = 0
    known: int = 0
    refused: int = 0
    no_place: int = 0

    def counts(self) -> dict[str, int]:
        """Every row, accounted for."""
        return {"rows": self.rows, "imported": self.imported, "known": self.known, "refused": self.refused}


@dataclass(slots=True)
class Refused:
    """退回行 — a row that became no case, and why."""

    row: Row
    why: Refusal


@dataclass(frozen=True, slots=True)
class _Door:
    """The channel of a file; ``id`` and what its own codes mean are there if somebody registered it."""

    code: str
    id: UUID | None = None
    matters: dict[str, str] = field(default_factory=dict)


Step = Callable[[Tally], None]
_Pair = tuple[Row, Report]


def run(
    viewer: Viewer,
    source: Source,
    given: Mapping,
    channel: str,
    *,
    refused_to: Path,
    historic: bool = False,
    dry: bool = False,
    step: Step = lambda _: None,
) -> Tally:
    """批量导入 — all rows of a file. ``historic``: cases of the past, without clocks and told to nobody. ``dry`` writes no case.

    Refused rows go to ``refused_to`` with number and reason in both languages, and with their own columns, so that they can be
    mended there and given again; that file is made anew at each run and is absent when no row was refused.
    """
    if not CHANNEL.fullmatch(channel) or channel in OWN:
        raise Refusal("import.bad_channel", 422, field="channel", channel=channel)
    tally = Tally()
    door = _door(channel)
    rows, size = reading.rows(source), BATCH
    with _refusals(refused_to, source) as note:
        while batch := list(islice(rows, size)):
            began = time.monotonic()
            refused = _batch(viewer, batch, given, door, historic, dry, tally, len(source.columns))
            note(refused)
            tally.rows += len(batch)
            tally.refused += len(refused)
            step(tally)
            size = max(10, size // 2) if time.monotonic() - began > SOON else min(BATCH, size * 2)
    if not dry:
        _write_down(viewer, door, source, tally)
    return tally


def _door(code: str) -> _Door:
    with looking() as s:
        row = registry.registered(s, code)
        return _Door(code, row.id, registry.translations(s, row)) if row else _Door(code)


def _write_down(viewer: Viewer, door: _Door, source: Source, tally: Tally) -> None:
    """归并记账 — of a registered channel the ledger tells what came over."""
    if door.id is None or not tally.rows:
        return
    with transaction() as s:
        actions.record_migration(s, viewer, s.get_one(Channel, door.id), source.path.name[:200], tally.counts())


def _batch(
    viewer: Viewer,
    rows: Sequence[Row],
    given: Mapping,
    door: _Door,
    historic: bool,
    dry: bool,
    tally: Tally,
    width: int,
) -> list[Refused]:
    with looking() as s:
        law = book(s)
    refused: list[Refused] = []
    pairs: list[_Pair] = []
    for row in rows:
        try:
            _fits(row, width)
            pairs.append((row, mapping.report(given, door.code, row.cells, law, historic=historic, known=door.matters)))
        except Refusal as why:
            refused.append(Refused(row, why))
    _note_unknown(door, refused, dry)
    new = _not_known(pairs)
    tally.known += len(pairs) - len(new)
    try:
        _take(viewer, new, dry, tally)
    except (Refusal, DataError):  # one refused row refuses its batch: then each on its own
        for pair in new:
            try:
                _take(viewer, [pair], dry, tally)
            except Refusal as why:
                refused.append(Refused(pair[0], why))
            except DataError:
                refused.append(Refused(pair[0], Refusal("import.not_stored", 422)))
    return sorted(refused, key=lambda one: one.row.number)


def _note_unknown(door: _Door, refused: Sequence[Refused], dry: bool) -> None:
    """Matters of theirs that nobody has explained yet are listed with the channel."""
    unknown = [str(one.why.facts["matter"]) for one in refused if one.why.code == "case.no_matter"]
    if door.id is None or dry or not unknown:
        return
    with transaction() as s:
        for theirs in unknown:
            actions.note_unknown(s, door.id, theirs)


def _fits(row: Row, width: int) -> None:
    if len(row.cells) != width:
        raise Refusal("import.cells", 422, cells=len(row.cells), columns=width)


def _not_known(pairs: Sequence[_Pair]) -> list[_Pair]:
    """The rows of which there is no case yet; of rows with the same key the first."""
    keys = {(report.channel, report.key) for _, report in pairs}
    with looking() as s:
        query = select(Case.channel, Case.key).where(tuple_(Case.channel, Case.key).in_(keys))
        known = {(channel, key) for channel, key in s.execute(query)}
    new: list[_Pair] = []
    for row, report in pairs:
        if (report.channel, report.key) not in known:
            known.add((report.channel, report.key))
            new.append((row, report))
    return new


def _take(viewer: Viewer, pairs: Sequence[_Pair], dry: bool, tally: Tally) -> None:
    """One transaction; what another run brought in meanwhile counts as known."""
    if not pairs:
        return
    if dry:
        with looking() as s:
            places = [consider(s, report).lineage for _, report in pairs]
        tally.imported += len(pairs)
        tally.no_place += sum(place is None or place.community is None for place in places)
        return
    with transaction() as s:
        answers = accept_many(s, viewer, [report for _, report in pairs])
        new = [answer.id for answer in answers if not answer.known]
        tally.no_place += s.scalar(select(func.count()).where(Case.id.in_(new), Case.community_id.is_(None))) or 0
    tally.known += sum(answer.known for answer in answers)
    tally.imported += sum(not answer.known for answer in answers)


@contextmanager
def _refusals(path: Path, source: Source) -> Iterator[Callable[[Iterable[Refused]], None]]:
    """Where refused rows are written down; the file takes its name when the run has ended."""
    beside = path.with_name(f"{path.name}.part")
    count = 0
    with beside.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["行号 row", "原因代码 code", "原因", "reason", *source.columns])

        def note(refused: Iterable[Refused]) -> None:
            nonlocal count
            for one in refused:
                count += 1
                why = one.why
                writer.writerow([one.row.number, why.code, why.say("zh"), why.say("en"), *one.row.cells])
            file.flush()

        yield note
    if count:
        beside.replace(path)
    else:
        beside.unlink()
        path.unlink(missing_ok=True)
