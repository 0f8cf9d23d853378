"""The ledger: one act is one transaction, ids grow, pages neither skip nor double, a damaged cursor is a refusal."""

import base64
import threading
from uuid import UUID

import orjson
import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from shiyu.kernel import clock, db
from shiyu.kernel.auth import Account
from shiyu.kernel.db import decode_cursor, encode_cursor, moment, new_id, page, reading, transaction
from shiyu.kernel.errors import Refusal


def add(*usernames: str) -> None:
    with transaction() as s:
        s.add_all([Account(username=name, name=name, password_hash="x") for name in usernames])


def names() -> list[str]:
    with reading() as s:
        return list(s.scalars(select(Account.username).order_by(Account.username)))


# --- ids ---------------------------------------------------------------------------------------------------------------


def test_ids_are_uuid_version_7_and_grow_even_across_threads():
    made: list[list[UUID]] = [[] for _ in range(4)]

    def make(at: int) -> None:
        made[at] += [new_id() for _ in range(2000)]

    threads = [threading.Thread(target=make, args=(at,)) for at in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    everything = [one for some in made for one in some]
    assert len(set(everything)) == 8000
    assert all(some == sorted(some) for some in made)
    assert {one.version for one in everything} == {7}
    assert {one.variant for one in everything} == {"specified in RFC 4122"}


# --- transactions ------------------------------------------------------------------------------------------------------


def test_an_act_that_fails_leaves_nothing(database):
    with pytest.raises(RuntimeError), transaction() as s:
        s.add(Account(username="half", name="half", password_hash="x"))
        s.flush()
        raise RuntimeError

    assert names() == []


def test_after_commit_is_called_after_a_commit_and_not_after_a_rollback(database, monkeypatch):
    called: list[bool] = []
    monkeypatch.setattr(db, "_after_commit", [lambda _s: called.append(True)])

    add("one")
    with pytest.raises(RuntimeError), transaction():
        raise RuntimeError

    assert called == [True]


def test_a_reading_session_cannot_write(database):
    with pytest.raises(DBAPIError, match="read-only"), reading() as s:
        s.execute(text("delete from kernel.account"))


def test_times_go_in_and_come_out_in_utc(database):
    with clock.at("2026-03-02 09:00"):
        add("one")
    with reading() as s:
        created = s.scalars(select(Account.created_at)).one()

    assert created == clock.parse("2026-03-02 09:00")
    assert created.utcoffset() is not None
    assert created.hour == 1


def test_a_connection_that_died_at_rest_is_replaced(database, monkeypatch):
    monkeypatch.setattr(db, "RESTED", -1.0)
    add("one")
    with transaction() as s:
        s.execute(
            text(
                "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()"
            )
        )

    assert names() == ["one"]


def test_without_a_database_the_error_says_what_to_do():
    db.unbind()

    with pytest.raises(RuntimeError, match="bind"):
        db.engine()


# --- pages -------------------------------------------------------------------------------------------------------------


def walk(limit: int, descending: bool) -> list[str]:
    found, after = [], None
    with reading() as s:
        while True:
            one = page(s, select(Account), [Account.username], [str], after=after, limit=limit, descending=descending)
            found += [row.username for row in one.rows]
            assert len(one.rows) <= limit
            if (after := one.next) is None:
                return found


@pytest.mark.parametrize("limit", [1, 2, 3, 6, 7, 50])
@pytest.mark.parametrize("descending", [True, False])
def test_pages_together_are_the_whole_list(database, limit, descending):
    add(*"bdafce")

    assert walk(limit, descending) == sorted("abcdef", reverse=descending)


def test_a_full_last_page_has_no_next(database):
    add("a", "b")
    with reading() as s:
        assert page(s, select(Account), [Account.username], [str], limit=2).next is None
        assert page(s, select(Account), [Account.username], [str], limit=1).next is not None


def test_a_cursor_comes_back_as_it_was():
    ident, at = UUID(int=7), clock.parse("2026-03-02 09:00")

    assert decode_cursor(encode_cursor(at.isoformat(), ident), (moment, UUID)) == (at, ident)


def packed(value: object) -> str:
    return base64.urlsafe_b64encode(orjson.dumps(value)).decode()


@pytest.mark.parametrize(
    "cursor",
    ["x", "====", "不是", "!!!!", packed([]), packed(["2026-01-01T00:00:00+00:00"]), packed(5), packed("ab"), packed(None), packed({"a": 1, "b": 2}),
     packed(["2026-01-01T00:00:00+00:00", 7]), packed(["2026-01-01T00:00:00+00:00", None]), packed(["2026-01-01T00:00:00+00:00", ["a"]]),
     packed([{}, str(UUID(int=7))]), packed([1, str(UUID(int=7))]), packed(["not a day", str(UUID(int=7))]), packed([None, None]), packed([True, False])],
)  # fmt: skip
def test_a_damaged_cursor_is_a_refusal(cursor):
    with pytest.raises(Refusal) as caught:
        decode_cursor(cursor, (moment, UUID))

    assert (caught.value.code, caught.value.status, caught.value.field) == ("page.bad_cursor", 422, "after")
