"""What the tests of the cases may ask for besides: the people of the city."""

from collections.abc import Iterator

import pytest

from tests.cases.cast import Cast, quick_passwords


@pytest.fixture
def cast(city: str) -> Iterator[Cast]:
    """The people of this test's city."""
    with quick_passwords():
        yield Cast()
