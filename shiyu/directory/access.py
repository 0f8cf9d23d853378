"""Routes of access: signing in and out, one's own account, and everybody's accounts (security administrator).

Accounts and sessions are the kernel's; the offices and areas at which roles hold have their names here.
"""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from pydantic import Field
from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from shiyu.directory import orgs
from shiyu.directory.gazetteer import gazetteer
from shiyu.kernel import auth, clock, words
from shiyu.kernel.auth import SECURITY_ADMIN, Account, Grant, RoleGrant, Viewer
from shiyu.kernel.config import settings
from shiyu.kernel.db import page, transaction
from shiyu.kernel.errors import Refusal
from shiyu.kernel.web import COOKIE, Input, Output, anyone, client_ip, limited, reading, set_session, signed_in, tx

router = APIRouter(prefix="/api")

# Which face somebody is led to after signing in, by the first of these roles he has.
HOMES = {"display": "/screen", "grid_worker": "/field/"}


class SignInIn(Input):
    """登录."""

    username: str = Field(min_length=1, max_length=100)
    password: str = Field(min_length=1, max_length=200)
    code: str | None = Field(None, pattern=r"^\d{6}$")


class Holder(Output):
    """An office or an area by which a role holds."""

    id: UUID
    code: str
    name: str
    level: str | None = None


class GrantOut(Output):
    """授权 — a role, and at which office or in which area; neither: everywhere."""

    role: str
    role_label: dict[str, str]
    org: Holder | None
    area: Holder | None


class Me(Output):
    """Who I am."""

    id: UUID
    username: str
    name: str
    csrf: str
    must_change: bool
    second_factor: bool
    idle_minutes: int
    grants: list[GrantOut]
    home: str


def _named(s: Session, grant: Grant | RoleGrant) -> dict[str, Any]:
    office = orgs.labels(s).get(grant.org_id) if grant.org_id else None
    area = gazetteer(s).lineage(grant.area_id).finest if grant.area_id else None
    return {
        "role": grant.role,
        "role_label": words.both(f"role.{grant.role}"),
        "org": Holder(id=grant.org_id, code=office[0], name=office[1]) if office and grant.org_id else None,
        "area": Holder(id=area.id, code=area.code, name=area.name, level=area.level) if area else None,
    }


def _me(s: Session, viewer: Viewer) -> Me:
    grants = [GrantOut(**_named(s, grant)) for grant in viewer.grants]
    second = s.scalar(select(Account.totp_sealed.is_not(None)).where(Account.id == viewer.id))
    if viewer.id is None:
        raise Refusal("auth.sign_in_first", 401)
    return Me(
        id=viewer.id,
        username=viewer.username,
        name=viewer.name,
        csrf=viewer.csrf,
        must_change=viewer.must_change,
        second_factor=bool(second),
        idle_minutes=settings().session_idle_minutes,
        grants=grants,
        home=next((home for role, home in HOMES.items() if viewer.has(role)), "/desk"),
    )


@router.post("/sign-in", tags=["session"], dependencies=[limited(30, 60)])
def sign_in(body: SignInIn, request: Request, response: Response, viewer: Viewer = anyone) -> Me:
    """登录"""
    with transaction() as s:  # commits the failed attempt too, then refuses
        agent = request.headers.get("user-agent")
        outcome = auth.sign_in(s, body.username, body.password, body.code, client_ip(request), agent)
        if not isinstance(outcome, Refusal):
            set_session(response, request, outcome.token)
            return _me(s, outcome.viewer)
    raise outcome


@router.post("/sign-out", tags=["session"], status_code=204)
def sign_out(request: Request, response: Response, viewer: Viewer = signed_in, s: Session = tx) -> None:
    """退出"""
    auth.sign_out(s, request.cookies[COOKIE])
    response.delete_cookie(COOKIE, path="/")


@router.get("/me", tags=["session"])
def me(viewer: Viewer = signed_in, s: Session = reading) -> Me:
    """我的账号"""
    return _me(s, viewer)


class PasswordIn(Input):
    """修改密码."""

    old: str = Field(max_length=200)
    password: str = Field(max_length=200)


@router.post("/me/password", tags=["session"], status_code=204)
def password(body: PasswordIn, viewer: Viewer = signed_in, s: Session = tx) -> None:
    """修改密码"""
    auth.change_password(s, viewer, body.old, body.password)


class Secret(Output):
    """What an authenticator needs."""

    secret: str
    uri: str


class CodeIn(Input):
    """A secret and a code that proves it was stored."""

    secret: str = Field(pattern=r"^[A-Z2-7]{16,64}$")
    code: str = Field(pattern=r"^\d{6}$")


@router.post("/me/totp", tags=["session"])
def totp(viewer: Viewer = signed_in) -> Secret:
    """启用双因素（第一步）"""
    secret, uri = auth.start_totp(viewer)
    return Secret(secret=secret, uri=uri)


@router.post("/me/totp/confirm", tags=["session"], status_code=204)
def confirm_totp(body: CodeIn, viewer: Viewer = signed_in, s: Session = tx) -> None:
    """启用双因素（第二步）"""
    auth.confirm_totp(s, viewer, body.secret, body.code)


# --- accounts: the security administrator ----------------------------------------------------------------------------------


class GrantIn(Input):
    """授权."""

    role: str = Field(pattern=r"^[a-z_]{2,40}$")
    org: str | None = Field(None, max_length=60, description="code of an office")
    area: str | None = Field(None, max_length=30, description="code of an area")

    def grant(self, s: Session) -> Grant:
        """The same for the verb; codes become ids, and a role that is no word of this house is refused."""
        if f"role.{self.role}" not in words.terms():
            raise Refusal("auth.no_role", 422, field="role", role=self.role)
        office = orgs.ids(s).get(self.org) if self.org else None
        if self.org and office is None:
            raise Refusal("org.not_found", 422, field="org")
        lineage = gazetteer(s).by_code(self.area) if self.area else None
        if self.area and lineage is None:
            raise Refusal("area.not_found", 422, field="area")
        return Grant(self.role, office, lineage.area_id if lineage else None, lineage.level if lineage else None)


class AccountIn(Input):
    """开户."""

    username: str = Field(pattern=r"^[A-Za-z0-9_.\-]{3,60}$")
    name: str = Field(min_length=1, max_length=60)
    password: str = Field(max_length=200)
    grants: list[GrantIn] = Field(default_factory=list, max_length=20)


class AccountGrant(GrantOut):
    """授权 with its id and period."""

    id: UUID
    from_at: datetime
    to_at: datetime | None


class AccountOut(Output):
    """账号."""

    id: UUID
    username: str
    name: str
    state: str
    locked_until: datetime | None
    must_change: bool
    created_at: datetime
    last_in_at: datetime | None
    grants: list[AccountGrant]


class AccountPage(Output):
    """One page of accounts."""

    rows: list[AccountOut]
    next: str | None


def _account(s: Session, account: Account, grants: list[RoleGrant]) -> AccountOut:
    fields = ("id", "username", "name", "state", "locked_until", "must_change", "created_at", "last_in_at")
    given = [
        AccountGrant(
            **_named(s, row),
            id=row.id,
            from_at=row.from_at,
            to_at=row.to_at,
        )
        for row in grants
    ]
    return AccountOut(**{name: getattr(account, name) for name in fields}, grants=given)


def _with_grants(s: Session, accounts: list[Account]) -> list[AccountOut]:
    query = select(RoleGrant).where(
        RoleGrant.account_id.in_([account.id for account in accounts]),
        or_(RoleGrant.to_at.is_(None), RoleGrant.to_at > clock.now()),
    )
    found: dict[UUID, list[RoleGrant]] = {}
    for row in s.scalars(query.order_by(RoleGrant.id)):
        found.setdefault(row.account_id, []).append(row)
    return [_account(s, account, found.get(account.id, [])) for account in accounts]


@router.get("/accounts", tags=["accounts"])
def accounts(
    q: Annotated[str | None, Query(max_length=60)] = None,
    after: str | None = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    viewer: Viewer = signed_in,
    s: Session = reading,
) -> AccountPage:
    """账号列表"""
    viewer.need(SECURITY_ADMIN)
    query = select(Account)
    if q:
        query = query.where(
            or_(Account.username.contains(q.lower(), autoescape=True), Account.name.contains(q, autoescape=True))
        )
    found = page(s, query, [Account.username], [str], after=after, limit=limit, descending=False)
    return AccountPage(rows=_with_grants(s, found.rows), next=found.next)


@router.post("/accounts", tags=["accounts"], status_code=201)
def open_account(body: AccountIn, viewer: Viewer = signed_in, s: Session = tx) -> AccountOut:
    """开户"""
    viewer.need(SECURITY_ADMIN)
    grants = [item.grant(s) for item in body.grants]
    account = auth.create_account(s, viewer, body.username.lower(), body.name, body.password, grants)
    return _with_grants(s, [account])[0]


@router.post("/accounts/{account_id}/grants", tags=["accounts"], status_code=201)
def give(account_id: UUID, body: GrantIn, viewer: Viewer = signed_in, s: Session = tx) -> AccountOut:
    """授权"""
    viewer.need(SECURITY_ADMIN)
    account = _load(s, account_id)
    auth.grant(s, viewer, account.id, body.grant(s))
    s.flush()
    return _with_grants(s, [account])[0]


@router.delete("/accounts/{account_id}/grants/{grant_id}", tags=["accounts"], status_code=204)
def take_back(account_id: UUID, grant_id: UUID, viewer: Viewer = signed_in, s: Session = tx) -> None:
    """收回授权"""
    viewer.need(SECURITY_ADMIN)
    _load(s, account_id)
    auth.revoke(s, viewer, grant_id, account_id)


@router.post("/accounts/{account_id}/{verb}", tags=["accounts"])
def change(
    account_id: UUID, verb: Literal["unlock", "disable", "enable"], viewer: Viewer = signed_in, s: Session = tx
) -> AccountOut:
    """解锁 停用 启用"""
    viewer.need(SECURITY_ADMIN)
    account = _load(s, account_id)
    {"unlock": auth.unlock, "disable": auth.disable, "enable": auth.enable}[verb](s, viewer, account.id)
    s.refresh(account)
    return _with_grants(s, [account])[0]


def _load(s: Session, account_id: UUID) -> Account:
    account = s.get(Account, account_id, with_for_update=True)
    if account is None:
        raise Refusal("auth.no_account", 404)
    return account
