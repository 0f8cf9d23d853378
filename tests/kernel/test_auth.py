"""Who is asking: lock-out, idle and absolute end, separate administrations, passwords, second factor, sessions over HTTP."""

import threading
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from pyotp.totp import TOTP
from sqlalchemy import func, select, text

from shiyu.demo.accounts import PASSWORD
from shiyu.kernel import auth, clock
from shiyu.kernel.auth import SEPARATE, SYSTEM, Account, Grant, Login, check_password
from shiyu.kernel.config import settings
from shiyu.kernel.db import transaction
from shiyu.kernel.errors import Refusal
from shiyu.kernel.web import COOKIE, CSRF_HEADER, Bucket
from tests.cases.cast import Cast, at_an_address, quick_passwords
from tests.kit.people import Person

GOOD = "Sunny-Harbour-42"
T0 = clock.parse("2026-03-02 09:00")


@pytest.fixture
def town(city: str) -> Iterator[str]:
    """The synthetic city, its passwords quick to prove."""
    with quick_passwords():
        yield city


@pytest.fixture
def cast(town: str) -> Cast:
    """The people of this test's city."""
    return Cast()


@pytest.fixture
def nine_oclock(town: str) -> Iterator[None]:
    """It is nine in the morning."""
    with clock.at(T0):
        yield


def sign_in(username: str, password: str = PASSWORD, **more: Any) -> Any:
    return at_an_address().post("/api/sign-in", json={"username": username, "password": password, **more})


def logins() -> int:
    with transaction() as s:
        return s.scalar(select(func.count()).select_from(Login)) or 0


# --- failing to sign in ------------------------------------------------------------------------------------------------


def test_after_five_failures_the_account_is_locked_and_after_half_an_hour_it_is_free(town):
    with clock.at(T0):
        assert [sign_in("agent", "wrong").status_code for _ in range(5)] == [401] * 5
        locked = sign_in("agent")
    with clock.at(T0 + timedelta(minutes=settings().lock_minutes, seconds=-1)):
        assert sign_in("agent").status_code == 423
    with clock.at(T0 + timedelta(minutes=settings().lock_minutes, seconds=1)):
        assert sign_in("agent").status_code == 200

    assert locked.status_code == 423
    assert locked.json()["code"] == "auth.locked"
    assert "2026-03-02 09:30" in locked.json()["message"]["zh"]
    assert "2026-03-02 09:30" in locked.json()["message"]["en"]


def test_a_right_password_in_between_forgets_the_failures(nine_oclock):
    for _ in range(3):
        assert [sign_in("agent", "wrong").status_code for _ in range(4)] == [401] * 4
        assert sign_in("agent").status_code == 200


def test_a_security_administrator_unlocks(cast, nine_oclock):
    for _ in range(5):
        sign_in("agent", "wrong")
    [row] = cast("security").get("/api/accounts", q="agent")["rows"]
    assert row["locked_until"]

    cast("security").post(f"/api/accounts/{row['id']}/unlock")

    assert sign_in("agent").status_code == 200


def test_an_unknown_name_and_a_wrong_password_and_a_disabled_account_are_answered_alike(cast, nine_oclock):
    [row] = cast("security").get("/api/accounts", q="caller")["rows"]
    cast("security").post(f"/api/accounts/{row['id']}/disable")

    answers = [sign_in("nobody.there"), sign_in("agent", "wrong"), sign_in("caller"), sign_in("caller", "wrong")]

    bodies = [{**one.json(), "request_id": ""} for one in answers]
    assert [one.status_code for one in answers] == [401] * 4
    assert all(body == bodies[0] for body in bodies)
    assert bodies[0]["code"] == "auth.wrong"


def test_a_failed_sign_in_leaves_no_session_and_no_cookie(town):
    answer = sign_in("agent", "wrong")

    assert "set-cookie" not in answer.headers
    assert logins() == 0


def test_failures_and_successes_are_in_the_audit(cast):
    sign_in("agent", "wrong")
    sign_in("agent")
    rows = cast("audit").get("/api/audit", action="sign_in")["rows"]

    assert [row["outcome"] for row in rows][:3] == ["done", "done", "refused"]
    assert "wrong" not in str(rows[2]["data"])


# --- sessions ----------------------------------------------------------------------------------------------------------


def test_the_cookie_is_unreadable_for_scripts_and_not_sent_by_other_sites(town):
    cookie = sign_in("agent").headers["set-cookie"]
    https = at_an_address()
    https.base_url = "https://shiyu.test"  # type: ignore[assignment]
    over_https = https.post("/api/sign-in", json={"username": "agent", "password": PASSWORD}).headers["set-cookie"]

    assert "HttpOnly" in cookie
    assert "samesite=strict" in cookie.lower()
    assert "Path=/" in cookie
    assert "Secure" not in cookie  # a demo without HTTPS must still be usable
    assert "Secure" in over_https


def test_the_secret_of_the_cookie_is_not_in_the_database(town):
    client = at_an_address()
    client.post("/api/sign-in", json={"username": "agent", "password": PASSWORD})
    token = client.cookies[COOKIE]

    with transaction() as s:
        kept = s.scalar(text("select row_to_json(l)::text from kernel.login l"))
    assert token not in str(kept)
    assert token.encode().hex() not in str(kept)


def test_an_idle_session_ends_and_a_used_one_goes_on(town):
    with clock.at(T0):
        agent = Person(at_an_address(), "agent")
    for minutes in (29, 58, 87):
        with clock.at(T0 + timedelta(minutes=minutes)):
            agent.get("/api/me")
    with clock.at(T0 + timedelta(minutes=87 + 31)):
        ended = agent.get("/api/me", 401)

    assert ended["code"] == "auth.session_ended"
    assert ended["message"]["zh"]
    assert ended["message"]["en"]


def test_a_session_ends_after_twelve_hours_however_busy(town):
    with clock.at(T0):
        agent = Person(at_an_address(), "agent")
    for step in range(1, 36):
        with clock.at(T0 + timedelta(minutes=20 * step)):
            if 20 * step < settings().session_hours * 60:
                agent.get("/api/me")
    with clock.at(T0 + timedelta(hours=settings().session_hours, seconds=1)):
        agent.get("/api/me", 401)


def test_who_was_never_signed_in_is_asked_to_sign_in(town):
    answer = Person(at_an_address()).get("/api/me", 401)

    assert answer["code"] == "auth.sign_in_first"


def test_a_made_up_cookie_is_no_session(town):
    client = at_an_address()
    client.cookies.set(COOKIE, "made-up")

    assert client.get("/api/me").status_code == 401


def test_signing_out_ends_the_session_on_the_server(town):
    agent = Person(at_an_address(), "agent")
    token = agent.client.cookies[COOKIE]

    agent.post("/api/sign-out", status=204)
    agent.client.cookies.set(COOKIE, token)

    agent.get("/api/me", 401)
    assert logins() == 0


def test_an_unsafe_request_without_the_csrf_word_is_refused_and_changes_nothing(cast):
    told = cast.report()
    office = cast("handle.210302-zhujian")
    word = office.client.headers.pop(CSRF_HEADER)

    without = office.client.post(f"/api/cases/{told['no']}/sign", json={})
    wrong = office.client.post(f"/api/cases/{told['no']}/sign", json={}, headers={CSRF_HEADER: word[:-1] + "x"})
    office.client.headers[CSRF_HEADER] = word

    for answer in (without, wrong):
        assert (answer.status_code, answer.json()["code"]) == (403, "auth.csrf")
        assert answer.json()["message"]["zh"]
        assert answer.json()["message"]["en"]
    assert office.get(f"/api/cases/{told['no']}")["state"] == "dispatched"


def test_a_disabled_account_is_out_at_once(cast):
    agent = cast("agent")
    agent.get("/api/me")
    [row] = cast("security").get("/api/accounts", q="agent")["rows"]

    cast("security").post(f"/api/accounts/{row['id']}/disable")

    agent.get("/api/me", 401)
    cast("security").post(f"/api/accounts/{row['id']}/enable")
    agent.get("/api/me", 401)  # the old session does not come back
    assert sign_in("agent").status_code == 200


def test_a_role_that_was_taken_back_is_gone_at_once(cast):
    agent = cast("agent")
    agent.post("/api/triage", {"text": "乐雪社区路灯不亮"})
    [row] = cast("security").get("/api/accounts", q="agent")["rows"]

    answer = cast("security").client.delete(f"/api/accounts/{row['id']}/grants/{row['grants'][0]['id']}")

    assert answer.status_code == 204
    agent.post("/api/triage", {"text": "乐雪社区路灯不亮"}, status=403)


def test_a_grant_is_taken_back_only_through_its_own_account(cast):
    security = cast("security")
    [agent] = security.get("/api/accounts", q="agent")["rows"]
    [caller] = security.get("/api/accounts", q="caller")["rows"]

    answer = security.client.delete(f"/api/accounts/{caller['id']}/grants/{agent['grants'][0]['id']}")

    assert answer.status_code == 404
    [agent] = security.get("/api/accounts", q="agent")["rows"]
    assert len(agent["grants"]) == 1


def test_ended_sessions_are_forgotten(town):
    with clock.at(T0):
        sign_in("agent")
        sign_in("caller")
    with clock.at(T0 + timedelta(hours=settings().session_hours + 1)):
        sign_in("agent")
        with transaction() as s:
            forgotten = auth.forget_ended(s)

    assert forgotten == 2
    assert logins() == 1


# --- accounts ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("username", ["agent", "dispatcher", "system", "audit", "handle.210302-zhujian"])
def test_only_the_security_administrator_keeps_accounts(cast, username):
    person = cast(username)

    person.get("/api/accounts", 403)
    person.post("/api/accounts", {"username": "new.one", "name": "新人", "password": GOOD}, status=403)


@pytest.mark.parametrize("username", ["agent", "system", "security"])
def test_only_the_audit_administrator_reads_the_audit(cast, username):
    cast(username).get("/api/audit", 403)
    cast(username).get("/api/audit/verdict", 403)


@pytest.mark.parametrize("first", SEPARATE)
@pytest.mark.parametrize("second", SEPARATE)
def test_the_three_administrations_exclude_each_other(database, first, second):
    with transaction() as s:
        account = auth.create_account(s, SYSTEM, "one.man", "一人", GOOD, [Grant(first)])
        if first == second:
            auth.grant(s, SYSTEM, account.id, Grant(second))
        else:
            with pytest.raises(Refusal) as caught:
                auth.grant(s, SYSTEM, account.id, Grant(second))
            assert (caught.value.code, caught.value.status, caught.value.field) == ("auth.separate_duties", 409, "role")


def test_two_administrations_are_not_given_at_the_opening_either(cast):
    body = {
        "username": "one.man",
        "name": "一人",
        "password": GOOD,
        "grants": [{"role": "system_admin"}, {"role": "audit_admin"}],
    }

    refused = cast("security").post("/api/accounts", body, status=409)

    assert refused["code"] == "auth.separate_duties"
    assert cast("security").get("/api/accounts", q="one.man")["rows"] == []


def test_the_same_user_name_is_given_once_whatever_its_case_even_at_the_same_moment(cast):
    body = {"username": "New.One", "name": "新人", "password": GOOD}
    cast("security").post("/api/accounts", body, status=201)

    again = cast("security").post("/api/accounts", {**body, "username": "new.one"}, status=409)

    assert (again["code"], again["errors"][0]["field"]) == ("auth.username_taken", "username")


def test_two_who_give_the_same_user_name_at_once_get_one_account_and_one_refusal(database):
    with transaction() as first:
        auth.create_account(first, SYSTEM, "same.name", "甲", GOOD)
        outcome: list[str] = []

        def other() -> None:
            try:
                with transaction() as s:
                    auth.create_account(s, SYSTEM, "same.name", "乙", GOOD)
                    outcome.append("opened")
            except Refusal as refusal:
                outcome.append(refusal.code)

        thread = threading.Thread(target=other)
        thread.start()
        thread.join(1)
    thread.join(30)

    assert outcome == ["auth.username_taken"]


@pytest.mark.parametrize(
    ("password", "code"),
    [
        ("Short-1", "auth.password_short"),
        ("alllowercaseletters", "auth.password_simple"),
        ("lowercase12345", "auth.password_simple"),
        ("Li.Ming-2026x", "auth.password_name"),
        ("x-LI.MING-Word9", "auth.password_name"),
        ("", "auth.password_short"),
    ],
)
def test_a_weak_password_is_refused_with_its_reason(password, code):
    with pytest.raises(Refusal) as caught:
        check_password(password, "li.ming")

    assert (caught.value.code, caught.value.field) == (code, "password")


@pytest.mark.parametrize("password", [GOOD, "lower-case-123", "UPPER-CASE-123", "NoSigns1234", "中文密码也行-Abc1"])
def test_a_password_of_three_kinds_is_taken(password):
    check_password(password, "li.ming")


def test_a_new_account_must_change_its_password_before_anything_else(cast):
    cast("security").post(
        "/api/accounts", {"username": "new.one", "name": "新人", "password": GOOD, "grants": [{"role": "agent"}]}, 201
    )
    client = at_an_address()
    me = client.post("/api/sign-in", json={"username": "new.one", "password": GOOD}).json()
    client.headers[CSRF_HEADER] = me["csrf"]
    new = Person(client)

    assert me["must_change"] is True
    for path in ("/api/cases", "/api/cases/counts", "/api/orgs", "/api/cases/export"):
        assert new.get(path, 403)["code"] == "auth.must_change"
    assert new.post("/api/triage", {"text": "路灯不亮"}, status=403)["code"] == "auth.must_change"
    assert new.get("/api/me")["must_change"] is True
    assert new.post("/api/me/password", {"old": GOOD, "password": GOOD}, status=422)["code"] == "auth.password_same"
    assert (
        new.post("/api/me/password", {"old": "wrong", "password": GOOD + "!"}, status=422)["code"]
        == "auth.wrong_password"
    )
    assert (
        new.post("/api/me/password", {"old": GOOD, "password": "short"}, status=422)["errors"][0]["field"] == "password"
    )
    new.post("/api/me/password", {"old": GOOD, "password": GOOD + "!"}, status=204)
    new.get("/api/cases")
    assert new.get("/api/me")["must_change"] is False


def test_who_must_change_may_also_go_away(cast):
    cast("security").post("/api/accounts", {"username": "new.one", "name": "新人", "password": GOOD}, 201)
    client = at_an_address()
    client.headers[CSRF_HEADER] = client.post("/api/sign-in", json={"username": "new.one", "password": GOOD}).json()[
        "csrf"
    ]

    assert client.post("/api/sign-out").status_code == 204


def test_a_changed_password_ends_the_other_sessions(town):
    here, there = Person(at_an_address(), "agent"), Person(at_an_address(), "agent")

    here.post("/api/me/password", {"old": PASSWORD, "password": GOOD}, status=204)

    here.get("/api/me")
    there.get("/api/me", 401)
    assert sign_in("agent").status_code == 401
    assert sign_in("agent", GOOD).status_code == 200


def test_the_hash_of_a_password_is_argon2id(city):
    with transaction() as s:
        hashes = set(s.scalars(select(Account.password_hash)))

    assert all(one.startswith("$argon2id$") for one in hashes)


# --- second factor -----------------------------------------------------------------------------------------------------


def with_totp(username: str) -> str:
    """Switch the second factor on; the secret."""
    person = Person(at_an_address(), username)
    secret = person.post("/api/me/totp")["secret"]
    wrong = person.post("/api/me/totp/confirm", {"secret": secret, "code": "000000"}, status=422)
    assert wrong["code"] == "auth.code_wrong"
    person.post("/api/me/totp/confirm", {"secret": secret, "code": TOTP(secret).at(clock.now())}, status=204)
    return secret


def test_with_a_second_factor_the_password_alone_is_not_enough(nine_oclock):
    secret = with_totp("agent")

    without, wrong = sign_in("agent"), sign_in("agent", code="000000")
    right = sign_in("agent", code=TOTP(secret).at(clock.now()))

    assert (without.status_code, without.json()["code"]) == (401, "auth.code_needed")
    assert (wrong.status_code, wrong.json()["code"]) == (401, "auth.code_wrong")
    assert right.status_code == 200
    assert right.json()["second_factor"] is True


def test_an_old_code_is_no_code(town):
    with clock.at(T0):
        secret = with_totp("agent")
        code = TOTP(secret).at(clock.now())
    with clock.at(T0 + timedelta(minutes=5)):
        assert sign_in("agent", code=code).status_code == 401


def test_guessing_codes_locks_the_account(nine_oclock):
    secret = with_totp("agent")
    for _ in range(5):
        sign_in("agent", code="000000")

    assert sign_in("agent", code=TOTP(secret).at(clock.now())).status_code == 423


def test_a_wrong_password_with_a_second_factor_says_nothing_of_it(nine_oclock):
    with_totp("agent")

    assert sign_in("agent", "wrong").json()["code"] == "auth.wrong"


def test_the_secret_is_sealed(nine_oclock):
    secret = with_totp("agent")

    with transaction() as s:
        kept = s.scalars(select(Account.totp_sealed).where(Account.username == "agent")).one()
    assert kept is not None
    assert secret.encode() not in kept


# --- how often ---------------------------------------------------------------------------------------------------------


def test_who_asks_too_often_hears_so_in_both_languages_and_when_to_come_back(town):
    client = at_an_address()
    body = {"no": "AS-2026-999999", "token": "x" * 20}
    statuses = [client.post("/api/public/track", json=body).status_code for _ in range(20)]

    answer = client.post("/api/public/track", json=body)

    assert set(statuses) == {404}
    assert answer.status_code == 429
    assert answer.json()["code"] == "web.too_often"
    assert "频繁" in answer.json()["message"]["zh"]
    assert "Too many" in answer.json()["message"]["en"]
    assert int(answer.headers["Retry-After"]) >= 1
    assert at_an_address().post("/api/public/track", json=body).status_code == 404  # somebody else is not held up


def test_signing_in_is_limited_too(town):
    client = at_an_address()
    body = {"username": "nobody", "password": "x"}

    assert [client.post("/api/sign-in", json=body).status_code for _ in range(31)][-1] == 429


def test_a_forwarded_address_counts_only_behind_a_trusted_proxy(town, monkeypatch):
    client = at_an_address()
    body = {"no": "AS-2026-999999", "token": "x" * 20}
    statuses = [
        client.post("/api/public/track", json=body, headers={"X-Forwarded-For": f"1.2.3.{n}"}).status_code
        for n in range(21)
    ]

    assert statuses[-1] == 429


def test_a_bucket_forgets_the_oldest_keys_and_refills(monkeypatch):
    from shiyu.kernel import web

    moment = 100.0
    monkeypatch.setattr(web.time, "monotonic", lambda: moment)
    bucket = Bucket(2, 10, keep=3)

    assert [bucket.take("a") for _ in range(3)] == [True, True, False]
    moment += 5
    assert bucket.take("a")
    assert not bucket.take("a")
    for key in "bcd":
        bucket.take(key)
    assert len(bucket._left) == 3
