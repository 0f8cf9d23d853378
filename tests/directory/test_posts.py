"""Who serves a grid, then and now; where nobody does; who stands in; how a post changes hands and its access with it."""

from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from shiyu.directory import people, places, posts
from shiyu.directory.places import Area
from shiyu.kernel import clock, db, events
from shiyu.kernel.auth import SYSTEM, Account, Grant, RoleGrant, Viewer
from shiyu.kernel.errors import Refusal

GRID = "2103020030041001"
DAY = date(2026, 3, 2)
AT = "2026-03-02 08:00"
OTHER_COUNTY = "210303"


@pytest.fixture(autouse=True)
def monday(city: str):
    """A Monday in Beijing."""
    with clock.at(AT):
        yield


def area(s: Any, code: str) -> Area:
    return places.area_by_code(s, code)


def somebody(s: Any, name: str, username: str | None = None) -> people.Person:
    row = people.add_person(s, SYSTEM, name=name, valid_from=DAY)
    if username:
        row.account_id = s.scalar(select(Account.id).where(Account.username == username))
        s.flush()
    return row


def filled(s: Any, name: str = "王安", kind: str = "designated", code: str = GRID, **more: Any) -> posts.GridPost:
    given = {"valid_from": DAY, **more}
    return posts.fill(s, SYSTEM, kind=kind, area=area(s, code), person=somebody(s, name), **given)


def names(rows: list[posts.Held]) -> list[str]:
    return [row.person.name for row in rows]


def refused(code: str, status: int, act: Any, field: str | None = None) -> None:
    with pytest.raises(Refusal) as told:
        act()
    assert (told.value.code, told.value.status, told.value.field) == (code, status, field)


def test_who_served_a_grid_is_known_for_every_day(city: str) -> None:
    with db.transaction() as s:
        first = filled(s, valid_from=date(2025, 1, 1))
        posts.change_hands(s, SYSTEM, first, somebody(s, "李宁"), date(2026, 2, 1))

    with db.reading() as s:
        then = names(posts.served(s, SYSTEM, area(s, GRID), date(2026, 1, 31)))
        now = names(posts.served(s, SYSTEM, area(s, GRID), date(2026, 2, 1)))
        before = names(posts.served(s, SYSTEM, area(s, GRID), date(2024, 12, 31)))
        ever = names(posts.served(s, SYSTEM, area(s, GRID)))
    assert (before, then, now, ever) == ([], ["王安"], ["李宁"], ["李宁", "王安"])


def test_a_post_stands_only_on_its_level_and_its_days_are_in_order(city: str) -> None:
    with db.transaction() as s:
        refused("post.bad_level", 422, lambda: filled(s, kind="third_level"), "area")
        refused("post.bad_kind", 422, lambda: filled(s, kind="king"), "kind")
        refused("post.bad_days", 422, lambda: filled(s, valid_to=DAY), "valid_to")
        refused("post.no_area_then", 422, lambda: filled(s, valid_from=date(1900, 1, 1)), "valid_from")
        post = filled(s)
        again = s.get_one(people.Person, post.person_id)
        refused(
            "post.held",
            409,
            lambda: posts.fill(s, SYSTEM, kind="designated", area=area(s, GRID), person=again, valid_from=DAY),
            "person",
        )


def test_only_who_keeps_the_area_fills_its_posts(city: str) -> None:
    with db.transaction() as s:
        elsewhere = area(s, OTHER_COUNTY)
        stranger = Viewer(None, "x", "x", (Grant("dispatcher", None, elsewhere.id, "county"),))
        worker = Viewer(None, "w", "w", (Grant("grid_worker", None, area(s, GRID).id, "grid"),))
        keeper = Viewer(None, "k", "k", (Grant("dispatcher", None, area(s, "210302").id, "county"),))
        person = somebody(s, "王安")

        for viewer in (stranger, worker):
            refused(
                "post.not_yours",
                403,
                lambda viewer=viewer: posts.fill(
                    s, viewer, kind="designated", area=area(s, GRID), person=person, valid_from=DAY
                ),
            )
        posts.fill(s, keeper, kind="designated", area=area(s, GRID), person=person, valid_from=DAY)
        assert names(posts.listing(s, keeper).rows) == ["王安"]
        assert posts.listing(s, stranger).rows == []
        assert posts.listing(s, worker).rows == []


def test_a_post_carries_its_access_and_takes_it_away_when_it_ends(city: str) -> None:
    with db.transaction() as s:
        person = somebody(s, "演示坐席", "agent")
        post = posts.fill(s, SYSTEM, kind="designated", area=area(s, GRID), person=person, valid_from=DAY)
        grid = area(s, GRID).id

        def holds() -> bool:
            from shiyu.kernel.auth import RoleGrant

            now = clock.now()
            rows = s.scalars(select(RoleGrant).where(RoleGrant.account_id == person.account_id))
            return any(
                r.area_id == grid and r.from_at <= now and (r.to_at is None or r.to_at > now) for r in rows.all()
            )

        assert holds()
        with clock.at("2026-03-10 08:00"):
            posts.end(s, SYSTEM, post, date(2026, 3, 12))
            assert holds()
        with clock.at("2026-03-12 00:00"):
            assert not holds()
            refused("post.ended", 409, lambda: posts.end(s, SYSTEM, post, date(2026, 3, 13)))


def test_a_stand_in_serves_for_his_days_only_and_ends_with_the_post(city: str) -> None:
    with db.transaction() as s:
        post, other = filled(s), somebody(s, "李宁")
        until = date(2026, 3, 9)
        refused("post.until_when", 422, lambda: posts.stand_in(s, SYSTEM, post, other, DAY, None), "valid_to")
        own = s.get_one(people.Person, post.person_id)
        refused("post.himself", 422, lambda: posts.stand_in(s, SYSTEM, post, own, DAY, until), "person")
        row = posts.stand_in(s, SYSTEM, post, other, DAY, until)
        refused("post.no_chain", 409, lambda: posts.stand_in(s, SYSTEM, row, own, DAY, until))
        assert set(names(posts.served(s, SYSTEM, area(s, GRID), date(2026, 3, 8)))) == {"王安", "李宁"}
        assert names(posts.served(s, SYSTEM, area(s, GRID), until)) == ["王安"]

        posts.end(s, SYSTEM, post, date(2026, 3, 5))

        assert row.valid_to == date(2026, 3, 5)
    with db.reading() as s:
        told = [row.kind for row in s.scalars(select(events.Event).order_by(events.Event.seq)) if "post" in row.kind]
    assert told == ["post.filled", "post.filled", "post.ended", "post.ended"]


def test_a_stand_in_whose_days_never_came_is_gone_with_the_post_and_has_no_access(city: str) -> None:
    with db.transaction() as s:
        post, other = filled(s), somebody(s, "李代", "agent")
        begin = DAY + timedelta(days=20)
        row = posts.stand_in(s, SYSTEM, post, other, begin, begin + timedelta(days=5))
        given = row.grant_id
        assert given is not None

        posts.end(s, SYSTEM, post, DAY + timedelta(days=10))

        assert s.scalar(select(posts.GridPost.id).where(posts.GridPost.id == row.id)) is None
        grant = s.get_one(RoleGrant, given)
        assert grant.to_at is not None
        assert grant.to_at < grant.from_at, "never in force"


def test_a_gap_is_where_nobody_is_today_or_will_be_soon(city: str) -> None:
    with db.transaction() as s:
        town = area(s, GRID).town_id
        under = s.get_one(Area, town)
        grids = list(places.areas_under(s, under, "grid"))
        for one in grids[1:]:
            filled(s, code=one.code)
        leaving = filled(s, code=grids[1].code, kind="police", valid_to=date(2026, 3, 20))

        def found(kind: str, days: int = 0) -> list[tuple[str, date]]:
            rows = posts.gaps(s, SYSTEM, kind=kind, level="grid", days=days, under=under, limit=200).rows
            return [(row.area.code, row.opens_on) for row in rows]

        assert found("designated") == [(grids[0].code, DAY)]
        assert len(found("police")) == len(grids) - 1
        assert (grids[1].code, date(2026, 3, 20)) in found("police", days=18)
        assert len(found("police", days=17)) == len(grids) - 1
        filled(s, "赵新", code=grids[1].code, kind="police", valid_from=date(2026, 3, 20))
        assert len(found("police", days=18)) == len(grids) - 1
        assert leaving.valid_to == date(2026, 3, 20)


def test_gaps_are_counted_by_county_and_read_by_the_page(city: str) -> None:
    with db.reading() as s:
        counted = posts.gap_counts(s, SYSTEM, kind="designated", level="grid")
        assert all(n == every for _, n, every in counted)
        seen: list[str] = []
        after = None
        while True:
            page = posts.gaps(s, SYSTEM, kind="designated", level="grid", after=after, limit=7)
            seen += [row.area.code for row in page.rows]
            after = page.next
            if after is None:
                break
        assert len(seen) == len(set(seen)) == sum(n for _, n, _ in counted)
        nobody = Viewer(None, "n", "n", (Grant("caller"),))
        assert posts.gaps(s, nobody, kind="designated", level="grid").rows == []
        refused("post.bad_level", 422, lambda: posts.gaps(s, SYSTEM, kind="third_level", level="grid"), "level")


def test_a_card_is_valid_only_while_the_post_is_held(city: str) -> None:
    with db.transaction() as s:
        post = filled(s, valid_from=date(2026, 3, 1), valid_to=date(2026, 3, 9))
        card = post.card
        assert len(card) >= 20
        assert posts.by_card(s, card) is not None
        assert posts.by_card(s, "x" * len(card)) is None
        with clock.at("2026-03-09 00:01"):
            assert posts.by_card(s, card) is None
        posts.renew_card(s, SYSTEM, post)
        s.flush()
        assert posts.by_card(s, card) is None
        assert posts.by_card(s, post.card) is not None
