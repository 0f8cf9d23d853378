"""演示搭建 — an empty database becomes the synthetic city with its law, its people, and some weeks behind it."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from random import Random

from sqlalchemy import select
from sqlalchemy.orm import Session

from shiyu.channels.seed import seed as register_channels
from shiyu.demo import city, knowledge, people, rounds, stories, voices
from shiyu.demo.accounts import CENTRE, open_accounts
from shiyu.demo.city import areas
from shiyu.demo.city.build import SEED
from shiyu.demo.history import PICTURES, WEEKS, History
from shiyu.directory.places import Area
from shiyu.kernel import clock, events
from shiyu.kernel.auth import Account
from shiyu.kernel.config import settings
from shiyu.kernel.db import reading, transaction
from shiyu.kernel.errors import Refusal
from shiyu.law.load import load

CASES = 420
Step = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class Built:
    """What was built: numbers of the stories' cases by name, how many cases were told, words of fates that were refused."""

    stories: dict[str, str]
    cases: int
    skipped: list[str]


def is_there(s: Session) -> bool:
    """Whether this database holds the demonstration. Refuses (409) one that holds another city."""
    area = s.scalar(select(Area.origin).where(Area.code == areas.CITY).limit(1))
    if s.scalar(select(Area.id).limit(1)) is None and s.scalar(select(Account.id).limit(1)) is None:
        return False
    known = s.scalar(select(Account.id).where(Account.username == CENTRE[0][0]))
    if area != "synthetic" or known is None:
        raise Refusal("demo.another_city", 409)
    return True


def build_demo(
    *,
    cases: int = CASES,
    grids: int = 320,
    cells_per_grid: int = 4,
    seed: int = SEED,
    pictures: int = PICTURES,
    step: Step = lambda *_: None,
) -> Built:
    """Law, city, accounts, stories, history. The database is bound and empty; small numbers make a small city for tests."""
    now = clock.now()
    begin = now - timedelta(weeks=WEEKS, days=3)
    step("law", 0, 1)
    with clock.at(begin), transaction() as s:
        events.ensure_partitions(s)
        load(s, city=settings().city)
    step("city", 0, 1)
    with transaction() as s:
        built = city.build(s, grids=grids, cells_per_grid=cells_per_grid, seed=seed)
    with clock.at(begin), transaction() as s:
        open_accounts(s, built)
        rounds.fill(s, built)
    with transaction() as s:  # as of today: who never spoke has not fallen silent yet
        register_channels(s)
    with reading() as s:
        cast, spots = people.cast(s), voices.spots(s)
    knowledge.fill(cast, begin)
    history = History(cast, spots, Random(seed), now, pictures)
    history.plan(cases)
    history.play(lambda done: step("cases", done, cases))
    step("stories", 0, 1)
    told = {
        stories.RUBBLE: stories.rubble(cast, Random(seed), stories.days_before(now, 2)),
        stories.HANDRAIL: stories.handrails(cast, spots, Random(seed), stories.days_before(now, 1)),
        stories.LAMP: stories.lamp(cast, spots, Random(seed), now),
    }
    return Built(told, len(history.told), history.skipped)
