"""What comes over the wire wrong: each fault is named in Chinese and English, with its field; nothing answers 5xx."""

import io
import json
import zlib
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from fastapi.testclient import TestClient
from PIL import Image

from shiyu.kernel import clock, db
from shiyu.kernel.config import settings
from tests.cases.cast import LEAD, OFFICE, PHONE, Cast, at_an_address, bring, quick_passwords
from tests.kit import postgres
from tests.kit.people import HANDRAIL, app

LONG = "长" * 5001
NAN, INFINITE = float("nan"), float("inf")


@pytest.fixture(scope="module")
def cast(cluster: postgres.Cluster, city_template: str) -> Iterator[Cast]:
    """The people of this file's city, which its tests share."""
    with postgres.copy_of(cluster, city_template) as url:
        db.bind(url)
        with quick_passwords():
            yield Cast()
        db.unbind()


def a_report(**more: Any) -> dict[str, Any]:
    return {"key": str(uuid4()), "text": HANDRAIL, "phone": PHONE, **more}


def raw(client: TestClient, path: str, content: bytes, kind: str = "application/json") -> Any:
    return client.post(path, content=content, headers={"Content-Type": kind})


def send(body: Any, path: str = "/api/public/reports") -> Any:
    """The body as JSON, also with what JSON may say though Python would not: NaN, half surrogates."""
    return raw(at_an_address(), path, json.dumps(body).encode())


def faults(answer: Any, status: int = 422) -> dict[str, str]:
    """The fields at fault with their codes; each must speak both languages."""
    assert answer.status_code == status, answer.text
    body = answer.json()
    assert answer.headers["content-type"] == "application/problem+json"
    assert body["status"] == status
    assert body["request_id"]
    for said in [body["message"], *(one["message"] for one in body["errors"])]:
        assert any("\u4e00" <= c <= "\u9fff" for c in said["zh"]), said
        assert said["en"]
        assert not any("\u4e00" <= c <= "\u9fff" for c in said["en"]), said
        assert "{" not in said["zh"] + said["en"].replace("{field}", ""), said
    return {one["field"]: one["code"] for one in body["errors"]}


# --- a citizen's report ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("more", "field", "code"),
    [
        ({"text": 5}, "text", "input.wrong_type"),
        ({"text": None}, "text", "input.wrong_type"),
        ({"text": ["a"]}, "text", "input.wrong_type"),
        ({"text": "四个字啊"}, "text", "input.too_short"),
        ({"text": "    \n\t    "}, "text", "input.too_short"),
        ({"text": LONG}, "text", "input.too_long"),
        ({"text": "扶手缺失\x00请安装"}, "text", "input.bad_character"),
        ({"text": "扶手缺失\x07请安装"}, "text", "input.bad_character"),
        ({"text": "扶手缺失\ud800请安装"}, "text", "input.bad_character"),
        ({"text": "扶手缺失\udfff请安装"}, "text", "input.bad_character"),  # noqa: PT014 - the other half
        ({"name": "王\x1b[31m"}, "name", "input.bad_character"),
        ({"name": "王" * 51}, "name", "input.too_long"),
        ({"address": "路" * 201}, "address", "input.too_long"),
        ({"surprise": 1}, "surprise", "input.unknown_field"),
        ({"sur\ud800prise": 1}, None, None),
        ({"key": "no-uuid"}, "key", "input.wrong_type"),
        ({"key": None}, "key", "input.wrong_type"),
        ({"phone": "call me"}, "phone", "input.pattern"),
        ({"phone": "-------"}, "phone", "input.pattern"),
        ({"phone": "১২৩৪৫৬৭৮৯০"}, "phone", "input.pattern"),
        ({"phone": "1" * 21}, "phone", "input.too_long"),
        ({"phone": None}, "phone", "case.phone_or_anonymous"),
        ({"kind": "gossip"}, "kind", "input.choice"),
        ({"matter": "12345"}, "matter", "input.pattern"),
        ({"matter": "999999"}, "matter", "case.no_matter"),
        ({"anonymous": "maybe"}, "anonymous", "input.wrong_type"),
        ({"files": ["x"]}, "files.0", "input.wrong_type"),
        ({"files": "x"}, "files", "input.wrong_type"),
        ({"files": [str(uuid4())] * 7}, "files", "input.too_many"),
        ({"position": [123.0, 41.1]}, "position", "input.wrong_type"),
        ({"position": {"lon": 123.0}}, "position.lat", "input.missing"),
        ({"position": {"lon": "east", "lat": 41.1}}, "position.lon", "input.wrong_type"),
        ({"position": {"lon": 123.0, "lat": 91}}, "position.lat", "input.range"),
        ({"position": {"lon": NAN, "lat": 41.1}}, "position.lon", None),
        ({"position": {"lon": INFINITE, "lat": 41.1}}, "position.lon", None),
        ({"position": {"lon": 123.0, "lat": -INFINITE}}, "position.lat", None),
        ({"position": {"lon": 123.0, "lat": 41.1, "accuracy": NAN}}, "position.accuracy", None),
        ({"position": {"lon": 123.0, "lat": 41.1, "frame": "mars"}}, "position.frame", "input.choice"),
        ({"position": {"lon": 116.4, "lat": 39.9}}, "position", "case.outside_city"),
        ({"position": {"lon": 0, "lat": 0}}, "position", "case.outside_city"),
        ({"position": {"lon": 180, "lat": 90, "frame": "bd09"}}, "position", "case.outside_city"),
        ({"position": {"lon": -180, "lat": -90, "frame": "gcj02"}}, "position", "case.outside_city"),
    ],
)
def test_a_fault_in_a_report_is_named(cast, more, field, code):
    found = faults(send(a_report(**more)))

    assert field is None or field in found
    assert code is None or found[field] == code


def test_every_fault_of_a_report_is_told_at_once(cast):
    found = faults(send({"text": "短", "phone": "x", "position": {"lon": 500, "lat": 0}, "other": 1}))

    assert set(found) == {"key", "text", "phone", "position.lon", "other"}


@pytest.mark.parametrize(
    "text",
    [
        "换行\n和制表\t也可以写进诉求",
        "😀扶手缺失请尽快安装",
        "e\u0301 组合字符与全角ＡＢＣ",
        "\u202e从右到左的文字也能保存",
    ],
)
def test_unusual_but_lawful_text_is_taken_as_it_is(cast, text):
    told = send(a_report(text=text))
    assert told.status_code == 201
    mine = send({"no": told.json()["no"], "token": told.json()["token"]}, "/api/public/track").json()

    assert mine["text"] == text


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"not json", b"\xff\xfe\x00", b'{"text": "\xff"}', b"[" * 100_000, b'{"a":' * 50_000, b"1" * 5000],
)
def test_what_is_no_json_is_told_so(cast, content):
    assert faults(raw(at_an_address(), "/api/public/reports", content))


@pytest.mark.parametrize("content", [b"[]", b"null", b"5", b'"text"', b"true"])
def test_json_that_is_no_object_is_told_so(cast, content):
    assert faults(raw(at_an_address(), "/api/public/reports", content))


def test_another_kind_of_content_is_told_so(cast):
    assert faults(raw(at_an_address(), "/api/public/reports", b"<xml/>", "text/xml"))


def test_a_huge_body_is_refused_before_it_is_read(cast):
    body = json.dumps(a_report(text="a" * (settings().max_body_bytes + 10))).encode()
    answer = raw(at_an_address(), "/api/public/reports", body)
    faults(answer, 413)

    assert answer.json()["code"] == "web.too_large"
    assert str(settings().max_body_bytes // 2**20) in answer.json()["message"]["zh"]


def test_a_huge_body_that_hides_its_length_is_refused_too(cast):
    def pieces() -> Iterator[bytes]:
        for _ in range(settings().max_body_bytes // 65536 + 2):
            yield b" " * 65536

    answer = at_an_address().post("/api/public/reports", content=pieces(), headers={"Content-Type": "application/json"})

    faults(answer, 413)


def test_a_length_that_is_no_number_is_no_fault_of_ours(cast):
    client = TestClient(app(), client=("10.9.9.9", 1), raise_server_exceptions=False)

    assert (
        client.post(
            "/api/public/reports", content=b"{}", headers={"Content-Length": "many", "Content-Type": "application/json"}
        ).status_code
        < 500
    )


# --- files -------------------------------------------------------------------------------------------------------------


def picture(width: int = 40, height: int = 30) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (width, height), "green").save(out, "PNG")
    return out.getvalue()


def bomb() -> bytes:
    """A picture of 60,000 by 60,000 pixels in a few kilobytes."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return len(data).to_bytes(4) + kind + data + zlib.crc32(kind + data).to_bytes(4)

    head = (60_000).to_bytes(4) * 2 + bytes([8, 2, 0, 0, 0])
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", zlib.compress(bytes(100_000)))
        + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize(
    ("name", "content", "status", "code"),
    [
        ("照片.jpg", b"this is no picture", 415, "file.type_refused"),
        ("照片.jpg", b"\xff\xd8\xff\xe0 nothing more", 422, "file.not_an_image"),
        ("照片.png", picture()[:60], 422, "file.not_an_image"),
        ("照片.png", bomb(), 422, "file.bomb"),
        ("空.png", b"", 422, "file.empty"),
        ("x.exe", b"MZ" + bytes(100), 415, "file.type_refused"),
        ("x.svg", b"<svg onload='alert(1)'/>", 415, "file.type_refused"),
        ("x.html", b"<!doctype html><script>", 415, "file.type_refused"),
        ("x.docx", b"PK\x03\x04 broken", 422, "file.damaged"),
    ],
)
def test_a_file_that_is_not_what_it_should_be_is_told_so(cast, name, content, status, code):
    answer = at_an_address().post("/api/public/files", files={"file": (name, content, "image/jpeg")})

    assert faults(answer, status) == {"file": code}


def test_a_file_that_is_too_large_is_told_the_limit(cast, monkeypatch):
    monkeypatch.setattr(settings(), "max_upload_bytes", 1000)
    answer = at_an_address().post(
        "/api/public/files", files={"file": ("a.png", picture(400, 400) + bytes(2000), "image/png")}
    )

    assert faults(answer, 413)
    answer = at_an_address().post("/api/public/files", files={"file": ("a.png", bytes(100_000), "image/png")})
    assert faults(answer, 413) == {}


@pytest.mark.parametrize(
    "name",
    [
        "../../etc/passwd.png",
        "a\\b\\c.png",
        ".png",
        "名" * 400 + ".png",
        "a\r\nX-Evil: 1.png",
        "con.png",
        "\u202egnp.exe.png",
    ],
)
def test_a_file_name_is_only_a_name(cast, name):
    answer = at_an_address().post("/api/public/files", files={"file": (name, picture(), "image/png")})

    assert answer.status_code == 201
    kept = answer.json()["name"]
    assert kept.endswith(".png")
    assert len(kept) <= 130
    assert not set(kept) & set("/\\\r\n\u202e")


@pytest.mark.parametrize("form", [{}, {"file": "text"}, {"other": "x"}])
def test_an_upload_without_a_file_names_the_field(cast, form):
    assert "file" in faults(at_an_address().post("/api/public/files", data=form))


def test_an_upload_that_is_no_form_is_told_so(cast):
    answer = raw(at_an_address(), "/api/public/files", b"--x\r\nbroken", "multipart/form-data; boundary=x")

    assert faults(answer)


# --- the desk ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"box": "lost"}, "box"), ({"state": "asleep"}, "state"), ({"kind": "x"}, "kind"), ({"matter": "abc"}, "matter"), ({"area": "000000"}, "area"),
        ({"org": "nobody"}, "org"), ({"light": "blue"}, "light"), ({"urgency": "x"}, "urgency"), ({"q": "长" * 101}, "q"), ({"from": "yesterday"}, "from"),
        ({"from": "2026-02-30"}, "from"), ({"to": "x"}, "to"), ({"sort": "size"}, "sort"), ({"limit": 0}, "limit"), ({"limit": 201}, "limit"), ({"limit": "all"}, "limit"),
        ({"after": "x"}, "after"), ({"after": "不是"}, "after"), ({"after": "WzEsMl0="}, "after"), ({"after": "WyIyMDI2LTAxLTAxVDAwOjAwOjAwIiwgN10="}, "after"),
    ],
)  # fmt: skip
def test_a_wrong_filter_is_named(cast, query, field):
    answer = cast("dispatcher").client.get("/api/cases", params=query)

    assert field in faults(answer)


@pytest.mark.parametrize(
    "query",
    [
        {"to": "9999-12-31"}, {"from": "0001-01-01"}, {"from": "9999-12-31"}, {"to": "0001-01-01"}, {"q": "\x00"}, {"q": "%"}, {"q": "'; drop table"}, {"q": "２０２６１２３４"},
        {"q": "7777777777777777777777777777"}, {"q": "١٢٣٤٥٦٧"}, {"q": "-1"}, {"q": "#"}, {"channel": "\x00"}, {"channel": "x"}, {"area": "210300"}, {"org": "\x00"}, {"area": "\x00"},
        {"after": "W251bGwsbnVsbF0="}, {"matter": "00"}, {"q": "AS-"},
    ],
)  # fmt: skip
@pytest.mark.parametrize("path", ["/api/cases", "/api/cases/counts", "/api/cases/export"])
def test_no_filter_is_a_fault_of_ours(cast, query, path):
    client = cast("dispatcher").client
    for who in (client, cast(OFFICE).client):
        assert who.get(path, params=query).status_code < 500


@pytest.mark.parametrize(
    "no", ["AS-2026-999999", "%00", "x" * 5000, "..%2f..", "不存在", "' or 1=1", "%ff%fe", "counts2"]
)
def test_an_unknown_number_is_404(cast, no):
    answer = cast("dispatcher").client.get(f"/api/cases/{no}")

    assert answer.status_code in (404, 422)
    assert answer.json()["message"]["zh"]


def test_an_unknown_address_and_a_wrong_method_speak_too(cast):
    client = at_an_address()
    found = [client.get("/api/nowhere"), client.delete("/api/public/track"), client.get("/api/public/reports")]

    assert [one.status_code for one in found] == [404, 405, 405]
    for one in found:
        faults(one, one.status_code)


def test_an_unknown_verb_is_404(cast):
    no = cast.report()["no"]

    assert cast("dispatcher").client.post(f"/api/cases/{no}/explode", json={}).status_code in (404, 405)
    assert cast("dispatcher").client.post(f"/api/cases/{no}/close", json={}).status_code in (404, 405)


def test_a_stale_screen_is_shown_the_present_case_and_nothing_is_lost(cast):
    no = cast.in_state("handling")["no"]
    shown = cast.case(no, OFFICE)
    cast.act("dispatcher", no, "note", text="补充说明。")

    stale = cast.act(OFFICE, no, "reply", 409, version=shown["version"], text="已办理。")
    faults_of = stale["errors"]

    assert (stale["code"], faults_of) == ("case.stale", [])
    assert no in stale["message"]["zh"]
    assert stale["now"] == cast.case(no, OFFICE)
    assert cast.act(OFFICE, no, "reply", version=stale["now"]["version"], text="已办理。")["state"] == "replied"


def test_a_wrong_state_is_shown_the_present_case_too(cast):
    no = cast.in_state("handling")["no"]

    refused = cast.act(OFFICE, no, "sign", 409)

    assert refused["code"] == "case.wrong_state"
    assert refused["now"]["state"] == "handling"


def test_a_wrong_role_is_403(cast):
    no = cast.in_state("handling")["no"]

    refused = cast.act("supervisor", no, "reply", 403, text="x")

    assert (refused["code"], refused["now"]) == ("case.not_yours", None)
    assert refused["message"]["zh"]
    assert refused["message"]["en"]


def test_two_who_act_at_once_do_not_overwrite_each_other(cast):
    import threading

    no = cast.in_state("dispatched")["no"]
    version = cast.case(no)["version"]
    cast(OFFICE)
    people = [cast(OFFICE), cast("dispatcher")]
    told: list[int] = []
    gate = threading.Barrier(2)

    def act(at: int) -> None:
        gate.wait(30)
        verb, body = (("sign", {}), ("note", {"text": "说明"}))[at]
        told.append(people[at].client.post(f"/api/cases/{no}/{verb}", json={"version": version, **body}).status_code)

    threads = [threading.Thread(target=act, args=(at,)) for at in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(told) == [200, 409]
    assert cast.case(no)["version"] == version + 1


WRONG_BODIES: list[tuple[str, str, dict[str, Any], str]] = [
    ("registered", "dispatch", {}, "lead_org"),
    ("registered", "dispatch", {"lead_org": "nobody"}, "lead_org"),
    ("registered", "dispatch", {"lead_org": "a\ud800"}, "lead_org"),
    ("registered", "dispatch", {"lead_org": LEAD, "assist_orgs": ["nobody"]}, "assist_orgs"),
    ("registered", "dispatch", {"lead_org": LEAD, "assist_orgs": ["\x00"]}, "assist_orgs"),
    ("registered", "dispatch", {"lead_org": LEAD, "assist_orgs": ["\ud800"]}, "assist_orgs.0"),
    ("registered", "dispatch", {"lead_org": LEAD, "assist_orgs": [LEAD] * 21}, "assist_orgs"),
    ("registered", "dispatch", {"lead_org": LEAD, "urgency": "later"}, "urgency"),
    ("registered", "dispatch", {"lead_org": LEAD, "version": "new"}, "version"),
    ("registered", "dispatch", {"lead_org": LEAD, "version": 0}, "version"),
    ("registered", "decline", {"ground": "whim", "text": "不办"}, "ground"),
    ("registered", "decline", {"ground": "complex", "text": "不办"}, "ground"),
    ("registered", "decline", {"ground": "unlawful"}, "text"),
    ("registered", "decline", {"ground": "unlawful", "text": "   "}, "text"),
    ("registered", "transfer", {"to": "999"}, "to"),
    ("registered", "split", {"parts": [{"text": "只有一个部分。"}]}, "parts"),
    ("registered", "split", {"parts": [{"text": "第一个部分。"}, {"text": "短"}]}, "parts.1.text"),
    ("registered", "split", {"parts": [{"text": "第一个部分。"}, {"text": "第二个\x00部分。"}]}, "parts.1.text"),
    ("registered", "split", {"parts": [{"text": "第一个部分。"}, {"text": "第二个部分。", "matter": "999999"}]}, "matter"),
    ("registered", "reclassify", {"matter": "999999"}, "matter"),
    ("registered", "reclassify", {"matter": "街灯"}, "matter"),
    ("registered", "relocate", {}, "address"),
    ("registered", "relocate", {"area": "000000"}, "area"),
    ("registered", "relocate", {"position": {"lon": 116.4, "lat": 39.9}}, "position"),
    ("registered", "relocate", {"address": "火星基地一号"}, "address"),
    ("handling", "suspend", {"ground": "needs_budget", "text": "计划", "review_on": "2000-01-01"}, "review_on"),
    ("handling", "suspend", {"ground": "needs_budget", "text": "计划", "review_on": "soon"}, "review_on"),
    ("handling", "reply", {"text": LONG}, "text"),
    ("handling", "reply", {"text": "已办", "surprise": 1}, "surprise"),
    ("handling", "contact", {"text": "已联系", "reached": "perhaps"}, "reached"),
    ("replied", "call_back", {"result": "maybe"}, "result"),
    ("replied", "call_back", {"result": "reached"}, "solved"),
    ("replied", "call_back", {"result": "reached", "solved": True}, "satisfied"),
    ("replied", "call_back", {"result": "reached", "solved": True, "satisfied": 6}, "satisfied"),
    ("replied", "call_back", {"result": "reached", "solved": "yes please", "satisfied": 5}, "solved"),
]  # fmt: skip


@pytest.fixture(scope="module")
def standing(cast: Cast) -> dict[str, str]:
    """A case in each of the states that wrong bodies are sent to."""
    with clock.at("2026-03-02 09:00"):
        return {state: cast.in_state(state)["no"] for state in ("registered", "handling", "replied")}


@pytest.mark.parametrize(("state", "verb", "body", "field"), WRONG_BODIES)
def test_what_a_verb_cannot_use_is_named(cast, standing, state, verb, body, field):
    who = {"handling": "dispatcher" if verb == "suspend" else OFFICE, "replied": "caller"}.get(state, "dispatcher")

    answer = raw(cast(who).client, f"/api/cases/{standing[state]}/{verb}", json.dumps(body).encode())

    assert field in faults(answer)


def test_nothing_that_was_refused_changed_a_case(cast, standing):
    assert {state: cast.case(no)["state"] for state, no in standing.items()} == {state: state for state in standing}


def test_the_day_of_review_may_lie_at_the_end_of_time(cast):
    with clock.at("2026-03-02 09:00"):
        no = cast.in_state("handling")["no"]

        answer = cast("dispatcher").client.post(
            f"/api/cases/{no}/suspend", json={**bring("suspend", {}), "review_on": "9999-12-31"}
        )

        assert answer.status_code in (200, 422)
        assert cast("dispatcher").client.get("/api/cases", params={"sort": "due", "limit": 1}).status_code == 200


@pytest.mark.parametrize(
    "phone", ["1380412", "-------", "ABCDEFG", "１３８０４１２０００１", "\x00\x00\x00\x00\x00\x00\x00\x00"]
)
def test_any_telephone_may_be_looked_up(cast, phone):
    assert cast("agent").client.get("/api/callers", params={"phone": phone}).status_code in (200, 422)


# --- every answer ------------------------------------------------------------------------------------------------------


def test_every_answer_carries_the_safe_headers_and_a_number(cast):
    for answer in (
        at_an_address().get("/api/words"),
        at_an_address().get("/api/nowhere"),
        at_an_address().get("/healthz"),
    ):
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "default-src 'self'" in answer.headers["content-security-policy"]
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
        assert answer.headers["x-request-id"]
    assert cast("dispatcher").client.get("/api/cases").headers["cache-control"] == "no-store"


def test_a_fault_of_ours_says_nothing_of_the_inside(cast, monkeypatch):
    from shiyu.cases import queries

    monkeypatch.setattr("structlog.dev.ConsoleRenderer.__call__", lambda *_: "")

    def breaks(*_: Any, **__: Any) -> None:
        raise RuntimeError("secret of the inside")

    monkeypatch.setattr(queries, "listing", breaks)
    person = cast("dispatcher")
    client = TestClient(
        app(), base_url="http://shiyu.test", raise_server_exceptions=False, cookies=person.client.cookies
    )
    answer = client.get("/api/cases")

    assert answer.status_code == 500
    assert "secret" not in answer.text
    assert answer.json()["request_id"] in answer.json()["message"]["zh"]


def test_metrics_are_for_loopback_or_who_knows_the_token(cast, monkeypatch):
    here = TestClient(app(), client=("127.0.0.1", 1))
    assert here.get("/metrics").status_code == 200
    assert at_an_address().get("/metrics").status_code == 403
    monkeypatch.setattr(settings(), "metrics_token", "tok")
    assert here.get("/metrics").status_code == 403
    assert at_an_address().get("/metrics", headers={"Authorization": "Bearer tok"}).status_code == 200
    assert at_an_address().get("/metrics", headers={"Authorization": "Bearer tök".encode()}).status_code == 403
