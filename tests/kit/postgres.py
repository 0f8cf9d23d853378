"""Real PostgreSQL for tests: one server a run, one template, and a database of its own for every test that asks.

Three servers can be asked for:

- none named: the embedded one, its data in memory where there is room;
- ``SHIYU_TEST_PG_BIN=/usr/lib/postgresql/15/bin``: the same runner over another PostgreSQL;
- ``SHIYU_TEST_DATABASE_URL=postgresql+psycopg://…``: a server that runs already; the role needs CREATEDB.

Each of pytest-xdist's workers has a server of its own: the feed waits for every open transaction of a server, also for those of another
worker's tests. A server that was named is shared, so run its tests in one process.
"""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from uuid import uuid4

import psycopg
from psycopg import sql
from sqlalchemy import make_url

from shiyu.kernel import embedded
from shiyu.kernel.migrate import upgrade
from tests.kit.template import prepare_template

RUN = "SHIYU_TEST_RUN"  # the directory of this test run; the workers inherit it
ROOM = 2 * 1024**3  # bytes of memory that must be free before a cluster is kept there


def scratch() -> Path:
    """A new directory that an unprivileged account can walk to, in memory where there is room."""
    memory = Path("/dev/shm")
    roomy = memory.is_dir() and os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > ROOM
    directory = Path(tempfile.mkdtemp(prefix="shiyu-test-", dir=memory if roomy else None)).resolve()
    directory.chmod(0o711)
    return directory


def begin_run() -> None:
    """Before the first test, in the process that starts the workers."""
    run = scratch()
    os.environ[RUN] = str(run)
    os.environ["SHIYU_DATA_DIR"] = str(run / "files")  # no test writes into the data directory of whoever runs it


def end_run() -> None:
    """After the last test and the last worker: nothing stays behind."""
    run = Path(os.environ.pop(RUN))
    given = os.environ.get("SHIYU_TEST_DATABASE_URL")
    for done in run.glob("template-*-alone") if given else ():
        Cluster(given or "").drop(f"{_template(run)}_{done.name.split('-')[1]}")
    for data in run.glob("data-*"):
        embedded.remove(data)
    shutil.rmtree(run)


class Cluster:
    """The server of this run, seen from one worker."""

    def __init__(self, url: str) -> None:
        self.url = make_url(url)

    def address(self, database: str) -> str:
        """The SQLAlchemy address of a database."""
        return self.url.set(database=database).render_as_string(hide_password=False)

    def create(self, database: str, template: str) -> str:
        """A database made from another one; its address."""
        self._run(sql.SQL("create database {} template {}").format(sql.Identifier(database), sql.Identifier(template)))
        return self.address(database)

    def rename(self, old: str, new: str) -> None:
        """Give a database its name."""
        self._run(sql.SQL("alter database {} rename to {}").format(sql.Identifier(old), sql.Identifier(new)))

    def drop(self, database: str) -> None:
        """Delete a database, whoever is still connected."""
        self._run(sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(database)))

    def _run(self, statement: sql.Composed) -> None:
        plain = self.url.set(drivername="postgresql").render_as_string(hide_password=False)
        with psycopg.connect(plain, autocommit=True) as connection:
            connection.execute(statement)


@contextmanager
def cluster() -> Iterator[Cluster]:
    """The server of this run, for as long as a worker needs it."""
    given = os.environ.get("SHIYU_TEST_DATABASE_URL")
    if given:
        yield Cluster(given)
        return
    run = Path(os.environ[RUN])
    with embedded.start(run / f"data-{_worker()}", os.environ.get("SHIYU_TEST_PG_BIN") or None, fast=True) as server:
        yield Cluster(server.url)


def template(server: Cluster, kind: str = "bare") -> str:
    """The name of the migrated database that every test's database is a copy of; made once a run."""
    run = Path(os.environ[RUN])
    name = f"{_template(run)}_{kind}"
    done = run / f"template-{kind}-{_worker()}"
    if not done.exists():
        building = f"{name}_building"
        server.drop(building)
        _fill(server.create(building, "template0"), kind)
        server.rename(building, name)
        done.touch()
    return name


@contextmanager
def copy_of(server: Cluster, original: str) -> Iterator[str]:
    """A fresh database for one test; its address."""
    name = f"shiyu_test_{uuid4().hex[:16]}"
    try:
        yield server.create(name, original)
    finally:
        with suppress(psycopg.OperationalError):  # a test may have stopped the server itself
            server.drop(name)


def _template(run: Path) -> str:
    return f"{run.name.replace('-', '_')}_template"


def _worker() -> str:
    return os.environ.get("PYTEST_XDIST_WORKER", "alone")


def _fill(url: str, kind: str) -> None:
    upgrade(url)
    prepare_template(url, kind)
