"""What the databases of tests hold before a test begins."""

from collections.abc import Callable

from shiyu.demo.accounts import open_accounts
from shiyu.demo.city import build
from shiyu.kernel import clock, db, events
from shiyu.law.load import load


def _bare() -> None:
    """Nothing but the tables."""
    with db.transaction() as s:
        events.ensure_partitions(s)
    events.settle_epoch()


def _city() -> None:
    """The law as its books say, a small synthetic city, and its people's accounts."""
    _bare()
    with db.transaction() as s:
        load(s)
    with clock.at("2026-01-05 08:00"), db.transaction() as s:  # before any day that a test lives
        open_accounts(s, build(s, grids=120, cells_per_grid=2))


TEMPLATES: dict[str, Callable[[], None]] = {"bare": _bare, "city": _city}


def prepare_template(url: str, kind: str) -> None:
    """Called once a run on the migrated template; the address is SQLAlchemy's. No connection stays open."""
    db.bind(url)
    try:
        TEMPLATES[kind]()
    finally:
        db.unbind()
