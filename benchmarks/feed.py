"""送达速度 — events a second through one listener that writes a row for each, beside plain SQL that copies the same rows."""

import time
from collections.abc import Sequence
from statistics import median
from typing import Any

from sqlalchemy import Connection, text
from sqlalchemy.orm import Session

from shiyu.kernel import clock, events
from shiyu.kernel.db import engine, transaction
from shiyu.kernel.embedded import Server

TARGET = 5_000  # events a second through one listener
ROUNDS = 3
KIND = "bench.happened"

_MAKE = text("""
insert into kernel.event (at, epoch, id, kind, subject, subject_id, version, data)
select :now, :epoch, gen_random_uuid(), :kind, 'bench', gen_random_uuid(), 1,
       jsonb_build_object('n', n, 'matter', '010101', 'state', 'dispatched')
  from generate_series(1, :count) n
""")
_EFFECT = """
insert into bench.{table} (id, subject_id, version, at, data)
select * from unnest(cast(:id as uuid[]), cast(:subject as uuid[]), cast(:version as int[]), cast(:at as timestamptz[]),
                     cast(:data as jsonb[]))
"""
_COPY = """
with batch as (
  select seq, id, subject_id, version, at, data from kernel.event
   where epoch = :epoch and kind = :kind and seq > :seq order by seq limit :limit
), written as (insert into bench.copied select id, subject_id, version, at, data from batch)
select max(seq) from batch
"""


def run(_server: Server, quick: bool) -> dict[str, Any]:
    """The same events by listener and by plain SQL in turn; medians of three."""
    count = 20_000 if quick else 100_000
    with transaction() as s:
        s.execute(text("create schema bench"))
        for table in ("heard", "copied"):
            columns = "id uuid primary key, subject_id uuid, version int, at timestamptz, data jsonb"
            s.execute(text(f"create table bench.{table} ({columns})"))
        s.execute(_MAKE, {"now": clock.now(), "epoch": events.current_epoch(), "kind": KIND, "count": count})
    heard, copied = [], []
    for n in range(ROUNDS):
        with transaction() as s:
            s.execute(text("truncate bench.heard, bench.copied"))
        copied.append(count / _copy(count))
        heard.append(count / _listen(f"bench.round_{n}", count))
    rate, top = median(heard), median(copied)
    return {
        "events": count,
        "batch": events.BATCH,
        "listener_per_second": round(rate),
        "listener_runs": [round(one) for one in heard],
        "plain_sql_per_second": round(top),
        "plain_sql_runs": [round(one) for one in copied],
        "ratio": round(rate / top, 3),
        "target_per_second": TARGET,
        "failed": [] if rate >= TARGET else [f"{rate:.0f} events/s through a listener, wanted {TARGET}"],
    }


def _effect(s: Session, rows: Sequence[events.News]) -> None:
    s.execute(
        text(_EFFECT.format(table="heard")),
        {
            "id": [row.id for row in rows],
            "subject": [row.subject_id for row in rows],
            "version": [row.version for row in rows],
            "at": [row.at for row in rows],
            "data": ['{"matter": "010101"}' for _ in rows],
        },
    )


def _listen(name: str, count: int) -> float:
    listener = events.Listener(name, (KIND,), _effect)
    begin, seen = time.perf_counter(), 0
    while seen < count:
        seen += events.deliver(listener)
    spent = time.perf_counter() - begin
    _expect("heard", count)
    return spent


def _copy(count: int) -> float:
    begin, seq = time.perf_counter(), 0
    asked = {"epoch": events.current_epoch(), "kind": KIND, "limit": events.BATCH}
    while True:
        with engine().begin() as connection:
            last = _one(connection, asked | {"seq": seq})
        if last is None:
            break
        seq = last
    spent = time.perf_counter() - begin
    _expect("copied", count)
    return spent


def _one(connection: Connection, asked: dict[str, Any]) -> int | None:
    return connection.scalar(text(_COPY), asked)


def _expect(table: str, count: int) -> None:
    with transaction() as s:
        found = s.scalar(text(f"select count(*) from bench.{table}"))
    if found != count:
        raise RuntimeError(f"{count} events, {found} rows in {table}")


def said(found: dict[str, Any]) -> list[str]:
    """The result in lines."""
    return [
        f"one listener, batches of {found['batch']}, a row written for each: {found['listener_per_second']} events/s "
        f"(target {found['target_per_second']})",
        f"plain SQL copying the same rows in the same batches: {found['plain_sql_per_second']} rows/s; "
        f"ratio {found['ratio']:.1%}; every event heard once",
    ]
