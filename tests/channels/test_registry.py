"""The registry of channels: who keeps it, who reads it, what is counted, who fell silent, what a key opens, what came over."""

import csv
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from shiyu.channels import actions, importing, mapping, queries, reading
from shiyu.channels.models import Channel, ChannelKey, DayCount
from shiyu.channels.seed import seed
from shiyu.kernel import clock, db
from shiyu.kernel.audit import Audit
from shiyu.kernel.auth import SYSTEM
from shiyu.kernel.errors import Refusal
from shiyu.kernel.events import Event
from tests.kit.people import Person, a_report, citizen, deliver, staff

LINE: dict[str, Any] = {"name": "供水服务热线", "name_en": "Water line", "kind": "phone", "number": "0412-5500000"}
READERS = ("system", "dispatcher", "supervisor")


@pytest.fixture
def admin(city: str) -> Person:
    """The system administrator."""
    return staff("system")


@pytest.fixture
def line(admin: Person) -> dict[str, Any]:
    """A registered channel of its own."""
    return admin.post("/api/channels", {"code": "water_line", **LINE})


def audited(action: str) -> int:
    """How often an act stands in the audit."""
    with db.reading() as s:
        return s.scalar(select(func.count()).select_from(Audit).where(Audit.action == action)) or 0


# --- who may what --------------------------------------------------------------------------------------------------------


def test_the_registry_of_the_demonstration_has_more_than_a_hundred_channels_with_their_offices(city: str) -> None:
    with db.transaction() as s:
        added = seed(s)
    with db.transaction() as s:
        again = seed(s)

    assert added > 100
    assert again == 0
    rows = staff("dispatcher").get("/api/channels", limit=200)["rows"]
    assert len(rows) == added
    by_code = {row["code"]: row for row in rows}
    assert by_code["hotline"]["number"] == "12345"
    assert by_code["line_12329"]["subject"] == "住房公积金咨询与投诉"
    assert by_code["line_12329"]["org"]["code"] == "210300-zhujian"
    assert not by_code["line_12329"]["synthetic"]
    assert by_code["secretary_mailbox"]["synthetic"]


def test_the_system_administrator_registers_a_channel_and_the_audit_knows(admin: Person) -> None:
    added = admin.post("/api/channels", {"code": "water_line", **LINE, "org": "210300-zhujian"}, status=201)

    assert added["state"] == "active"
    assert added["org"]["code"] == "210300-zhujian"
    assert added["can"] == ["pause", "retire"]
    assert admin.get("/api/channels/water_line") == added
    assert audited("channel.add") == 1
    with db.reading() as s:
        assert s.scalar(select(func.count()).where(Event.kind == "channel.added")) == 1


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"code": "Water"}, "code"),
        ({"code": "x"}, "code"),
        ({"kind": "smoke"}, "kind"),
        ({"name": ""}, "name"),
        ({"name_en": "x" * 101}, "name_en"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_a_channel_that_is_written_wrongly_is_refused_with_its_field(
    admin: Person, wrong: dict[str, Any], field: str
) -> None:
    refused = admin.post("/api/channels", {"code": "water_line", **LINE, **wrong}, status=422)

    assert [error["field"] for error in refused["errors"]] == [field]
    assert refused["errors"][0]["message"]["zh"]
    assert refused["errors"][0]["message"]["en"]


def test_a_code_that_is_taken_and_an_office_that_is_none_are_refused(admin: Person, line: dict[str, Any]) -> None:
    assert admin.post("/api/channels", {"code": "water_line", **LINE}, status=409)["code"] == "channel.code_taken"
    admin.post("/api/channels", {"code": "gas_line", **LINE, "org": "nowhere"}, status=404)


@pytest.mark.parametrize("username", ["dispatcher", "supervisor"])
def test_dispatchers_and_supervisors_read_and_change_nothing(line: dict[str, Any], username: str) -> None:
    reader = staff(username)

    shown = reader.get("/api/channels/water_line")
    assert (shown["can"], shown["manages"]) == ([], False)
    reader.get("/api/channels/water_line/counts")
    reader.get("/api/channels/water_line/errors")
    reader.get("/api/channels/water_line/mappings")
    reader.get("/api/channels/water_line/migrations")
    reader.get("/api/channels/water_line/keys", status=403)
    reader.post("/api/channels", {"code": "gas_line", **LINE}, status=403)
    reader.post("/api/channels/water_line", LINE, status=403)
    reader.post("/api/channels/water_line/pause", status=403)
    reader.post("/api/channels/water_line/keys", {"name": "x"}, status=403)
    reader.post("/api/channels/water_line/mappings", {"theirs": "A1", "matter": "010301"}, status=403)
    reader.post("/api/channels/water_line/migrations", {"source": "x", "rows": 0, "imported": 0}, status=403)
    reader.get("/api/open311/services/010301", status=403)
    reader.post("/api/open311/services/010301", {"offered": False}, status=403)


@pytest.mark.parametrize("username", ["agent", "handle.210302-zhujian", "security", "grid.2103020030041001"])
def test_nobody_else_sees_that_there_are_channels(line: dict[str, Any], username: str) -> None:
    other = staff(username)

    assert other.get("/api/channels") == {"rows": [], "next": None}
    assert other.get("/api/channels/summary") == {"active": 0, "paused": 0, "retired": 0, "silent": 0}
    assert other.get("/api/channels/water_line", status=404)["code"] == "channel.not_found"
    other.post("/api/channels/water_line/pause", status=404)


def test_who_is_not_signed_in_hears_so(line: dict[str, Any]) -> None:
    assert citizen().client.get("/api/channels").status_code == 401


def test_a_channel_is_edited_and_a_stale_screen_is_told_so(admin: Person, line: dict[str, Any]) -> None:
    edited = admin.post("/api/channels/water_line", {**LINE, "name": "供水热线", "version": line["version"]})

    assert (edited["name"], edited["version"]) == ("供水热线", 2)
    stale = admin.post("/api/channels/water_line", {**LINE, "version": line["version"]}, status=409)
    assert stale["code"] == "channel.stale"
    assert audited("channel.edit") == 1


def test_a_channel_is_paused_resumed_and_retired_and_then_stays_so(admin: Person, line: dict[str, Any]) -> None:
    assert admin.post("/api/channels/water_line/pause", {"reason": "检修"})["can"] == ["resume", "retire"]
    assert admin.post("/api/channels/water_line/pause", status=409)["code"] == "channel.wrong_state"
    assert admin.post("/api/channels/water_line/resume")["state"] == "active"
    assert admin.post("/api/channels/water_line/retire", status=422)["errors"][0]["field"] == "reason"
    ended = admin.post("/api/channels/water_line/retire", {"reason": "并入12345"})

    assert (ended["state"], ended["can"], ended["silent"], ended["silent_at"]) == ("retired", [], False, None)
    admin.post("/api/channels/water_line/resume", status=409)
    assert audited("channel.retire") == 1
    assert admin.get("/api/channels/summary") == {"active": 0, "paused": 0, "retired": 1, "silent": 0}


# --- the list ------------------------------------------------------------------------------------------------------------


def test_the_list_is_narrowed_and_paged_and_loses_nobody(admin: Person) -> None:
    with db.transaction() as s:
        seed(s)

    assert [row["code"] for row in admin.get("/api/channels", q="12329")["rows"]] == ["line_12329"]
    assert {row["kind"] for row in admin.get("/api/channels", kind="leader_mailbox", limit=200)["rows"]} == {
        "leader_mailbox"
    }
    assert admin.get("/api/channels", q="没有这样的渠道")["rows"] == []
    assert admin.get("/api/channels", state="paused")["rows"] == []
    seen, after = [], None
    while True:
        page = admin.get("/api/channels", limit=25, **({"after": after} if after else {}))
        seen += [row["code"] for row in page["rows"]]
        after = page["next"]
        if after is None:
            break
    with db.reading() as s:
        assert sorted(seen) == sorted(s.scalars(select(Channel.code)))
    admin.get("/api/channels", status=422, after="nonsense")
    admin.get("/api/channels", status=422, kind="smoke")


# --- counted and silent --------------------------------------------------------------------------------------------------


def test_every_accepted_case_is_counted_with_its_channel_and_day(admin: Person) -> None:
    with clock.at("2026-03-02 08:00"):
        admin.post("/api/channels", {"code": "portal", **LINE, "kind": "web"})
    for at in ("2026-03-02 23:30", "2026-03-03 00:30", "2026-03-03 09:00"):
        with clock.at(at):
            citizen().post("/api/public/reports", a_report())
    deliver()

    with clock.at("2026-03-03 10:00"):
        shown = staff("system").get("/api/channels/portal")
        days = staff("system").get("/api/channels/portal/counts", days=3)
    assert shown["heard_at"].startswith("2026-03-03T01:00:00")
    assert (shown["accepted"], shown["days"][-2:], len(shown["days"])) == (3, [1, 2], 30)
    assert [(day["day"], day["accepted"]) for day in days] == [
        ("2026-03-01", 0),
        ("2026-03-02", 1),
        ("2026-03-03", 2),
    ]


def test_a_case_of_a_channel_that_nobody_registered_is_taken_as_ever_and_counted_nowhere(city: str) -> None:
    desk = staff("dispatcher")

    desk.post("/api/reports", a_report(channel="pigeon_post"))
    deliver()

    with db.reading() as s:
        assert s.scalar(select(func.count()).select_from(DayCount)) == 0


def test_a_channel_falls_silent_after_several_times_its_own_usual_gap(admin: Person) -> None:
    begin = clock.parse("2026-03-02 08:00")
    with clock.at(begin), db.transaction() as s:
        for code in ("busy", "rare"):
            s.add(
                row := Channel(
                    code=code,
                    name=code,
                    name_en=code,
                    kind="phone",
                    silent_at=begin,
                    created_at=begin,
                    changed_at=begin,
                )
            )
            s.flush()
            row.silent_at = queries.silent_from(s, row)
    # ten days: every hour, and every other day
    for hour in range(0, 240, 1):
        at = begin + timedelta(hours=hour)
        with clock.at(at), db.transaction() as s:
            told = {("busy", clock.beijing(at).date()): (1, at)}
            actions.heard(s, told | ({("rare", clock.beijing(at).date()): (1, at)} if hour % 36 == 0 else {}))

    def silent(at: str) -> list[str]:
        with clock.at(at):
            return [row["code"] for row in staff("system").get("/api/channels", silent=True)["rows"]]

    # busy was last heard on 12 March at 07:00 and rare on 11 March at 08:00; law.thresholds: six gaps, a day at least
    assert silent("2026-03-13 06:59") == []
    assert silent("2026-03-13 07:01") == ["busy"]
    assert silent("2026-03-18 12:00") == ["busy"]
    assert silent("2026-03-20 12:00") == ["busy", "rare"]
    with clock.at("2026-03-20 12:00"):
        rows = staff("system").get("/api/channels")["rows"]
        assert [(row["code"], row["silent"]) for row in rows] == [("busy", True), ("rare", True)]
        assert staff("system").get("/api/channels/summary")["silent"] == 2


def test_a_channel_without_history_is_silent_after_the_default_and_never_while_paused(admin: Person) -> None:
    with clock.at("2026-03-02 08:00"):
        staff("system").post("/api/channels", {"code": "new_line", **LINE})
        staff("system").post("/api/channels", {"code": "resting", **LINE})
        staff("system").post("/api/channels/resting/pause")

    with clock.at("2026-04-01 07:00"):
        assert staff("system").get("/api/channels", silent=True)["rows"] == []
    with clock.at("2026-04-01 09:00"):
        keeper = staff("system")
        assert [row["code"] for row in keeper.get("/api/channels", silent=True)["rows"]] == ["new_line"]
        resumed = keeper.post("/api/channels/resting/resume")
        assert not resumed["silent"]
        assert resumed["silent_at"].startswith("2026-05-01")


# --- keys ----------------------------------------------------------------------------------------------------------------


def test_a_key_is_told_once_and_kept_as_a_digest(admin: Person, line: dict[str, Any]) -> None:
    made = admin.post("/api/channels/water_line/keys", {"name": "测试", "rate": 30}, status=201)

    assert made["secret"].startswith(made["prefix"] + "_")
    listed = admin.get("/api/channels/water_line/keys")
    assert [(key["id"], key["prefix"], key["rate"]) for key in listed] == [(made["id"], made["prefix"], 30)]
    assert "secret" not in listed[0]
    with db.reading() as s:
        row = s.scalars(select(ChannelKey)).one()
        assert made["secret"].encode() not in row.digest
        audits = s.scalars(select(Audit).where(Audit.action == "channel.key.make")).all()
    assert len(audits) == 1
    assert made["secret"] not in str(audits[0].data)


def test_a_revoked_key_and_the_keys_of_a_retired_channel_open_nothing(admin: Person, line: dict[str, Any]) -> None:
    first = admin.post("/api/channels/water_line/keys", {"name": "一"})
    second = admin.post("/api/channels/water_line/keys", {"name": "二"})

    admin.post(f"/api/channels/water_line/keys/{first['id']}/revoke")

    def opens(secret: str, kind: str = "phone") -> str:
        with db.reading() as s:
            try:
                queries.bearer(s, secret, kind)
            except Refusal as why:
                return why.code
        return "open"

    assert opens(first["secret"]) == "channel.key_unknown"
    assert opens(second["secret"]) == "open"
    assert opens(second["secret"], "open311") == "channel.key_unknown"
    assert (
        admin.post(f"/api/channels/water_line/keys/{first['id']}/revoke", status=409)["code"] == "channel.key_revoked"
    )
    admin.post("/api/channels/water_line/keys/00000000-0000-0000-0000-000000000000/revoke", status=404)
    assert admin.post("/api/channels/water_line", {**LINE, "kind": "web"}, status=409)["code"] == "channel.has_keys"
    admin.post("/api/channels/water_line/pause")
    assert opens(second["secret"]) == "channel.not_active"
    admin.post("/api/channels/water_line/retire", {"reason": "并入12345"})
    assert opens(second["secret"]) == "channel.key_unknown"
    assert admin.post("/api/channels/water_line/keys", {"name": "三"}, status=409)["code"] == "channel.retired"


# --- mapping and ledger --------------------------------------------------------------------------------------------------


def imported(path: Path, rows: list[list[str]], channel: str, dry: bool = False) -> importing.Tally:
    """A file of an old line, imported."""
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([["工单编号", "诉求内容", "事项编码"], *rows])
    source = reading.look(path)
    refused_to = path.with_suffix(".refused.csv")
    return importing.run(SYSTEM, source, mapping.guess(source.columns), channel, refused_to=refused_to, dry=dry)


def test_unknown_matters_of_a_file_are_listed_and_once_explained_they_are_taken(
    admin: Person, line: dict[str, Any], tmp_path: Path
) -> None:
    rows = [["W-1", "乐雪社区门口路灯不亮", "W001"], ["W-2", "乐雪社区水压低", "W002"], ["W-3", "又没水了", "W002"]]

    first = imported(tmp_path / "old.csv", rows, "water_line")

    assert (first.imported, first.refused) == (0, 3)
    unknown = admin.get("/api/channels/water_line/mappings")
    assert [(row["theirs"], row["missed"], row["matter"]) for row in unknown] == [("W002", 2, None), ("W001", 1, None)]
    admin.post("/api/channels/water_line/mappings", {"theirs": "W001", "matter": "010301", "name": "路灯"})
    assert admin.get("/api/channels/water_line/mappings")[-1]["matter"]["code"] == "010301"
    second = imported(tmp_path / "old.csv", rows, "water_line")
    assert (second.imported, second.refused) == (1, 2)
    cases = staff("dispatcher").get("/api/cases", box="mine_all")["rows"]
    assert [(case["channel"], case["matter"]["code"]) for case in cases] == [("water_line", "010301")]


def test_a_mapping_leads_to_a_third_level_matter_only_and_can_go(admin: Person, line: dict[str, Any]) -> None:
    for matter in ("999999", "010300"):
        refused = admin.post("/api/channels/water_line/mappings", {"theirs": "W1", "matter": matter}, status=422)
        assert refused["errors"][0]["field"] == "matter"
    row = admin.post("/api/channels/water_line/mappings", {"theirs": "W1", "matter": "010301"})

    assert admin.client.delete(f"/api/channels/water_line/mappings/{row['id']}").status_code == 204
    assert admin.client.delete(f"/api/channels/water_line/mappings/{row['id']}").status_code == 404
    assert admin.get("/api/channels/water_line/mappings") == []
    assert audited("channel.unmap") == 1


def test_what_came_over_stands_in_the_ledger_until_a_second_person_confirms_it(
    admin: Person, line: dict[str, Any], tmp_path: Path
) -> None:
    rows = [["W-1", "乐雪社区门口路灯不亮", ""], ["W-2", "", ""]]
    imported(tmp_path / "dry.csv", rows, "water_line", dry=True)
    imported(tmp_path / "old.csv", rows, "water_line")
    imported(tmp_path / "old.csv", rows, "unregistered")

    ledger = staff("supervisor").get("/api/channels/water_line/migrations")["rows"]

    counts = [(row["source"], row["rows"], row["imported"], row["refused"]) for row in ledger]
    assert counts == [("old.csv", 2, 1, 1)]
    path = f"/api/channels/water_line/migrations/{ledger[0]['id']}/confirm"
    staff("dispatcher").post(path, {"old_total": 2}, status=403)
    few = staff("supervisor").post(path, {"old_total": 0}, status=422)
    assert few["errors"][0]["field"] == "old_total"
    confirmed = staff("supervisor").post(path, {"old_total": 2})
    assert (confirmed["old_total"], confirmed["confirmed_name"], confirmed["can_confirm"]) == (2, "演示监督员", False)
    assert admin.post(path, {"old_total": 2}, status=409)["code"] == "channel.migration_confirmed"


def test_an_entry_by_hand_must_add_up_and_is_not_confirmed_by_who_wrote_it(admin: Person, line: dict[str, Any]) -> None:
    entry = {"source": "移交清单", "rows": 100, "imported": 90, "known": 4, "refused": 6, "old_total": 100}

    bad = admin.post("/api/channels/water_line/migrations", {**entry, "refused": 5}, status=422)
    written = admin.post("/api/channels/water_line/migrations", entry, status=201)

    assert bad["errors"][0]["field"] == "rows"
    assert not written["can_confirm"]
    path = f"/api/channels/water_line/migrations/{written['id']}/confirm"
    assert admin.post(path, {"old_total": 100}, status=403)["code"] == "channel.migration_own"
    assert staff("supervisor").post(path, {"old_total": 100})["confirmed_at"]
    assert (audited("channel.migration"), audited("channel.migration.confirm")) == (1, 1)
