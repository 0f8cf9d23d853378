"""The API is asked everything its own document allows, and much that it does not: no 5xx, and answers as declared."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import response_schema_conformance

from shiyu.kernel import db, web
from tests.cases.cast import Cast, quick_passwords
from tests.kit import postgres
from tests.kit.people import app

EXAMPLES = 12  # of each operation and viewer: bounded, since every run draws others

schema = schemathesis.openapi.from_asgi("/api/openapi.json", app())


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
CHECKS = (not_a_server_error, response_schema_conformance)


@schema.parametrize()
@bounded
def test_the_public_hears_no_fault_of_ours(case: schemathesis.Case, cast: Cast):
    case.call_and_validate(checks=CHECKS)


@schema.exclude(path_regex="sign-in|sign-out|/me|/live").parametrize()
@bounded
def test_a_dispatcher_hears_no_fault_of_ours(case: schemathesis.Case, cast: Cast):
    person = cast("dispatcher")

    case.call_and_validate(
        checks=CHECKS, cookies=dict(person.client.cookies), headers={"X-CSRF-Token": person.me["csrf"]}
    )
