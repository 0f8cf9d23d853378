"""Is it alive? Found out by connecting: a process id proves nothing, since ids are given out again."""

import os
import signal
import socket
import struct
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import psycopg

from shiyu.kernel.embedded.place import EmbeddedError, Place

SHUTDOWN = 300.0  # seconds a clean shutdown may take before it is cut short; the log then recovers at the next start
_NOT_YET = (
    "starting up", "shutting down", "not yet accepting", "recovery mode", "refused", "No such file",
    "closed the connection", "timeout", "could not receive", "in recovery",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Listener:
    """Who listens at the socket, by the word of the kernel. Ids are 0 and -1 where the kernel does not tell."""

    pid: int
    uid: int


def answers(place: Place, patience: float) -> bool:
    """A server of this cluster is there and takes queries; one that is just coming up or going down is waited for."""
    end = time.monotonic() + patience
    while (listener := listening(place)) is not None:
        if listener.uid not in (-1, place.account.pw_uid):
            raise EmbeddedError(
                f"{place.listens_at} 由其他用户（编号 {listener.uid}）的程序占用，已拒绝连接；请停止该程序。",
                f"{place.listens_at} is held by a program of another user (id {listener.uid}); refused. Stop that program.",
            )
        if ready(place):
            return True
        if time.monotonic() > end:
            raise EmbeddedError(
                f"数据库服务（进程 {listener.pid}）在 {patience:.0f} 秒内没有应答，日志见 {place.log}。",
                f"The server (process {listener.pid}) did not answer within {patience:.0f} seconds; its log is {place.log}.",
            )
        time.sleep(0.02)
    return False


def ready(place: Place) -> bool:
    """A query was answered by the server of this very cluster."""
    try:
        with psycopg.connect(place.dsn("postgres"), autocommit=True) as connection:
            row = connection.execute("show data_directory").fetchone()
    except psycopg.OperationalError as error:
        if any(word in str(error) for word in _NOT_YET):
            return False
        raise EmbeddedError(
            f"数据库服务在运行，但拒绝了连接：{error}。日志见 {place.log}。",
            f"The server runs and refuses to talk: {error}. Its log is {place.log}.",
        ) from error
    if row is None or Path(row[0]) != place.cluster:
        raise EmbeddedError(
            f"{place.listens_at} 上的服务属于另一个数据目录：{row and row[0]}；请停止它。",
            f"The server at {place.listens_at} serves another data directory, {row and row[0]}; stop it.",
        )
    return True


def listening(place: Place) -> Listener | None:
    """Who listens at the socket now, if anyone does."""
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(5)
        try:
            probe.connect(str(place.listens_at))
        except (ConnectionRefusedError, FileNotFoundError):
            return None
        except TimeoutError:
            return Listener(_noted_pid(place) or 0, -1)
        if sys.platform == "linux":
            pid, uid, _ = struct.unpack("3i", probe.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
            return Listener(pid, uid)
    return Listener(_noted_pid(place) or 0, -1)


def dead_owner(place: Place) -> int | None:
    """The id of the server that died, where that id now belongs to somebody else; nobody listens when this is asked.

    PostgreSQL takes such an id for a live server. A server that does run here and cannot be reached is a refusal.
    """
    pid = _noted_pid(place)
    if pid is None or not _exists(pid):
        return None
    if _serves(pid, place.cluster):
        raise EmbeddedError(
            f"进程 {pid} 正在使用 {place.cluster}，但在 {place.listens_at} 上没有应答（可能是手工启动的，或套接字已被删除）。"
            f"请先停止它：kill -INT {pid}",
            f"Process {pid} runs on {place.cluster} but does not answer at {place.listens_at} (started by hand, or its socket "
            f"was deleted). Stop it first: kill -INT {pid}",
        )
    return pid


def shut_down(place: Place) -> None:
    """A clean end: clients are sent away, everything is written. Only for who holds the exclusive lock on ``users``."""
    listener = listening(place)
    if listener is None or listener.pid == 0:  # 0: it runs in another container and is stopped there
        return
    pid, pid_file = listener.pid, place.cluster / "postmaster.pid"
    os.kill(pid, signal.SIGINT)
    end = time.monotonic() + SHUTDOWN
    while pid_file.exists() and _exists(pid):
        if time.monotonic() > end:
            os.kill(pid, signal.SIGQUIT)
            break
        time.sleep(0.005)
    # Its last deed was to delete that file. It ends at once, but may be kept as a zombie when its keeper was killed.
    end = time.monotonic() + 1
    while _exists(pid) and time.monotonic() < end:
        time.sleep(0.002)


def environment() -> dict[str, str]:
    """What PostgreSQL's programs see: nothing of the caller's PG… variables, messages in English."""
    return {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}


def log_since(place: Place, mark: int) -> str:
    """The last lines that were written to the log after a size."""
    with place.log.open("rb") as file:
        file.seek(mark)
        lines = file.read().decode(errors="replace").splitlines()
    return "\n".join(lines[-12:])


def _noted_pid(place: Place) -> int | None:
    try:
        return int((place.cluster / "postmaster.pid").read_text(encoding="utf-8", errors="replace").split("\n", 1)[0])
    except (OSError, ValueError):
        return None


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # somebody else's
        return True
    return True


def _serves(pid: int, cluster: Path) -> bool:
    """This process is a PostgreSQL of this cluster: every one of them works in its data directory."""
    if sys.platform == "linux":
        try:
            return Path(f"/proc/{pid}/cwd").readlink() == cluster
        except OSError:  # ended, a zombie, or somebody else's
            return False
    words = ["/bin/ps", "-p", str(pid), "-o", "comm="]
    said = subprocess.run(words, capture_output=True, text=True, check=False)  # noqa: S603 - our own words
    return "postgres" in said.stdout
