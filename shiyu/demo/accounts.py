"""演示账号 — accounts for the staff of the synthetic city, all with one password that is printed at the start."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import insert, select, update
from sqlalchemy.orm import Session

from shiyu.demo.city import City
from shiyu.directory.people import Person
from shiyu.directory.places import Area
from shiyu.kernel import clock
from shiyu.kernel.auth import Account, RoleGrant, hash_password
from shiyu.kernel.db import new_id

PASSWORD = "Shiyu-Demo-2026"  # noqa: S105 - a synthetic city has no secret

# People of the city centre and the three administrators, who are not in the staff of the areas: user name, name, roles.
CENTRE: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("agent", "演示坐席", ("agent",)),
    ("dispatcher", "演示分拨员", ("dispatcher",)),
    ("caller", "演示回访员", ("caller",)),
    ("supervisor", "演示监督员", ("supervisor",)),
    ("display", "指挥大屏", ("display",)),
    ("system", "演示系统管理员", ("system_admin",)),
    ("security", "演示安全管理员", ("security_admin",)),
    ("audit", "演示审计管理员", ("audit_admin",)),
)
PLAIN = ("display", "system_admin", "security_admin", "audit_admin")  # roles that hold nowhere in particular
BY_ORG = ("handler", "reviewer")


def open_accounts(s: Session, city: City, *, centre: str = "210300-centre") -> int:
    """开户 — an account for everybody of the staff and for the centre; how many. One hash for all: it is no secret."""
    hashed, now = hash_password(PASSWORD), clock.now()
    levels = {row.id: row.level for row in s.execute(select(Area.id, Area.level))}
    accounts: list[dict[str, object]] = []
    grants: list[dict[str, object]] = []

    def open_one(username: str, name: str, roles: Sequence[str], org: UUID | None, area: UUID | None) -> UUID:
        account = new_id()
        accounts.append(
            {
                "id": account,
                "username": username.lower(),
                "name": name,
                "password_hash": hashed,
                "state": "active",
                "failures": 0,
            }
            | {"must_change": False, "created_at": now, "password_at": now}
        )
        for role in roles:
            holds = {"org_id": None if role in PLAIN else org, "area_id": None, "area_level": None}
            if role not in PLAIN and role not in BY_ORG and area is not None:
                holds |= {"area_id": area, "area_level": levels[area]}
            grants.append({"id": new_id(), "account_id": account, "role": role, "from_at": now, **holds})
        return account

    for username, name, roles in CENTRE:
        open_one(username, name, roles, city.org_ids[centre], city.area_ids["210300"])
    linked = []
    for one in city.staff:
        roles = ("handler", "reviewer") if one.role == "handler" else (one.role,)
        account = open_one(one.username, one.name, roles, city.org_ids[one.org_code], city.area_ids[one.area_code])
        if one.username in city.person_ids:
            linked.append({"id": city.person_ids[one.username], "account_id": account})
    s.execute(insert(Account), accounts)
    s.execute(insert(RoleGrant), grants)
    s.execute(update(Person), linked)
    return len(accounts)
