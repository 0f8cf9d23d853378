"""The ground that is measured on: a durable private PostgreSQL with the law, a synthetic city, its accounts; gone afterwards."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from shiyu.demo.accounts import open_accounts
from shiyu.demo.city import build
from shiyu.kernel import db, embedded, events, migrate
from shiyu.kernel.config import settings
from shiyu.kernel.embedded import Server
from shiyu.law.load import load

GRIDS, CELLS = 320, 4  # as in the demo


@contextmanager
def city() -> Iterator[Server]:
    """A new city on a new server whose commits are durable (fsync on), on the disk and not in memory."""
    data = Path(tempfile.mkdtemp(prefix="shiyu-bench-", dir=os.environ.get("SHIYU_BENCH_DIR", "/var/tmp")))
    os.environ["SHIYU_DATA_DIR"] = str(data)
    settings.cache_clear()
    server = embedded.start(data)
    try:
        migrate.upgrade(server.url)
        db.bind(server.url)
        with db.transaction() as s:
            events.ensure_partitions(s)
        events.settle_epoch()
        with db.transaction() as s:
            load(s)
        with db.transaction() as s:
            open_accounts(s, build(s, grids=GRIDS, cells_per_grid=CELLS))
        yield server
    finally:
        db.unbind()
        server.stop()
        embedded.remove(data)
        shutil.rmtree(data, ignore_errors=True)
