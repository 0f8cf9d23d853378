"""演示 — the command itself, as a process: it builds, answers, keeps its data, and leaves nothing running behind."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from shiyu.kernel import embedded
from tests.kit import postgres

PATIENCE = 120.0  # seconds for a machine that does other things besides


@pytest.fixture
def home() -> Iterator[Path]:
    """A data directory that an unprivileged account can walk to."""
    directory = postgres.scratch()
    yield directory
    embedded.remove(directory)
    shutil.rmtree(directory)


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        return trial.getsockname()[1]


def started(home: Path, port: int, *more: str) -> "subprocess.Popen[str]":
    """``shiyu demo`` with a small city, in a terminal's place of its own."""
    words = [
        sys.executable,
        "-m",
        "shiyu.cli",
        "demo",
        "--port",
        str(port),
        "--data",
        str(home),
        "--cases",
        "50",
        *more,
    ]
    known = {name: value for name, value in os.environ.items() if not name.startswith("SHIYU_")}
    return subprocess.Popen(
        words,
        env=known,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def ready(process: "subprocess.Popen[str]", port: int) -> None:
    """Wait until it answers that it is ready."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        assert process.poll() is None, process.communicate()[0]
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=2) as answer:
                if answer.status == 200:
                    return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    pytest.fail("the demonstration did not become ready")


def family(home: Path) -> set[int]:
    """Every process that belongs to this demonstration: by its words or by where it works."""
    found = set()
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        try:
            told = (entry / "cmdline").read_bytes() + (entry / "environ").read_bytes()
            state = (entry / "stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            continue
        if str(home).encode() in told and state != "Z":
            found.add(int(entry.name))
    return found


def ended(process: "subprocess.Popen[str]", home: Path, how: int) -> str:
    """Send the signal; what was printed, once nothing of it runs any more."""
    process.send_signal(how)
    said = process.communicate(timeout=60)[0]
    end = time.monotonic() + 5
    while family(home) and time.monotonic() < end:
        time.sleep(0.05)
    assert family(home) == set()
    return said


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="looks for processes in /proc")
def test_the_demonstration_starts_is_kept_and_ends_without_a_trace(home: Path) -> None:
    port = free_port()
    process = started(home, port)
    try:
        end = time.monotonic() + PATIENCE
        while not (home / "demo-building").exists() and time.monotonic() < end:
            time.sleep(0.02)
        broken_off = ended(process, home, signal.SIGTERM)
    finally:
        process.kill()
    assert (home / "demo-building").exists(), broken_off

    process = started(home, port)  # what was broken off is begun anew
    try:
        ready(process, port)
        assert not (home / "demo-building").exists()
        known = json.loads((home / "demo-accounts.json").read_text(encoding="utf-8"))
        running = family(home)
        said = ended(process, home, signal.SIGTERM)
    finally:
        process.kill()

    assert process.returncode == 0, said
    assert "已清除" in said
    assert len(running) >= 5  # itself, worker, day, keeper, server
    names = {one["username"] for one in known["accounts"]}
    assert {"dispatcher", "handle.210302-zhujian", "display", "security"} <= names
    assert all(name in said for name in names)
    assert known["password"] in said
    assert f"http://127.0.0.1:{port}" in said
    assert "合成" in known["note"]["zh"]
    assert all(known["stories"].values())

    process = started(home, port)
    try:
        began = time.monotonic()
        ready(process, port)
        took = time.monotonic() - began
        said = ended(process, home, signal.SIGINT)
    finally:
        process.kill()

    assert "沿用已有的演示数据" in said
    assert known["stories"]["扶手"] in said
    assert took < 30
    assert process.returncode == 0, said


def test_a_port_that_is_taken_is_said_before_anything_is_built(home: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        process = started(home, taken.getsockname()[1])
        said = process.communicate(timeout=60)[0]

    assert process.returncode == 2
    assert "--port" in said
    assert not (home / "postgres").exists()


def test_fresh_clears_no_directory_that_is_not_a_demonstrations(home: Path) -> None:
    (home / "postgres").mkdir()
    (home / "postgres" / "of-somebody").touch()

    process = started(home, free_port(), "--fresh")
    said = process.communicate(timeout=60)[0]

    assert process.returncode == 2, said
    assert (home / "postgres" / "of-somebody").exists()
    shutil.rmtree(home / "postgres")
