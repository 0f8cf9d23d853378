"""How migrations run: every room's models known, one transaction, a short wait for locks, one process at a time."""

import pkgutil
from importlib import import_module

from alembic import context
from sqlalchemy import create_engine, text

import shiyu
from shiyu.kernel.db import Base
from shiyu.kernel.migrate import ours, owns_schema

for room in pkgutil.iter_modules(shiyu.__path__):
    if room.ispkg:
        for module in pkgutil.iter_modules(import_module(f"shiyu.{room.name}").__path__):
            if room.name != "demo" and module.name not in {"api", "listeners"}:
                import_module(f"shiyu.{room.name}.{module.name}")

engine = create_engine(context.config.attributes["url"])
with engine.connect() as connection:
    connection.execute(text("set lock_timeout = '5s'"))
    connection.execute(text("select pg_advisory_lock(hashtext('shiyu.migrate'))"))
    connection.execute(text("create schema if not exists kernel"))
    connection.commit()
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        include_schemas=True,
        include_name=owns_schema,
        include_object=ours,
        version_table_schema="kernel",
        compare_type=True,
        transaction_per_migration=True,
    )
    with context.begin_transaction():
        context.run_migrations()
    connection.execute(text("select pg_advisory_unlock(hashtext('shiyu.migrate'))"))
    connection.commit()
engine.dispose()
