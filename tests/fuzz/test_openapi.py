"""The API is asked everything its own document allows, and much that it does not: no 5xx, and answers as declared."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import response_schema_conformance

from shiyu.kernel import db, web
from tests.cases.cast import Cast, quick_passwords
from tests.kit import postgres
from tests.kit.people import app

EXAMPLES = 6  # of each operation and viewer: bounded, since every run draws others


async def answering(scope: Any, receive: Any, send: Any) -> None:
    """The application without what it starts beside: each question comes through a door of its own."""
    if scope["type"] != "lifespan":
        await app()(scope, receive, send)
        return
    while (await receive())["type"] == "lifespan.startup":
        await send({"type": "lifespan.startup.complete"})
    await send({"type": "lifespan.shutdown.complete"})


schema = schemathesis.openapi.from_asgi("/api/openapi.json", answering)


@pytest.fixture(scope="module")
def cast(cluster: postgres.Cluster, city_template: str) -> Iterator[Cast]:
    """The people of this file's city; how often somebody may ask is not what is tested here."""
    with postgres.copy_of(cluster, city_template) as url, pytest.MonkeyPatch.context() as patch:
        db.bind(url)
        patch.setattr(web.Bucket, "take", lambda *_: True)
        with quick_passwords():
            people = Cast()
            for state in ("registered", "handling", "closed"):
                people.in_state(state)
            yield people
        db.unbind()


bounded = settings(
    max_examples=EXAMPLES,
    deadline=timedelta(seconds=20),
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=list(HealthCheck),
    derandomize=True,
    database=None,
)


def checks(case: schemathesis.Case) -> list[Any]:
    """No fault of ours, and the answer as declared; the checker itself stumbles over lists of tuples (``prefixItems``) in one operation."""
    return (
        [not_a_server_error] if case.path == "/api/analysis/heat" else [not_a_server_error, response_schema_conformance]
    )


# Elsewhere who has no account hears 401, which tests/architecture and tests/kernel prove.
OPEN = "^/api/(public|locate|areas|matters|limits|grounds|calendar|words|sign-in|cases)"


@schema.include(path_regex=OPEN).exclude(path_regex="/live").parametrize()
@bounded
def test_the_public_hears_no_fault_of_ours(case: schemathesis.Case, cast: Cast):
    case.call_and_validate(checks=checks(case))


@schema.exclude(path_regex="sign-in|sign-out|/me|/live|/stream").parametrize()
@bounded
def test_a_dispatcher_hears_no_fault_of_ours(case: schemathesis.Case, cast: Cast):
    person = cast("dispatcher")

    case.call_and_validate(
        checks=checks(case), cookies=dict(person.client.cookies), headers={"X-CSRF-Token": person.me["csrf"]}
    )
