from datetime import date

import pytest
from sqlalchemy import func, select

from shiyu.directory import orgs, people
from shiyu.kernel.auth import SYSTEM
from shiyu.kernel.clock import at
from shiyu.kernel.db import reading, transaction
from shiyu.kernel.errors import Refusal
from tests.directory.folk import DISPATCHER, KEEPER, SINCE, WORKER, small_city


def refused(code):
    return pytest.raises(Refusal, match=f"^{code}:")


def offices(s):
    """市 centre → county centre → bureau and street office, with their areas."""
    areas = small_city(s)
    made = {}
    for code, name, kind, level, parent, area in [
        ("210300-centre", "鞍山市社会治理中心", "centre", "city", None, "210300"),
        ("210302-centre", "铁东区社会治理中心", "centre", "county", "210300-centre", "210302"),
        ("210302-zhujian", "铁东区住房和城乡建设局", "government", "county", "210302-centre", "210302"),
        ("210302003", "山南街道办事处", "street", "town", "210302-centre", "210302003"),
        ("210302003004", "乐雪社区居民委员会", "community", "community", "210302003", "210302003004"),
    ]:
        made[code] = orgs.add_org(
            s,
            SYSTEM,
            code=code,
            name=name,
            kind=kind,
            level=level,
            valid_from=SINCE,
            parent=made.get(parent),
            area=areas[area],
        )
    return made


def test_the_tree_of_offices_is_read_from_the_top_down(database):
    with transaction() as s:
        made = offices(s)

        whole = orgs.tree(s, made["210300-centre"])
        near = orgs.tree(s, made["210300-centre"], depth=1)

    assert [org.code for org in whole] == [
        "210300-centre", "210302-centre", "210302003", "210302-zhujian", "210302003004",
    ]  # fmt: skip
    assert [org.code for org in near] == ["210300-centre", "210302-centre"]


@pytest.mark.parametrize(
    ("query", "codes"),
    [
        ("住房", ["210302-zhujian"]),
        ("tiedong", ["210302-centre", "210302-zhujian"]),
        ("tie dong qu zhu", ["210302-zhujian"]),
        ("tdqz", ["210302-zhujian"]),
        ("SNJD", ["210302003"]),
        ("100%", []),
        ("_", []),
    ],
)
def test_an_office_is_found_by_words_pinyin_and_initials(database, query, codes):
    with transaction() as s:
        offices(s)

        assert [org.code for org in orgs.search(s, query)] == codes


def test_offices_are_found_by_kind_parent_and_area(database):
    with transaction() as s:
        made = offices(s)

        streets = orgs.search(s, kind="street")
        below = orgs.search(s, under=made["210302-centre"])
        territory = orgs.search(s, area_id=made["210302-centre"].area_id)

        assert [org.code for org in streets] == ["210302003"]
        assert {org.code for org in below} == {"210302-zhujian", "210302003"}
        assert {org.code for org in territory} == {"210302-centre", "210302-zhujian"}
        assert orgs.centre_of(s, made["210302-centre"].area_id).code == "210302-centre"
        assert orgs.centre_of(s, made["210302003"].area_id) is None


def test_an_ended_office_is_known_by_its_code_and_found_no_more(database):
    with transaction() as s:
        made = offices(s)
        with refused("org.has_children"):
            orgs.end_org(s, KEEPER, made["210302-centre"], date(2025, 1, 1))
        orgs.end_org(s, KEEPER, made["210302-zhujian"], date(2025, 1, 1))

    with at("2025-01-01 00:00"), reading() as s:
        assert orgs.search(s, "住房") == []
        assert orgs.org_by_code(s, "210302-zhujian").valid_to == date(2025, 1, 1)
    with at("2024-12-31 23:59"), reading() as s:
        assert len(orgs.search(s, "住房")) == 1


def test_an_office_needs_a_known_kind_a_free_code_and_a_keeper(database):
    with transaction() as s:
        offices(s)
        given = {"name": "某局", "level": "city", "valid_from": SINCE}

        with refused("org.bad_kind"):
            orgs.add_org(s, KEEPER, code="x", kind="bureau", **given)
        with refused("org.code_taken"):
            orgs.add_org(s, KEEPER, code="210302003", kind="government", **given)
        with refused("auth.forbidden"):
            orgs.add_org(s, WORKER, code="x", kind="government", **given)
        with refused("org.not_found"):
            orgs.org_by_code(s, "nowhere")


def test_today_shows_who_leads_and_who_sits_at_the_desk(database):
    with transaction() as s:
        made = offices(s)
        leader, officer, other = (
            people.add_person(s, SYSTEM, name=name, valid_from=SINCE, work_telephone="0412-0000001")
            for name in ("王安", "李宁", "张和")
        )
        day = date(2026, 2, 24)
        orgs.set_roster(s, KEEPER, made["210302003"], day, leader)
        orgs.set_roster(s, KEEPER, made["210300-centre"], day, leader, officer)
        orgs.set_roster(s, KEEPER, made["210300-centre"], day, other, officer)

        assert s.scalar(select(func.count()).select_from(orgs.Roster)) == 2

    with at("2026-02-24 00:30"), reading() as s:
        today = [(line.org.code, line.leader.name, line.officer and line.officer.name) for line in orgs.on_duty(s)]
    with at("2026-02-25 00:30"), reading() as s:
        assert orgs.on_duty(s) == []

    assert today == [("210300-centre", "张和", "李宁"), ("210302003", "王安", None)]


def test_a_post_is_held_for_its_time(database):
    with transaction() as s:
        made = offices(s)
        person = people.add_person(s, SYSTEM, name="王安", valid_from=SINCE)
        s.add(
            orgs.Post(
                org_id=made["210302003"].id, person_id=person.id, role="dispatcher", title="分拨员",
                valid_from=SINCE, valid_to=date(2026, 1, 1),
            )
        )  # fmt: skip
        s.flush()

        held = orgs.posts_at(s, made["210302003"], date(2025, 12, 31))
        later = orgs.posts_at(s, made["210302003"], date(2026, 1, 1))

    assert [(post.title, holder.name) for post, holder in held] == [("分拨员", "王安")]
    assert later == []


def test_a_personal_telephone_is_sealed_found_blind_and_revealed_with_a_reason(database):
    with transaction() as s:
        person = people.add_person(s, SYSTEM, name="王安", valid_from=SINCE, telephone="138 0013 8000")
        sealed = s.scalar(select(people.Person.telephone_sealed))

        assert b"13800138000" not in sealed
        assert [found.id for found in people.by_telephone(s, "+86 13800138000")] == [person.id]
        assert people.by_telephone(s, "13900139000") == []
        assert people.by_telephone(s, "nonsense") == []
        assert people.reveal_telephone(s, DISPATCHER, person.id, "联系处置") == "+8613800138000"
        with refused("person.no_reason"):
            people.reveal_telephone(s, DISPATCHER, person.id, " ")
        with refused("auth.forbidden"):
            people.reveal_telephone(s, WORKER, person.id, "好奇一下")


def test_a_reveal_is_on_record_with_its_reason_and_without_the_number(database):
    with transaction() as s:
        person = people.add_person(s, SYSTEM, name="王安", valid_from=SINCE, telephone="13800138000")
        people.reveal_telephone(s, DISPATCHER, person.id, "联系处置")

        row = s.execute(select(people.audit.Audit).where(people.audit.Audit.action == "person.reveal")).scalar_one()

    assert (row.subject, row.reason) == (f"person:{person.id}", "联系处置")
    assert "13800138000" not in str(row.data)


def test_a_telephone_that_cannot_be_one_is_refused(database):
    with transaction() as s:
        with refused("person.bad_telephone"):
            people.add_person(s, SYSTEM, name="王安", valid_from=SINCE, telephone="123")
        with refused("person.bad_telephone"):
            people.add_person(s, SYSTEM, name="王安", valid_from=SINCE, work_telephone="123")


def test_nobody_shares_an_account(database):
    from shiyu.kernel.auth import create_account

    with transaction() as s:
        account = create_account(s, SYSTEM, "wang", "王安", "Lou-Dao-Fu-Shou-12")
        first, second = (people.add_person(s, SYSTEM, name=name, valid_from=SINCE) for name in ("王安", "李宁"))

        people.link_account(s, KEEPER, first.id, account.id)
        people.link_account(s, KEEPER, first.id, account.id)

        with refused("person.account_taken"):
            people.link_account(s, KEEPER, second.id, account.id)
        assert people.of_account(s, account.id).id == first.id
