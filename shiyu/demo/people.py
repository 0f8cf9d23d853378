"""演示人员 — everybody of the synthetic city's staff as the viewer he would be after signing in, and the citizens."""

from collections import defaultdict
from dataclasses import dataclass
from random import Random
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from shiyu.demo.city.areas import SURNAMES
from shiyu.directory.places import Area
from shiyu.kernel.auth import Account, Grant, RoleGrant, Viewer

NOBODY = Viewer(None)  # a citizen without an account


@dataclass(frozen=True, slots=True)
class Cast:
    """演员表 — viewers by user name."""

    viewers: dict[str, Viewer]

    def get(self, username: str) -> Viewer | None:
        """The viewer of a user name, if there is one."""
        return self.viewers.get(username.lower())

    def one(self, *usernames: str) -> Viewer:
        """The first of these that exists."""
        return next(found for name in usernames if (found := self.get(name)))


def cast(s: Session) -> Cast:
    """Everybody with an account."""
    levels = {row.id: row.level for row in s.execute(select(Area.id, Area.level))}
    grants: defaultdict[UUID, list[Grant]] = defaultdict(list)
    for row in s.execute(select(RoleGrant.account_id, RoleGrant.role, RoleGrant.org_id, RoleGrant.area_id)):
        level = levels[row.area_id] if row.area_id else None
        grants[row.account_id].append(Grant(row.role, row.org_id, row.area_id, level))
    accounts = s.execute(select(Account.id, Account.username, Account.name))
    return Cast({row.username: Viewer(row.id, row.username, row.name, tuple(grants[row.id])) for row in accounts})


def reporter_of(case_id: UUID) -> Viewer:
    """The citizen who shows the token of a case."""
    return Viewer(None, reporter_of=case_id)


def citizen(random: Random) -> tuple[str, str]:
    """A made-up name and a telephone that belongs to nobody: no subscriber's number begins with a nought."""
    name = f"{random.choice(SURNAMES)}{random.choice(('女士', '先生'))}（演示）"
    return name, f"+864120{random.randrange(1_000_000):06d}"
