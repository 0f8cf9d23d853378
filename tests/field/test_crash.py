"""The power fails in the middle of a sync: whatever was acknowledged is there, once; what is sent again is not doubled."""

import threading
from typing import Any
from uuid import uuid4

import httpx2 as httpx
from sqlalchemy import func, select

from shiyu.cases.models import Case
from shiyu.demo.accounts import PASSWORD
from shiyu.field.models import Sighting
from shiyu.kernel import db
from tests.kit.server import Server, live_server

PHONES = 6
ITEMS = 40
KILL_AFTER = 25  # acknowledgements


class Phone:
    """A queue that is sent five at a time and remembers what was acknowledged."""

    def __init__(self, server: Server, username: str) -> None:
        self.client = httpx.Client(base_url=server.url, timeout=20)
        me = self.client.post("/api/sign-in", json={"username": username, "password": PASSWORD}).json()
        self.client.headers["X-CSRF-Token"] = me["csrf"]
        self.queue = [a_sighting(n) for n in range(ITEMS)]
        self.told: dict[str, str] = {}

    def send(self, heard: threading.Event, heard_of: list[str]) -> None:
        """Everything, until the server is gone."""
        for start in range(0, ITEMS, 5):
            batch = self.queue[start : start + 5]
            try:
                answer = self.client.post("/api/field/sync", json={"items": batch})
            except httpx.HTTPError:
                return
            for item in answer.json()["items"]:
                assert item["ok"], item
                known = self.told.setdefault(item["client_id"], item["no"])
                assert known == item["no"]
                heard_of.append(item["no"])
            if len(heard_of) >= KILL_AFTER:
                heard.set()


def a_sighting(n: int) -> dict[str, Any]:
    return {
        "client_id": str(uuid4()),
        "type": "sighting",
        "at": "2026-03-02T09:00:00+08:00",
        "text": f"乐雪社区第{n}处楼道灯不亮",
    }


def test_a_server_killed_in_mid_sync_has_lost_nothing_it_acknowledged_and_doubles_nothing(city: str) -> None:
    workers = ["grid.2103020030041001", "grid.2103020060061001", "grid.2103020060061002"]
    with live_server(city) as server:
        phones = [Phone(server, workers[n % len(workers)]) for n in range(PHONES)]
        enough, heard_of = threading.Event(), []
        threads = [threading.Thread(target=phone.send, args=(enough, heard_of)) for phone in phones]
        for thread in threads:
            thread.start()
        assert enough.wait(60)
        server.kill()
        for thread in threads:
            thread.join()
        acknowledged = {client_id: no for phone in phones for client_id, no in phone.told.items()}
        assert KILL_AFTER <= len(acknowledged) < PHONES * ITEMS, "the kill must fall in mid-sync"

        server.start()
        for phone in phones:  # the phones never heard of a kill: they send the same again
            phone.send(enough, heard_of)

    sent = {item["client_id"] for phone in phones for item in phone.queue}
    answered = {client_id: no for phone in phones for client_id, no in phone.told.items()}
    assert set(answered) == sent
    assert all(answered[client_id] == no for client_id, no in acknowledged.items())
    with db.reading() as s:
        assert s.scalar(select(func.count()).select_from(Case)) == len(sent)
        rows = s.execute(select(Sighting.client_id, Case.no).join(Case, Case.id == Sighting.case_id)).all()
    assert {(str(client_id), no) for client_id, no in rows} == set(answered.items())
