"""Live news over a real server: in time, only what one may see, nothing lost, nobody waited for."""

import asyncio
import json
import time

from shiyu import live
from shiyu.kernel import auth
from shiyu.kernel.db import transaction
from tests.analysis.voices import TEXTS, report
from tests.kit.apart import apart
from tests.kit.people import staff
from tests.kit.server import live_server
from tests.live.ear import listening, sign_in


def heard(ear) -> None:
    """The stream stands: its first sign of life is here."""
    assert next(ear.messages(10))["type"] == "beat"


def test_a_committed_case_reaches_a_client_within_two_seconds(city: str):
    with live_server(city) as server, listening(server, sign_in(server, "dispatcher")) as ear:
        heard(ear)
        agent = staff("agent")
        committed = time.monotonic()
        told = report(agent, TEXTS[1])
        found = ear.cases(1)
        waited = time.monotonic() - committed

    assert found[0]["no"] == told["no"]
    assert found[0]["kind"] == "case.accepted"
    assert waited < 2


def test_nobody_hears_of_cases_that_he_may_not_see(city: str):
    with (
        live_server(city) as server,
        listening(server, sign_in(server, "dispatch.210302")) as there,
        listening(server, sign_in(server, "dispatch.210381")) as elsewhere,
    ):
        heard(there)
        heard(elsewhere)
        told = report(staff("agent"), TEXTS[0])
        assert there.cases(1)[0]["no"] == told["no"]
        assert elsewhere.cases(1, seconds=1.5) == []


def test_the_wall_is_told_no_number_no_person_and_no_place_finer_than_a_community(city: str):
    with live_server(city) as server, listening(server, sign_in(server, "display")) as wall:
        heard(wall)
        told = report(staff("agent"), TEXTS[0], name="王秀英", address="乐雪社区3号楼2单元101室")
        found = wall.cases(1)[0]

    said = json.dumps(found, ensure_ascii=False)
    assert found["type"] == "case"
    assert "乐雪社区" in found["area"]
    assert found["matter"]["zh"]
    for secret in (told["no"], "王秀英", "秀英", "13804120001", "0001", "3号楼", "101"):
        assert secret not in said
    assert "no" not in found


def test_the_wall_hears_nothing_of_a_confidential_case(city: str):
    with live_server(city) as server, listening(server, sign_in(server, "display")) as wall:
        heard(wall)
        agent = staff("agent")
        report(agent, TEXTS[0], confidential=True)
        report(agent, TEXTS[2])
        found = wall.cases(2, seconds=2)

    assert {one["county"] for one in found} == {"210381"}


def test_who_asks_for_the_wall_must_read_figures(city: str):
    from tests.live.ear import Ear

    with live_server(city) as server:
        ear = Ear(server, sign_in(server, "handle.210302-zhujian"), wall="true")
        nobody = Ear(server, "")

    assert (ear.status, nobody.status) == (403, 401)


def test_after_the_server_was_killed_and_started_again_nothing_is_lost(city: str):
    agent = staff("agent")
    with live_server(city) as server:
        cookie = sign_in(server, "dispatcher")
        with listening(server, cookie) as ear:
            heard(ear)
            first = report(agent, TEXTS[1])
            assert ear.cases(1)[0]["no"] == first["no"]
            last = ear.last_id
        server.kill()
        missed = [report(agent, TEXTS[index]) for index in (2, 3)]
        server.start()
        with listening(server, cookie, last) as ear:
            later = report(agent, TEXTS[4])
            found = ear.cases(6, seconds=4)

    accepted = [one["no"] for one in found if one["kind"] == "case.accepted"]
    assert accepted == [told["no"] for told in (*missed, later)]


def test_who_was_away_too_long_is_told_to_fetch_everything(city: str, monkeypatch):
    agent = staff("agent")
    monkeypatch.setattr(live, "BATCH", 2)
    monkeypatch.setattr(live, "MOST", 4)
    for _ in range(5):
        report(agent, TEXTS[1])
    audience = live.Audience(wall=False, grants=frozenset({auth.Grant("dispatcher")}), exercise_id=None)

    async def away() -> list[live.Told | None]:
        return [told async for told in live._missed(audience, (0, 0, 0))]

    found = apart(lambda: asyncio.run(away()))
    assert len(found) == 5
    assert found[-1] is None


def test_a_position_that_is_none_is_ignored():
    assert live._parse("1.2.3") == (1, 2, 3)
    for bad in (None, "", "1.2", "1.2.3.4", "-1.2.3", "a.b.c", "99999.1.1", f"1.{2**63}.1"):
        assert live._parse(bad) is None


def test_the_stream_closes_when_the_session_ends(city: str):
    with live_server(city) as server:
        cookie = sign_in(server, "dispatcher")
        with listening(server, cookie) as ear:
            heard(ear)
            with transaction() as s:
                auth.sign_out(s, cookie.split("=")[1])
            told = list(ear.messages(live.BEAT + 5))

    assert told[-1] == {"type": "end"}


def test_listening_alone_does_not_keep_a_session_alive(city: str):
    from shiyu.kernel import clock

    with clock.at("2026-03-02 08:00"), transaction() as s:
        signed = auth.sign_in(s, "dispatcher", "Shiyu-Demo-2026", None, None, None)
        token = signed.token
    for minute in ("08:10", "08:20", "08:29"):
        with clock.at(f"2026-03-02 {minute}"):
            assert live._viewer_now(token) is not None

    with clock.at("2026-03-02 08:31"):
        assert live._viewer_now(token) is None


def test_a_client_that_does_not_read_is_dropped_and_the_others_are_not():
    async def story() -> tuple[live.Subscriber, live.Subscriber]:
        audience = live.Audience(wall=False, grants=frozenset(), exercise_id=None)
        slow, quick = live.Subscriber(audience), live.Subscriber(audience)
        for number in range(live.QUEUE + 5):
            told = live.Told((1, number, 1), {"type": "case"})
            slow.give(told)
            quick.give(told)
            quick.queue.get_nowait()
        return slow, quick

    slow, quick = apart(lambda: asyncio.run(story()))
    assert slow.ended
    assert slow.queue.qsize() == 1
    assert not quick.ended


def test_a_piece_that_nobody_takes_ends_the_stream(monkeypatch):
    monkeypatch.setattr(live, "PATIENCE", 0.05)

    async def story() -> list[str]:
        sent: list[str] = []

        async def news():
            for number in range(5):
                yield f"data: {number}\n\n".encode()

        async def send(message) -> None:
            sent.append(message["type"])
            if len(sent) == 3:
                await asyncio.Event().wait()

        await asyncio.wait_for(live.Stream(news()).stream_response(send), 2)
        return sent

    assert apart(lambda: asyncio.run(story())) == ["http.response.start", "http.response.body", "http.response.body"]


def test_open_streams_do_not_hold_up_a_server_that_is_told_to_stop(city: str):
    with live_server(city) as server, listening(server, sign_in(server, "dispatcher")) as ear:
        heard(ear)
        begun = time.monotonic()
        server._process.terminate()
        rest = list(ear.messages(5))
        server._process.wait(5)
        took = time.monotonic() - begun

    assert rest == []
    assert took < 0.9  # the server's own patience with open connections is one second
