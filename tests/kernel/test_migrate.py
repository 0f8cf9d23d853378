"""Migrations: models and database agree; every start may ask for the newest version, several processes at once."""

import threading

from sqlalchemy import create_engine, text

from shiyu.kernel import migrate


def query(url: str, sql: str) -> list[str]:
    engine = create_engine(url)
    try:
        with engine.begin() as connection:
            found = connection.execute(text(sql))
            return [row[0] for row in found] if found.returns_rows else []
    finally:
        engine.dispose()


def test_models_and_migrations_agree(database):
    assert migrate.differences(database) == []


def test_a_column_that_no_model_knows_is_found(database):
    query(database, "alter table kernel.account add column nickname text")

    assert "nickname" in str(migrate.differences(database))


def test_a_table_that_is_missing_is_found(database):
    query(database, "drop table kernel.tick")

    assert "tick" in str(migrate.differences(database))


def test_a_second_start_changes_nothing(database):
    before = query(database, "select version_num from kernel.alembic_version")

    migrate.upgrade(database)

    assert query(database, "select version_num from kernel.alembic_version") == before
    assert migrate.at_head(database)


def test_an_empty_database_is_not_at_the_newest_version(empty_database):
    assert not migrate.at_head(empty_database)


def test_two_processes_that_start_at_once_migrate_once(empty_database):
    failed: list[BaseException] = []

    def start() -> None:
        try:
            migrate.upgrade(empty_database)
        except BaseException as error:  # noqa: BLE001 - told by the assertion below
            failed.append(error)

    # Alembic's configuration is one a process, so the second start is a process of its own.
    import subprocess
    import sys

    code = "import sys; from shiyu.kernel import migrate; migrate.upgrade(sys.argv[1])"
    other = subprocess.Popen([sys.executable, "-c", code, empty_database])
    mine = threading.Thread(target=start)
    mine.start()
    mine.join()

    assert failed == []
    assert other.wait(60) == 0
    assert migrate.at_head(empty_database)
    assert migrate.differences(empty_database) == []


def test_each_room_has_its_schema_and_the_queue_stays_apart(database):
    schemas = query(
        database, "select distinct table_schema from information_schema.tables where table_name not like 'pg_%'"
    )

    assert {"kernel", "directory", "law", "cases"} <= set(schemas)
    public = query(database, "select table_name from information_schema.tables where table_schema = 'public'")
    assert all(name.startswith("procrastinate_") for name in public)
