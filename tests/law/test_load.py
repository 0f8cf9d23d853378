"""Books into tables: idempotent, refusing what is unfit by file and line; afterwards the law is asked without a query."""

import csv
import shutil
from datetime import date

import pytest
from sqlalchemy import event, func, select, text, update

from shiyu.kernel import db
from shiyu.kernel.clock import at, parse
from shiyu.kernel.db import Base, new_id, reading, transaction
from shiyu.kernel.errors import Refusal
from shiyu.law import classifier, duties, edition, grounds, limits, matters
from shiyu.law.book import book
from shiyu.law.edition import BookEdition
from shiyu.law.limits import TimeLimit
from shiyu.law.load import BOOKS, load
from shiyu.law.matters import Matter
from tests.law import shelf

MONDAY = parse("2026-03-02 09:00")
LEXUE = ("210300", "210302", "210302003", "210302003004")


@pytest.fixture
def bare(database):
    """A database whose tables of law are empty."""
    tables = [f"law.{table.name}" for table in Base.metadata.tables.values() if table.schema == "law"]
    with transaction() as s:
        s.execute(text(f"truncate {', '.join(tables)}"))


@pytest.fixture
def law(bare):
    """A database with the books just loaded."""
    with transaction() as s:
        return load(s)


@pytest.fixture
def books(tmp_path):
    """A copy of the books that a test may spoil."""
    return shutil.copytree(BOOKS, tmp_path / "books")


def rewrite(path, change):
    """Change the rows of a book; ``change`` gets them with the header first."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))
    change(rows)
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(rows)


def queries(call):
    """How many statements a call sends to the database."""
    sent = []
    count = lambda *args: sent.append(args[2])  # noqa: E731
    event.listen(db.engine(), "before_cursor_execute", count)
    try:
        call()
    finally:
        event.remove(db.engine(), "before_cursor_execute", count)
    return len(sent)


def due_after(books):
    """Handling days of a handrail after loading changed books."""
    with transaction() as s:
        load(s, books)
    with reading() as s:
        return limits.due(s, shelf.code_of("楼梯扶手缺失"), "handle", MONDAY, kind="help").rule.amount


def test_all_books_fill_the_tables(law):
    with reading() as s:
        assert s.scalar(select(func.count()).select_from(Matter)) == len(shelf.matters().entries)
        assert s.scalar(select(func.count()).select_from(TimeLimit)) == len(shelf.limits().rows)
    assert law.different
    assert law.edited == []


def test_loading_again_changes_nothing(law):
    with transaction() as s:
        before, again, after = edition.token(s), load(s), edition.token(s)

    assert not again.different
    assert all(one.added == 0 and one.absent == [] for one in again.books)
    assert before == after


def test_a_row_without_basis_is_refused_with_file_and_line(bare, books):
    rewrite(books / "default" / "limits.csv", lambda rows: rows[3].__setitem__(-1, ""))

    with pytest.raises(Refusal, match=r"default/limits\.csv, line 4: basis is missing"), transaction() as s:
        load(s, books)

    with reading() as s:
        assert s.scalar(select(func.count()).select_from(Matter)) == 0


@pytest.mark.parametrize(
    ("file", "column", "value", "code"),
    [
        ("national/matters.csv", "from", "", "book.missing"),
        ("national/matters.csv", "from", "2026-13-01", "book.bad_value"),
        ("national/matters.csv", "code", "0101", "book.bad_value"),
        ("national/grounds.csv", "for", "forget", "book.bad_value"),
        ("national/grounds.csv", "text", "", "book.missing"),
        ("national/calendar/2026.csv", "basis", "", "book.missing"),
        ("national/calendar/2026.csv", "kind", "bridge", "book.bad_value"),
        ("default/hours.csv", "end", "08:00", "book.bad_value"),
        ("default/limits.csv", "amount", "0", "book.bad_value"),
        ("default/limits.csv", "clock", "sundial", "book.bad_value"),
        ("default/limits.csv", "matter", "77", "book.no_matter"),
        ("default/limits.csv", "to", "2019-01-01", "book.bad_value"),
        ("anshan/duties.csv", "basis", "", "book.missing"),
        ("anshan/duties.csv", "matter", "989898", "book.no_matter"),
        ("anshan/duties.csv", "convener", "moon", "book.bad_value"),
    ],
)
def test_an_unfit_row_is_refused_whatever_is_wrong_with_it(bare, books, file, column, value, code):
    rewrite(books / file, lambda rows: rows[1].__setitem__(rows[0].index(column), value))

    with pytest.raises(Refusal) as refused, transaction() as s:
        load(s, books)

    assert refused.value.code == code
    assert (refused.value.facts["file"], refused.value.facts["line"]) == (file, 2)


def test_two_rows_for_the_same_thing_at_the_same_time_are_refused(bare, books):
    def again(rows):
        rows.append([*rows[1][:-3], "2026-01-01", "", "default profile"])

    rewrite(books / "default" / "limits.csv", again)

    with pytest.raises(Refusal, match=r"book\.twice"), transaction() as s:
        load(s, books)


def test_a_ragged_row_is_refused(bare, books):
    rewrite(books / "default" / "hours.csv", lambda rows: rows[1].append("more"))

    with pytest.raises(Refusal, match=r"book\.ragged"), transaction() as s:
        load(s, books)


def test_a_missing_book_is_refused(bare, books):
    (books / "anshan" / "duties.csv").unlink()

    with pytest.raises(Refusal, match=r"book\.no_file"), transaction() as s:
        load(s, books)


def test_a_new_law_is_a_new_row_and_leaves_old_promises_alone(law, books):
    def reform(rows):
        number = next(n for n, row in enumerate(rows) if row[:4] == ["*", "help", "handle", "normal"])
        rows.append([*rows[number][:4], "3", *rows[number][5:8], "2026-03-01", "", "《新条例》"])
        rows[number][-2] = "2026-03-01"

    rewrite(books / "default" / "limits.csv", reform)

    assert due_after(books) == 3
    with reading() as s:
        before = limits.due(s, None, "handle", parse("2026-02-27 09:00"), kind="help")
    assert before.rule.amount == 5
    assert before.rule.valid_to == date(2026, 3, 1)


def test_a_row_changed_under_its_key_is_changed_and_named(law, books):
    def change(rows):
        rows[next(n for n, row in enumerate(rows) if row[:4] == ["*", "help", "handle", "normal"])][4] = "4"

    rewrite(books / "default" / "limits.csv", change)
    with transaction() as s:
        report = load(s, books)

    assert report.edited == ["default/limits.csv: *:help:handle:normal:2020-01-01 (amount)"]
    assert due_after(books) == 4


def test_a_row_that_left_its_book_stays_and_is_named(law, books):
    rewrite(books / "national" / "grounds.csv", lambda rows: rows.pop(1))

    with transaction() as s:
        report = load(s, books)

    assert [one.absent for one in report.books if one.absent] == [["emergency"]]
    with reading() as s:
        assert grounds.require(s, "emergency", "decline").zh.startswith("紧急")


def test_a_city_may_have_limits_of_its_own(bare, books):
    shutil.copy(books / "default" / "limits.csv", books / "anshan" / "limits.csv")
    rewrite(
        books / "anshan" / "limits.csv",
        lambda rows: [row.__setitem__(4, "2") for row in rows[1:] if row[2] == "handle"],
    )

    assert due_after(books) == 2


def test_after_the_first_use_the_law_is_asked_without_a_query(law):
    code = shelf.code_of("楼梯扶手缺失")
    book()

    def ask():
        with reading() as s:
            limits.due(s, code, "handle", MONDAY, kind="help")
            duties.owner(s, code, LEXUE)
            matters.matters(s).require(code)
            grounds.require(s, "not_in_duty", "send_back")
        book().due(code, "sign", MONDAY)
        book().owner(code, LEXUE)
        book().classify("楼道没有扶手")
        classifier.classify("楼道没有扶手")

    assert queries(ask) == 0


def test_another_process_is_heard_of_by_one_look(law, monkeypatch):
    old = book()
    with transaction() as s:  # as another process would: rows and a new token, nothing said here
        s.execute(update(TimeLimit).where(TimeLimit.clock == "sign").values(amount=7))
        s.execute(update(BookEdition).values(token=new_id()))

    assert book() is old
    assert old.refresh().due(None, "sign", MONDAY).rule.amount == 7
    assert old.due(None, "sign", MONDAY).rule.amount == 4


def test_memory_is_looked_after_by_itself(law, monkeypatch):
    old = book()
    monkeypatch.setattr(edition, "LOOK_EVERY", 0.0)
    with transaction() as s:
        s.execute(update(BookEdition).values(token=new_id()))

    assert book() is not old


def test_an_unfinished_loading_is_seen_by_nobody_else(law, books):
    rewrite(
        books / "default" / "limits.csv", lambda rows: [row.__setitem__(4, "9") for row in rows[1:] if row[2] == "sign"]
    )
    book()

    with transaction() as s:
        load(s, books)
        inside = limits.due(s, None, "sign", MONDAY).rule.amount
        outside = book().due(None, "sign", MONDAY).rule.amount
        s.rollback()

    assert (inside, outside) == (9, 4)
    assert book().due(None, "sign", MONDAY).rule.amount == 4


def test_without_books_nothing_is_promised(bare):
    with pytest.raises(Refusal, match=r"law\.no_limit"), reading() as s:
        limits.due(s, None, "handle", MONDAY)
    assert classifier.classify("楼道没有扶手").matter_code is None


def test_grounds_are_accepted_only_by_their_verbs(law):
    with reading() as s:
        with pytest.raises(Refusal, match=r"ground\.not_for_verb"):
            grounds.require(s, "not_in_duty", "decline")
        with pytest.raises(Refusal, match=r"ground\.unknown"):
            grounds.require(s, "because", "decline")
        with pytest.raises(Refusal, match=r"ground\.unknown"):
            grounds.require(s, "not_in_duty", "send_back", date(2019, 1, 1))
        assert {one.code for one in grounds.open_to(s, "designate")} == {"disputed_duty", "rounds_spent"}


def test_today_is_the_day_in_beijing():
    with at("2026-02-28T16:30:00+00:00"):
        assert edition.today() == date(2026, 3, 1)
