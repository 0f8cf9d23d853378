"""The people of a test: who signs in, who reports, and what they ask over HTTP."""

from functools import cache
from itertools import count
from typing import Any
from uuid import uuid4

from fastapi.testclient import TestClient

from shiyu.api import create
from shiyu.demo.accounts import PASSWORD
from shiyu.kernel import events

HANDRAIL = "铁东区乐雪社区3号楼2单元楼梯扶手缺失，老人上下楼容易摔倒，请尽快安装。"


class Person:
    """A browser of one person: signed in, or a citizen without an account."""

    def __init__(self, client: TestClient, username: str | None = None) -> None:
        self.client, self.username = client, username
        if username:
            me = client.post("/api/sign-in", json={"username": username, "password": PASSWORD})
            assert me.status_code == 200, me.text
            self.me = me.json()
            client.headers["X-CSRF-Token"] = self.me["csrf"]

    def get(self, path: str, status: int = 200, **query: Any) -> Any:
        """Read; the status must be the one expected."""
        answer = self.client.get(path, params=query)
        assert answer.status_code == status, answer.text
        return answer.json()

    def post(
        self, path: str, body: dict[str, Any] | None = None, status: int | tuple[int, ...] = (200, 201, 204)
    ) -> Any:
        """Write; the status must be the one expected."""
        answer = self.client.post(path, json=body or {})
        expected = (status,) if isinstance(status, int) else status
        assert answer.status_code in expected, answer.text
        return answer.json() if answer.content else None

    def act(self, no: str, verb: str, status: int = 200, **brought: Any) -> Any:
        """One verb on one case."""
        return self.post(f"/api/cases/{no}/{verb}", brought, status)


@cache
def app() -> Any:
    """The application, made once: it holds nothing of a database."""
    return create()


_houses = count(1)


def _client() -> TestClient:
    """A browser with an address of its own: how often one address may do a thing is bounded."""
    number = next(_houses)
    return TestClient(app(), base_url="http://shiyu.test", client=(f"10.0.{number // 250}.{number % 250 + 1}", 50000))


def citizen() -> Person:
    """Somebody without an account."""
    return Person(_client())


def staff(username: str) -> Person:
    """Somebody of the synthetic city's staff, signed in."""
    return Person(_client(), username)


def a_report(**more: Any) -> dict[str, Any]:
    """What a citizen sends about the handrails."""
    return {"key": str(uuid4()), "text": HANDRAIL, "phone": "13804120001", "name": "王秀英", **more}


def deliver() -> int:
    """The news goes round: every listener hears everything."""
    return events.drain()
