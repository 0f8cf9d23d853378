"""Migrations: one line of history, run by Alembic under a lock timeout, one process at a time."""

from importlib.resources import files
from pathlib import Path
from typing import Any

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, text

from shiyu.kernel.db import Base

QUEUE = "public"  # Procrastinate's own tables live here; every room has a schema of its own


def folder() -> Path:
    """Where the migrations lie: inside an installed package, or beside the source tree."""
    inside = Path(str(files("shiyu"))) / "migrations"
    return inside if inside.is_dir() else Path(str(files("shiyu"))).parent / "migrations"


def _config(url: str) -> Config:
    config = Config()
    config.set_main_option("script_location", str(folder()).replace("%", "%%"))
    config.attributes["url"] = url
    return config


def upgrade(url: str) -> None:
    """Bring a database to the newest version. Safe to call at every start and from several processes at once."""
    command.upgrade(_config(url), "head")


def at_head(url: str) -> bool:
    """Whether the database stands at the newest version."""
    newest = ScriptDirectory.from_config(_config(url)).get_current_head()
    engine = create_engine(url)
    try:
        with engine.connect() as connection:
            if not connection.scalar(text("select to_regclass('kernel.alembic_version')")):
                return False
            return connection.scalar(text("select version_num from kernel.alembic_version")) == newest
    finally:
        engine.dispose()


def ours(_object: Any, name: str | None, kind: str, reflected: bool, _compare_to: Any) -> bool:
    """Which things in the database are the models' business: not the queue's tables, not the partitions of the events."""
    if kind == "table" and reflected and name is not None:
        return not name.startswith(("event_", "procrastinate_")) and name != "alembic_version"
    return True


def owns_schema(name: str | None, kind: str, _parents: Any) -> bool:
    """Only the rooms' schemas are compared."""
    return name != QUEUE and (name is not None) if kind == "schema" else True


def differences(url: str) -> list[Any]:
    """What the models say and the migrated database lacks, or the other way round."""
    engine = create_engine(url)
    try:
        with engine.connect() as connection:
            options = {
                "include_schemas": True,
                "include_name": owns_schema,
                "include_object": ours,
                "version_table_schema": "kernel",
                "compare_type": True,
            }
            return compare_metadata(MigrationContext.configure(connection, opts=options), Base.metadata)
    finally:
        engine.dispose()
