"""Every person of a test has an address of his own, as people have: how often one address may sign in is bounded."""

from itertools import count
from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests.kit import people

_houses = count(1)


@pytest.fixture(autouse=True)
def addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    def at_home(app: Any, **more: Any) -> TestClient:
        number = next(_houses)
        return TestClient(app, client=(f"10.0.{number // 250}.{number % 250 + 1}", 50000), **more)

    monkeypatch.setattr(people, "TestClient", at_home)
