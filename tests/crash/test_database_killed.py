"""The private PostgreSQL is killed while people report: whatever was acknowledged is there afterwards, once."""

import os
import shutil
import signal
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx2 as httpx
import pytest
from sqlalchemy import select

from shiyu.cases.models import Case
from shiyu.demo.accounts import PASSWORD
from shiyu.kernel import db, embedded
from shiyu.kernel.migrate import upgrade
from tests.kit import postgres
from tests.kit.server import Server, live_server
from tests.kit.template import prepare_template

AGENTS = 4
ENOUGH = 25  # acknowledgements before the kill, and as many after it


@pytest.fixture
def durable(monkeypatch: pytest.MonkeyPatch) -> Iterator[embedded.Server]:
    """A private server of this test alone, with every promise of durability kept, holding the small city."""
    home = postgres.scratch()
    monkeypatch.delenv("SHIYU_DATABASE_URL", raising=False)
    server = embedded.start(home, os.environ.get("SHIYU_TEST_PG_BIN") or None)
    try:
        upgrade(server.url)
        prepare_template(server.url, "city")
        db.bind(server.url)
        yield server
    finally:
        db.unbind()
        server.stop()
        embedded.remove(home)
        shutil.rmtree(home)


class Agent:
    """Takes calls one after another, and remembers what was asked and what was acknowledged."""

    def __init__(self, server: Server) -> None:
        self.client = httpx.Client(base_url=server.url, timeout=30)
        me = self.client.post("/api/sign-in", json={"username": "agent", "password": PASSWORD}).json()
        self.client.headers["X-CSRF-Token"] = me["csrf"]
        self.asked: list[dict[str, Any]] = []
        self.told: dict[str, str] = {}

    def work(self, stop: threading.Event) -> None:
        """Until told to stop; what failed is sent again later, as it was."""
        while not stop.is_set():
            key = str(uuid4())
            self.asked.append({"key": key, "text": f"铁东区乐雪社区楼道灯不亮 {key[:8]}", "anonymous": True})
            self.send(self.asked[-1])

    def send(self, report: dict[str, Any]) -> bool:
        """One report; whether it was acknowledged."""
        try:
            answer = self.client.post("/api/reports", json=report)
        except httpx.HTTPError:
            return False
        if answer.status_code not in (200, 201):
            assert answer.status_code >= 500, answer.text
            return False
        no = answer.json()["no"]
        assert self.told.setdefault(report["key"], no) == no
        return True


def test_a_database_killed_under_load_keeps_what_was_acknowledged(durable: embedded.Server) -> None:
    with live_server(durable.url) as server:
        agents, stop = [Agent(server) for _ in range(AGENTS)], threading.Event()
        threads = [threading.Thread(target=agent.work, args=(stop,)) for agent in agents]
        for thread in threads:
            thread.start()
        until(lambda: acknowledged(agents) >= ENOUGH)

        os.kill(postmaster(durable), signal.SIGKILL)
        before = acknowledged(agents)
        until(lambda: acknowledged(agents) >= before + ENOUGH)  # it came back by itself, and so did the server
        stop.set()
        for thread in threads:
            thread.join()
        assert all(agent.send(report) for agent in agents for report in agent.asked)

    with db.reading() as s:
        kept = dict(s.execute(select(Case.key, Case.no)).all())
    assert kept == {key: no for agent in agents for key, no in agent.told.items()}


def postmaster(server: embedded.Server) -> int:
    """The process that all of PostgreSQL hangs on."""
    return int(Path(server.place.cluster / "postmaster.pid").read_text().splitlines()[0])


def acknowledged(agents: list[Agent]) -> int:
    """What they were told, together."""
    return sum(len(agent.told) for agent in agents)


def until(what: Any, patience: float = 60.0) -> None:
    """Wait for a condition."""
    paused, tries = threading.Event(), int(patience / 0.02)
    for _ in range(tries):
        if what():
            return
        paused.wait(0.02)
    pytest.fail("what was waited for did not come")
