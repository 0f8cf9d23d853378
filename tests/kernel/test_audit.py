"""留痕: what was written stays as it was written, or the verdict names the row."""

import threading
from contextlib import suppress
from uuid import UUID, uuid4

import pytest
from sqlalchemy import func, select, text

from shiyu.kernel import audit, clock, vault
from shiyu.kernel.audit import Audit, AuditSeal, Head, Sought, entries, head, record, record_reveal, seal_new, verify
from shiyu.kernel.auth import Grant, Viewer
from shiyu.kernel.config import settings
from shiyu.kernel.db import reading, transaction
from shiyu.kernel.errors import Refusal

AGENT = Viewer(UUID(int=7), "agent7", "坐席七号", ip="10.0.0.7")
AUDITOR = Viewer(UUID(int=9), "auditor", "审计员", (Grant("audit_admin"),))


@pytest.fixture(autouse=True)
def book(database, tmp_path, monkeypatch):
    with transaction() as s:
        s.execute(text("delete from kernel.data_key"))
    monkeypatch.setenv("SHIYU_DATA_DIR", str(tmp_path / "audit"))
    monkeypatch.setenv("SHIYU_VAULT_KEY", "00ff" * 16)
    settings.cache_clear()
    vault.forget()
    yield
    monkeypatch.undo()
    settings.cache_clear()
    vault.forget()


def written(count: int = 5) -> list[int]:
    """Rows, each with its own transaction; their numbers."""
    for number in range(count):
        with transaction() as s:
            record(s, AGENT, "reveal", f"reporter:{number}", "回拨核实", field="phone")
    with reading() as s:
        return list(s.scalars(select(Audit.seq).order_by(Audit.seq)))


def sealed(count: int = 5) -> list[int]:
    rows = written(count)
    with transaction() as s:
        assert seal_new(s) == count
    return rows


def tamper(sql: str, **values) -> None:
    with transaction() as s:
        assert s.execute(text(sql), values).rowcount >= 1


def verdict(kept: Head | None = None) -> audit.Verdict:
    with reading() as s:
        return verify(s, kept=kept)


def test_an_untouched_book_is_found_whole(database):
    sealed(5)
    heard = []

    with reading() as s:
        found = verify(s, heard.append)

    assert (found.ok, found.rows, found.first_bad, found.reason) == (True, 5, None, None)
    assert heard == [5]


def test_an_empty_book_is_whole(database):
    assert verdict().ok
    with reading() as s:
        assert head(s) is None


@pytest.mark.parametrize(
    "change",
    [
        "at = at - interval '1 microsecond'",
        "account_id = '00000000-0000-0000-0000-000000000008'",
        "account_id = null",
        "username = 'other'",
        "action = 'look'",
        "subject = 'reporter:99'",
        "subject = null",
        "reason = '无'",
        "outcome = 'refused'",
        "ip = '10.0.0.8'",
        "data = '{}'",
        "data = data || '{\"more\": 1}'",
        "mac = decode(repeat('00', 32), 'hex')",
    ],
)
def test_a_changed_column_is_named_with_its_row(database, change):
    rows = sealed()

    tamper(f"update kernel.audit set {change} where seq = :seq", seq=rows[2])

    found = verdict()
    assert (found.ok, found.rows, found.first_bad, found.reason) == (False, 2, rows[2], "changed")


def test_a_changed_transaction_id_shows(database):
    rows = sealed()

    tamper("update kernel.audit set xid = xid + 1 where seq = :seq", seq=rows[2])

    assert (verdict().ok, verdict().first_bad) == (False, rows[2])


def test_a_renumbered_row_shows(database):
    rows = sealed()

    tamper("update kernel.audit set seq = 999 where seq = :seq", seq=rows[2])

    assert (verdict().first_bad, verdict().reason) == (rows[2], "deleted")


def test_a_row_taken_over_from_another_shows(database):
    rows = sealed()

    tamper(
        "update kernel.audit a set (at, account_id, username, action, subject, reason, outcome, ip, data, mac) ="
        " (select at, account_id, username, action, subject, reason, outcome, ip, data, mac from kernel.audit where seq = :other)"
        " where seq = :seq",
        seq=rows[2],
        other=rows[1],
    )

    assert (verdict().ok, verdict().first_bad) == (False, rows[2])


def test_a_deleted_row_is_named(database):
    rows = sealed()

    tamper("delete from kernel.audit where seq = :seq", seq=rows[2])

    assert (verdict().first_bad, verdict().reason) == (rows[2], "deleted")


def test_a_row_deleted_with_its_seal_shows_at_the_next(database):
    rows = sealed()

    tamper("delete from kernel.audit where seq = :seq", seq=rows[2])
    tamper("delete from kernel.audit_seal where audit_seq = :seq", seq=rows[2])

    assert (verdict().first_bad, verdict().reason) == (rows[3], "deleted")


def test_closing_the_gap_of_a_deleted_row_does_not_help(database):
    rows = sealed()

    tamper("delete from kernel.audit where seq = :seq", seq=rows[2])
    tamper("delete from kernel.audit_seal where audit_seq = :seq", seq=rows[2])
    tamper("update kernel.audit_seal set position = 3 where position = 4")
    tamper("update kernel.audit_seal set position = 4 where position = 5")

    assert (verdict().first_bad, verdict().reason) == (rows[3], "reordered")


def test_swapped_rows_show(database):
    rows = sealed()

    tamper("update kernel.audit_seal set audit_seq = -1 where position = 2")
    tamper("update kernel.audit_seal set audit_seq = :seq where position = 3", seq=rows[1])
    tamper("update kernel.audit_seal set audit_seq = :seq where position = 2", seq=rows[2])

    assert (verdict().ok, verdict().first_bad, verdict().reason) == (False, rows[2], "reordered")


def test_a_changed_seal_shows(database):
    rows = sealed()

    tamper("update kernel.audit_seal set digest = decode(repeat('00', 32), 'hex') where audit_seq = :seq", seq=rows[4])

    assert (verdict().ok, verdict().first_bad) == (False, rows[4])


def test_an_end_cut_off_with_its_seals_shows_by_a_head_kept_outside(database):
    rows = sealed()
    with reading() as s:
        kept = Head.parse(str(head(s)))

    tamper("delete from kernel.audit where seq >= :seq", seq=rows[3])
    tamper("delete from kernel.audit_seal where audit_seq >= :seq", seq=rows[3])

    assert verdict().ok  # the database alone cannot know
    found = verdict(kept)
    assert (found.ok, found.rows, found.reason) == (False, 3, "cut")


def test_an_end_cut_off_shows_by_the_log_of_heads(database):
    rows = sealed()
    with transaction() as s:
        seal_new(s)

    tamper("delete from kernel.audit where seq >= :seq", seq=rows[3])
    tamper("delete from kernel.audit_seal where audit_seq >= :seq", seq=rows[3])

    assert verdict().reason == "cut"


def test_a_chain_written_anew_differs_from_the_head_kept(database):
    rows = sealed()
    with reading() as s:
        kept = head(s)

    tamper("delete from kernel.audit where seq = :seq", seq=rows[1])
    tamper("delete from kernel.audit_seal")
    written(1)
    with transaction() as s:
        seal_new(s)

    assert verdict().ok
    assert (verdict(kept).ok, verdict(kept).reason) == (False, "rewritten")


def test_a_row_slipped_in_is_named_before_and_after_its_seal(database):
    sealed()

    tamper(
        "insert into kernel.audit (seq, at, username, action, outcome, data, mac)"
        " values (1000, now(), 'agent7', 'reveal', 'done', '{}', decode(repeat('00', 32), 'hex'))"
    )

    assert (verdict().first_bad, verdict().reason) == (1000, "inserted")
    with transaction() as s:
        seal_new(s)
    assert (verdict().ok, verdict().first_bad) == (False, 1000)


def test_a_copy_of_a_row_under_another_number_is_named(database):
    rows = sealed()

    tamper(
        "insert into kernel.audit (seq, at, account_id, username, action, subject, reason, outcome, ip, data, mac)"
        " select 1000, at, account_id, username, action, subject, reason, outcome, ip, data, mac"
        " from kernel.audit where seq = :seq",
        seq=rows[0],
    )

    assert (verdict().ok, verdict().first_bad) == (False, 1000)


def test_a_row_altered_before_its_seal_is_named(database):
    rows = written(3)
    tamper("update kernel.audit set reason = '无' where seq = :seq", seq=rows[1])

    with transaction() as s:
        seal_new(s)

    assert (verdict().first_bad, verdict().reason) == (rows[1], "changed")


def test_a_row_kept_from_its_seal_is_named(database):
    sealed(2)
    late = written(1)[-1]

    tamper("update kernel.audit set xid = 3 where seq = :seq", seq=late)
    with transaction() as s:
        assert seal_new(s) == 0

    assert (verdict().first_bad, verdict().reason) == (late, "left_out")


def test_rows_without_a_seal_yet_are_no_fault(database):
    sealed(2)
    written(2)

    assert (verdict().ok, verdict().rows) == (True, 2)


@pytest.mark.parametrize("seals", [0, 3])
def test_a_late_commit_is_sealed_later_and_never_skipped(database, seals):
    if seals:
        sealed(seals)

    with transaction() as slow:
        record(slow, AGENT, "slow")
        with transaction() as fast:
            record(fast, AGENT, "fast")
        with transaction() as s:
            assert seal_new(s) == 0  # the slow one may still come before it

    with transaction() as s:
        assert seal_new(s) == 2
    with reading() as s:
        order = select(Audit.action).join(AuditSeal, AuditSeal.audit_seq == Audit.seq).order_by(AuditSeal.position)
        assert list(s.scalars(order))[seals:] == ["slow", "fast"]
    assert verdict().ok


def test_a_number_drawn_early_and_written_late_is_not_skipped(database):
    written(1)  # the first number of a sequence takes a transaction id, the next ones do not

    with transaction() as slow:
        row = select(Audit.seq).where(Audit.action == "slow")
        drawn = slow.scalar(select(audit.audit_seq.next_value()))
        written(3)
        with transaction() as s:
            assert seal_new(s) == 4
        slow.execute(text("select setval('kernel.audit_seq', :early, false)"), {"early": drawn})
        record(slow, AGENT, "slow")
        assert slow.scalar(row) == drawn

    with transaction() as s:
        assert seal_new(s) == 1
    assert verdict() == audit.Verdict(True, 5)


def test_what_is_rolled_back_leaves_no_row_and_no_fault(database):
    with suppress(RuntimeError), transaction() as s:
        record(s, AGENT, "reveal")
        raise RuntimeError
    sealed(2)

    assert verdict() == audit.Verdict(True, 2)


def test_after_a_restore_into_a_younger_server_nothing_is_left_unsealed(database):
    written(3)
    tamper("update kernel.audit set xid = xid + 1000000000000")  # as a dump of an older server brings them

    with transaction() as s:
        assert seal_new(s, limit=2) == 2
    written(2)
    with transaction() as s:
        assert seal_new(s) == 3
    written(1)
    with transaction() as s:
        assert seal_new(s) == 1

    assert verdict() == audit.Verdict(True, 6)


def test_sealing_goes_in_batches(database):
    written(5)

    done = []
    for _ in range(4):
        with transaction() as s:
            done.append(seal_new(s, limit=2))

    assert done == [2, 2, 1, 0]
    assert verdict() == audit.Verdict(True, 5)


def test_two_workers_sealing_at_once_make_one_chain(database):
    written(20)

    def work() -> None:
        for _ in range(5):
            with transaction() as s:
                seal_new(s, limit=3)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert verdict() == audit.Verdict(True, 20)


def test_heads_are_noted_once_a_minute_and_only_after_the_commit(database):
    with clock.at("2026-02-24 09:00:00"):
        sealed(1)
        assert not audit.heads_path().exists()
        with transaction() as s:
            seal_new(s)
    with clock.at("2026-02-24 09:00:59"):
        sealed(1)
        with transaction() as s:
            seal_new(s)
    assert len(audit.heads_path().read_text().splitlines()) == 1
    with clock.at("2026-02-24 09:01:00"), transaction() as s:
        seal_new(s)

    lines = audit.heads_path().read_text().splitlines()
    with reading() as s:
        assert lines[1] == f"2026-02-24T01:01:00+00:00 {head(s)}"
    assert [line.split()[1] for line in lines] == ["1", "2"]
    assert verdict().ok


def test_a_sealing_rolled_back_notes_no_head(database):
    written(2)

    with suppress(RuntimeError), transaction() as s:
        seal_new(s, limit=1)
        seal_new(s, limit=1)
        raise RuntimeError

    assert not audit.heads_path().exists()
    assert verdict().ok


def test_a_line_torn_by_a_power_cut_is_passed_over(database):
    with clock.at("2026-02-24 09:00"):
        sealed(1)
        with transaction() as s:
            seal_new(s)
    with audit.heads_path().open("a") as file:
        file.write("2026-02-24T01:00:30+00:00 1")
    with clock.at("2026-02-24 09:05"):
        sealed(1)
        with transaction() as s:
            seal_new(s)

    assert len(audit.heads_path().read_text().splitlines()) == 3
    assert verdict() == audit.Verdict(True, 2)


def test_a_reveal_needs_a_reason(database):
    with transaction() as s:
        record_reveal(s, AGENT, "reporter:1", " 回拨核实 ", ["phone"])
        with pytest.raises(Refusal) as caught:
            record_reveal(s, AGENT, "reporter:1", "  ", ["phone"])

    assert (caught.value.status, caught.value.field) == (422, "reason")
    with reading() as s:
        row = s.scalars(select(Audit)).one()
    assert (row.action, row.subject, row.reason, row.data) == (
        "reveal",
        "reporter:1",
        "回拨核实",
        {"fields": ["phone"]},
    )
    assert (row.account_id, row.username, row.ip, row.outcome) == (AGENT.id, "agent7", "10.0.0.7", "done")


def test_numbers_of_people_are_masked_in_a_reason_and_codes_are_kept(database):
    with transaction() as s:
        record(s, AGENT, "look", reason="13800000000来电，abc@163.com", code="210302001001007")

    with reading() as s:
        row = s.scalars(select(Audit)).one()
    assert (row.reason, row.data) == ("138****0000来电，a***@163.com", {"code": "210302001001007"})


def test_values_of_every_kind_come_back_as_they_were_authenticated(database):
    odd = {
        "whole": 2**62,
        "huge": 2**80,
        "part": 1.10,
        "big": 1e16,
        "yes": True,
        "none": None,
        "id": uuid4(),
        "nul": "a\0b",
        "": {},
    }

    with transaction() as s:
        record(s, AGENT, "set", **odd)
        record(s, Viewer(None), "set", moment=clock.now(), several=("a", 1))

    with transaction() as s:
        seal_new(s)
    assert verdict() == audit.Verdict(True, 2)


def test_only_the_audit_administrator_reads_the_book(database):
    with reading() as s, pytest.raises(Refusal) as caught:
        entries(s, AGENT)

    assert (caught.value.code, caught.value.status) == ("auth.forbidden", 403)


def test_the_book_is_read_newest_first_page_by_page(database):
    rows = written(5)

    with reading() as s:
        first = entries(s, AUDITOR, limit=2)
        second = entries(s, AUDITOR, after=first.next, limit=2)
        last = entries(s, AUDITOR, after=second.next, limit=2)

    assert [row.seq for page in (first, second, last) for row in page.rows] == rows[::-1]
    assert last.next is None


def test_the_book_is_searched_by_who_what_and_when(database):
    with clock.at("2026-02-24 09:00"), transaction() as s:
        record(s, AGENT, "reveal", "reporter:1")
    with clock.at("2026-02-25 09:00"), transaction() as s:
        record(s, AUDITOR, "sign_in", outcome="refused")

    def found(**wanted) -> list[str]:
        with reading() as s:
            return [row.action for row in entries(s, AUDITOR, Sought(**wanted)).rows]

    assert found(account_id=AGENT.id) == found(username="agent7") == found(subject="reporter:1") == ["reveal"]
    assert found(action="sign_in") == found(outcome="refused") == ["sign_in"]
    assert found(since=clock.parse("2026-02-25")) == ["sign_in"]
    assert found(until=clock.parse("2026-02-25")) == ["reveal"]
    assert found(action="reveal", outcome="refused") == []


def test_no_row_of_the_book_is_ever_updated(database):
    sealed(3)

    with reading() as s:
        written_once = s.scalar(
            select(func.count()).select_from(Audit).where(text("xmax = 0 and xmin::text = (xid % 4294967296)::text"))
        )

    assert written_once == 3
