"""The cast of a case: people of the synthetic city, each at an address of his own, and cases in every state."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from itertools import count
from typing import Any
from uuid import uuid4

import pytest
from argon2 import PasswordHasher
from fastapi.testclient import TestClient
from sqlalchemy import update

from shiyu.demo.accounts import PASSWORD
from shiyu.kernel import auth, clock
from shiyu.kernel.config import settings
from shiyu.kernel.db import transaction
from tests.kit.people import HANDRAIL, Person, app

LEAD, ASSIST = "210302-zhujian", "210302-canlian"  # the offices of the handrail in 铁东区
OTHER = "210302-chengguan"
UNCLEAR = "铁东区乐雪社区有一件说不清楚的事情想请人来看看"
PHONE = "13804120001"

_addresses = count(1)
_HASHER = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
_HASHED = _HASHER.hash(PASSWORD)


@contextmanager
def quick_passwords() -> Iterator[None]:
    """The city's passwords, hashed by the same function at the least cost: signing in is not what these tests wait for."""
    with transaction() as s:
        s.execute(update(auth.Account).values(password_hash=_HASHED))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(auth, "_hasher", _HASHER)
        patch.setattr(auth, "_DECOY", _HASHED)
        yield


def at_an_address() -> TestClient:
    """A browser at an address of its own: how often somebody may do a thing is counted for each address."""
    n = next(_addresses)
    return TestClient(
        app(), base_url="http://shiyu.test", client=(f"10.{n >> 16 & 255}.{n >> 8 & 255}.{n & 255}", 40_000)
    )


class Cast:
    """People by their user names, signed in when first asked for and again when their sessions idled out."""

    def __init__(self) -> None:
        self._in: dict[str, tuple[Person, Any]] = {}

    def __call__(self, username: str) -> Person:
        now, idle = clock.now(), timedelta(minutes=settings().session_idle_minutes - 5)
        found = self._in.get(username)
        if found is None or not timedelta(0) <= now - found[1] < idle:
            found = Person(at_an_address(), username), now
        self._in[username] = found[0], now
        return found[0]

    def citizen(self) -> Person:
        """Somebody without an account, at a new address."""
        return Person(at_an_address())

    def report(self, text: str = HANDRAIL, **more: Any) -> dict[str, Any]:
        """A citizen's report, accepted."""
        body = {"key": str(uuid4()), "text": text, "phone": PHONE, "name": "演示诉求人", **more}
        if body.get("anonymous"):
            del body["phone"], body["name"]
        return self.citizen().post("/api/public/reports", body, 201)

    def case(self, no: str, username: str = "dispatcher") -> dict[str, Any]:
        """The case as somebody sees it."""
        return self(username).get(f"/api/cases/{no}")

    def act(self, username: str, no: str, verb: str, status: int = 200, **brought: Any) -> dict[str, Any]:
        """One verb by somebody."""
        return self(username).act(no, verb, status, **brought)

    def in_state(self, state: str, **more: Any) -> dict[str, Any]:
        """A new case, brought into a state by the verbs that lead there: what the reporter was told (``no``, ``token``)."""
        told = self.report(UNCLEAR, **more)
        for username, verb, brought in PATHS[state]:
            self.act(username, told["no"], verb, **brought)
        if state == "merged":
            into = self.report(HANDRAIL)
            self.act("dispatcher", told["no"], "merge", into=into["no"])
        return told


OFFICE = f"handle.{LEAD}"
_DISPATCHED: list[tuple[str, str, dict[str, Any]]] = [
    ("dispatcher", "dispatch", {"lead_org": LEAD, "assist_orgs": [ASSIST]})
]
_HANDLING = [*_DISPATCHED, (OFFICE, "sign", {})]
_REPLIED = [*_HANDLING, (OFFICE, "reply", {"text": "已办理完毕。"})]
_TRANSFERRING: list[tuple[str, str, dict[str, Any]]] = [("dispatcher", "transfer", {"to": "110", "text": "移送"})]
SUSPENDED = {"ground": "needs_budget", "text": "列入明年计划。", "review_on": "2099-03-01"}
PARTS = [{"text": "乐雪社区3号楼楼梯扶手缺失。"}, {"text": "乐雪社区门口的路灯不亮。"}]
PATHS: dict[str, list[tuple[str, str, dict[str, Any]]]] = {
    "registered": [],
    "dispatched": _DISPATCHED,
    "handling": _HANDLING,
    "reviewing": [*_HANDLING, (OFFICE, "draft", {"text": "拟答复：已办理。"})],
    "suspended": [*_HANDLING, ("dispatcher", "suspend", SUSPENDED)],
    "replied": _REPLIED,
    "closed": [*_REPLIED, ("caller", "call_back", {"result": "reached", "solved": True, "satisfied": 5})],
    "declined": [("dispatcher", "decline", {"ground": "unlawful", "text": "不属于受理范围。"})],
    "transferring": _TRANSFERRING,
    "transferred": [*_TRANSFERRING, ("dispatcher", "confirm", {"receipt": "JJ-1"})],
    "withdrawn": [("agent", "withdraw", {"text": "诉求人来电撤回。"})],
    "split": [("dispatcher", "split", {"parts": PARTS})],
    "merged": [],
}


def bring(verb: str, case: dict[str, Any], other: str | None = None) -> dict[str, Any]:
    """What a sensible person brings to a verb, as it goes over the wire. ``other``: the number of another open case."""
    waiting = next((one["id"] for one in case.get("extensions", ()) if one["decided_at"] is None), str(uuid4()))
    lead = (case.get("lead_org") or {}).get("code")
    brought: dict[str, dict[str, Any]] = {
        "dispatch": {"lead_org": LEAD, "assist_orgs": [ASSIST]},
        "designate": {"lead_org": LEAD, "text": "经研究指定承办。"},
        "decline": {"ground": "unlawful", "text": "不属于受理范围。"},
        "transfer": {"to": "110"},
        "confirm": {"receipt": "JJ-2026-1"},
        "bounce": {"ground": "not_in_duty", "text": "不归本线。"},
        "merge": {"into": other or "AS-2026-000000"},
        "split": {"parts": PARTS},
        "pass_down": {"lead_org": LEAD if lead == OTHER else OTHER},
        "send_back": {"ground": "not_in_duty", "text": "不属于本单位职责。"},
        "extend": {"ground": "complex", "text": "需要检测。"},
        "decide_extension": {"extension": waiting, "approve": True},
        "suspend": SUSPENDED,
        "call_back": {"result": "reached", "solved": True, "satisfied": 5},
        "reclassify": {"matter": "010301"},
        "relocate": {"address": "铁东区乐雪社区3号楼"},
        "bar": {"org": OTHER, "text": "与本件诉求有利害关系。"},
        "unbar": {
            "bar": next((one["id"] for one in case.get("bars", ()) if not one["ended_at"]), str(uuid4())),
            "text": "已查清。",
        },
    }
    texts = (
        "answer",
        "rejoin",
        "contact",
        "assist",
        "reply",
        "draft",
        "revise",
        "reopen",
        "supplement",
        "note",
        "recuse",
    )
    return brought.get(verb, {"text": "情况说明。"} if verb in texts else {})
