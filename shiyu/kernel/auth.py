"""Who is asking: accounts, roles as relations, sign-in with server-side sessions.

A role is never a flag on a person but a relation: *this account is dispatcher of that office* or *grid worker of that grid*. The
kernel keeps offices and areas as bare ids; it knows nothing of cities.

Protection after GB/T 22239-2019 8.1.4: failed sign-ins lock the account, idle sessions end, system, security and audit
administration are three roles that nobody holds together, a second factor (TOTP, RFC 6238) can be switched on.
"""

import hashlib
import hmac
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from pyotp import random_base32
from pyotp.totp import TOTP
from sqlalchemy import CheckConstraint, Connection, ForeignKey, Index, LargeBinary, or_, select, text, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, Session, mapped_column

from shiyu.kernel import audit, clock, vault
from shiyu.kernel.config import settings
from shiyu.kernel.db import Base, new_id
from shiyu.kernel.errors import Refusal

SYSTEM_ADMIN, SECURITY_ADMIN, AUDIT_ADMIN = "system_admin", "security_admin", "audit_admin"
SEPARATE = (SYSTEM_ADMIN, SECURITY_ADMIN, AUDIT_ADMIN)
SEEN_EVERY = timedelta(minutes=1)  # how exactly the idle time is known

_hasher = PasswordHasher()
_DECOY = _hasher.hash("an account that does not exist takes as long to refuse")


class Account(Base):
    """账号 — a person's or a machine's access."""

    __tablename__ = "account"
    __table_args__ = (CheckConstraint("state in ('active', 'disabled')", name="state"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    username: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    password_hash: Mapped[str]
    state: Mapped[str] = mapped_column(default="active")
    failures: Mapped[int] = mapped_column(default=0)
    locked_until: Mapped[datetime | None]
    must_change: Mapped[bool] = mapped_column(default=False)
    totp_sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    totp_step: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    password_at: Mapped[datetime] = mapped_column(default=clock.now)
    last_in_at: Mapped[datetime | None]


class RoleGrant(Base):
    """授权 — an account plays a role, at an office or in an area or everywhere, for a time."""

    __tablename__ = "role_grant"
    __table_args__ = (Index(None, "account_id"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    account_id: Mapped[UUID] = mapped_column(ForeignKey(Account.id))
    role: Mapped[str]
    org_id: Mapped[UUID | None]
    area_id: Mapped[UUID | None]
    area_level: Mapped[str | None]
    from_at: Mapped[datetime] = mapped_column(default=clock.now)
    to_at: Mapped[datetime | None]
    granted_by: Mapped[UUID | None]


class Login(Base):
    """会话 — one signed-in browser. The cookie holds the secret, the row its digest."""

    __tablename__ = "login"
    __table_args__ = (Index(None, "account_id"), Index(None, "expires_at"))

    digest: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    account_id: Mapped[UUID] = mapped_column(ForeignKey(Account.id))
    csrf: Mapped[str]
    created_at: Mapped[datetime]
    seen_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    ip: Mapped[str | None]
    agent: Mapped[str | None]


@dataclass(frozen=True, slots=True)
class Grant:
    """A role and where it holds. Neither office nor area: everywhere."""

    role: str
    org_id: UUID | None = None
    area_id: UUID | None = None
    area_level: str | None = None


@dataclass(frozen=True, slots=True)
class Viewer:
    """操作人 — who asks. A citizen without an account has no id; ``reporter_of`` names the case whose token was shown."""

    id: UUID | None
    username: str = ""
    name: str = ""
    grants: tuple[Grant, ...] = ()
    exercise_id: UUID | None = None
    reporter_of: UUID | None = None
    must_change: bool = False
    csrf: str = ""
    ip: str | None = None

    def has(self, *roles: str) -> bool:
        """Whether the viewer plays one of the roles anywhere."""
        return any(grant.role in roles for grant in self.grants)

    def at(self, *roles: str) -> list[Grant]:
        """The grants of these roles."""
        return [grant for grant in self.grants if grant.role in roles]

    def need(self, *roles: str) -> None:
        """Refuse (403) who plays none of the roles."""
        if not self.has(*roles):
            raise Refusal("auth.forbidden", 403)


PUBLIC = Viewer(None, "", "")
SYSTEM = Viewer(None, "system", "系统")


# --- accounts ----------------------------------------------------------------------------------------------------------


def check_password(password: str, username: str) -> None:
    """Refuse a weak password: too short, fewer than three of four kinds of character, or holding the user name."""
    least = settings().password_min_length
    if len(password) < least:
        raise Refusal("auth.password_short", 422, field="password", least=least)
    kinds = [str.islower, str.isupper, str.isdigit, lambda c: not c.isalnum()]
    if sum(any(kind(c) for c in password) for kind in kinds) < 3:  # noqa: PLR2004 - three of the four above
        raise Refusal("auth.password_simple", 422, field="password")
    if username.lower() in password.lower():
        raise Refusal("auth.password_name", 422, field="password")


def create_account(
    s: Session,
    viewer: Viewer,
    username: str,
    name: str,
    password: str,
    grants: Iterable[Grant] = (),
    *,
    must_change: bool = True,
) -> Account:
    """开户 — a new account with its roles."""
    check_password(password, username)
    if s.scalar(select(Account.id).where(Account.username == username)):
        raise Refusal("auth.username_taken", 409, field="username", username=username)
    account = Account(
        username=username, name=name, password_hash=_hasher.hash(password), must_change=must_change, failures=0
    )
    try:
        with s.begin_nested():
            s.add(account)
    except IntegrityError as error:  # somebody else gave the same name in this very moment
        raise Refusal("auth.username_taken", 409, field="username", username=username) from error
    for item in grants:
        grant(s, viewer, account.id, item)
    audit.record(s, viewer, "account.create", subject=f"account:{account.id}", username=username)
    return account


def hash_password(password: str) -> str:
    """The argon2id hash of a password, for bulk loads of accounts."""
    return _hasher.hash(password)


def grant(s: Session, viewer: Viewer, account_id: UUID, item: Grant) -> RoleGrant:
    """授权 — give a role. The three administrations exclude each other."""
    if item.role in SEPARATE:
        held = set(s.scalars(select(RoleGrant.role).where(RoleGrant.account_id == account_id, _in_force())))
        if held & (set(SEPARATE) - {item.role}):
            raise Refusal("auth.separate_duties", 409, field="role")
    row = RoleGrant(
        account_id=account_id,
        role=item.role,
        org_id=item.org_id,
        area_id=item.area_id,
        area_level=item.area_level,
        granted_by=viewer.id,
    )
    s.add(row)
    audit.record(s, viewer, "account.grant", subject=f"account:{account_id}", role=item.role)
    return row


def revoke(s: Session, viewer: Viewer, grant_id: UUID, account_id: UUID | None = None) -> None:
    """收回授权 — end a role now; with ``account_id`` only if it is that account's. One that ended keeps its end."""
    row = s.get(RoleGrant, grant_id, with_for_update=True)
    if row is None or account_id not in (None, row.account_id):
        raise Refusal("auth.no_grant", 404)
    row.to_at = min(row.to_at or clock.now(), clock.now())
    audit.record(s, viewer, "account.revoke", subject=f"account:{row.account_id}", role=row.role)


def disable(s: Session, viewer: Viewer, account_id: UUID) -> None:
    """停用 — no sign-in any more; open sessions end at once."""
    s.execute(update(Account).where(Account.id == account_id).values(state="disabled"))
    end_logins(s, account_id)
    audit.record(s, viewer, "account.disable", subject=f"account:{account_id}")


def enable(s: Session, viewer: Viewer, account_id: UUID) -> None:
    """启用 — may sign in again."""
    s.execute(update(Account).where(Account.id == account_id).values(state="active"))
    audit.record(s, viewer, "account.enable", subject=f"account:{account_id}")


def unlock(s: Session, viewer: Viewer, account_id: UUID) -> None:
    """解锁 — forget failed sign-ins."""
    s.execute(update(Account).where(Account.id == account_id).values(failures=0, locked_until=None))
    audit.record(s, viewer, "account.unlock", subject=f"account:{account_id}")


def change_password(s: Session, viewer: Viewer, old: str, new: str) -> None:
    """修改密码 — proves the old one; other sessions end."""
    account = s.scalars(select(Account).where(Account.id == viewer.id).with_for_update()).one()
    if not _verify(account.password_hash, old):
        raise Refusal("auth.wrong_password", 422, field="old")
    if old == new:
        raise Refusal("auth.password_same", 422, field="password")
    check_password(new, account.username)
    account.password_hash, account.must_change, account.password_at = _hasher.hash(new), False, clock.now()
    end_logins(s, account.id, but=viewer.csrf)
    audit.record(s, viewer, "account.password", subject=f"account:{account.id}")


def _in_force() -> Any:
    now = clock.now()
    return (RoleGrant.from_at <= now) & or_(RoleGrant.to_at.is_(None), RoleGrant.to_at > now)


# --- sign-in -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class SignedIn:
    """What the browser receives: the secret of its cookie and who it now is."""

    token: str
    viewer: Viewer


def sign_in(
    s: Session, username: str, password: str, code: str | None, ip: str | None, agent: str | None
) -> SignedIn | Refusal:
    """登录 — a session, or the refusal as a value, so that the failed attempt is committed and counted.

    A wrong name, a wrong password and a disabled account are answered alike and take the same time.
    """
    account = s.scalar(select(Account).where(Account.username == username).with_for_update())
    now = clock.now()
    if account is not None and account.locked_until and account.locked_until > now:
        audit.record(s, PUBLIC, "sign_in", subject=f"account:{account.id}", outcome="locked", ip=ip)
        return Refusal("auth.locked", 423, until=account.locked_until)
    right = _verify(account.password_hash if account else _DECOY, password)
    if account is None or not right or account.state != "active":
        if account is not None:
            _count_failure(account, now)
        subject = f"account:{account.id}" if account else None
        audit.record(s, PUBLIC, "sign_in", subject=subject, outcome="refused", ip=ip)
        return Refusal("auth.wrong", 401, field="password")
    if account.totp_sealed is not None and not _code_fits(account, code):
        if code:
            _count_failure(account, now)
        return Refusal("auth.code_wrong" if code else "auth.code_needed", 401, field="code")
    if _hasher.check_needs_rehash(account.password_hash):
        account.password_hash = _hasher.hash(password)
    account.failures, account.locked_until, account.last_in_at = 0, None, now
    token = secrets.token_urlsafe(32)
    s.add(
        Login(
            digest=_digest(token),
            account_id=account.id,
            csrf=secrets.token_urlsafe(16),
            created_at=now,
            seen_at=now,
            expires_at=now + timedelta(hours=settings().session_hours),
            ip=ip,
            agent=(agent or "")[:200],
        )
    )
    s.flush()
    viewer = viewer_of(s, token)
    if viewer is None:
        raise RuntimeError("a fresh session must have a viewer")
    if viewer.grants and {grant.role for grant in viewer.grants} <= set(settings().standing_roles.split(",")):
        lasts = timedelta(days=settings().standing_days)
        s.execute(update(Login).where(Login.digest == _digest(token)).values(expires_at=now + lasts))
    audit.record(s, viewer, "sign_in", subject=f"account:{account.id}", ip=ip)
    return SignedIn(token, viewer)


def sign_out(s: Session, token: str) -> None:
    """退出 — the session ends."""
    s.execute(text("delete from kernel.login where digest = :digest"), {"digest": _digest(token)})


def end_logins(s: Session, account_id: UUID, but: str | None = None) -> None:
    """End every session of an account, except the one with this CSRF word."""
    s.execute(
        text("delete from kernel.login where account_id = :id and csrf is distinct from :but"),
        {"id": account_id, "but": but},
    )


_VIEWERS_SQL = text("""
select l.digest, a.id, a.username, a.name, a.must_change, l.csrf, l.seen_at,
       (select coalesce(jsonb_agg(jsonb_build_array(g.role, g.org_id, g.area_id, g.area_level) order by g.id), '[]')
          from kernel.role_grant g
         where g.account_id = a.id and g.from_at <= :now and (g.to_at is null or g.to_at > :now)) as grants
  from kernel.login l join kernel.account a on a.id = l.account_id
 where l.digest = any(:digests) and l.expires_at > :now and l.seen_at > :idle and a.state = 'active'
""")


def viewer_of(s: Session | Connection, token: str) -> Viewer | None:
    """The viewer behind a session's secret, or ``None`` when it ended, idled out or was closed. One query."""
    return viewers_of(s, [token])[0]


def viewers_of(s: Session | Connection, tokens: Sequence[str]) -> list[Viewer | None]:
    """The same for the secrets of several sessions, in their order. One query."""
    now = clock.now()
    idle = now - timedelta(minutes=settings().session_idle_minutes)
    digests = [_digest(token) for token in tokens]
    rows = s.execute(_VIEWERS_SQL, {"digests": list(set(digests)), "now": now, "idle": idle}).all()
    for row in rows:  # one by one: two processes that touch several rows could wait for each other
        if now - row.seen_at > SEEN_EVERY:
            s.execute(update(Login).where(Login.digest == row.digest).values(seen_at=now))
    found = {bytes(row.digest): _viewer(row) for row in rows}
    return [found.get(digest) for digest in digests]


def _viewer(row: Any) -> Viewer:
    grants = tuple(
        Grant(role, UUID(org) if org else None, UUID(area) if area else None, level)
        for role, org, area, level in row.grants
    )
    return Viewer(row.id, row.username, row.name, grants, must_change=row.must_change, csrf=row.csrf)


def forget_ended(s: Session) -> int:
    """Delete sessions that ended; how many."""
    found = s.execute(text("delete from kernel.login where expires_at < :now returning 1"), {"now": clock.now()})
    return len(found.all())


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


def _verify(password_hash: str, password: str) -> bool:
    try:
        return _hasher.verify(password_hash, password)
    except (VerificationError, InvalidHashError):
        return False


def _count_failure(account: Account, now: datetime) -> None:
    account.failures += 1
    if account.failures >= settings().lock_after_failures:
        account.failures, account.locked_until = 0, now + timedelta(minutes=settings().lock_minutes)


# --- second factor -----------------------------------------------------------------------------------------------------


def start_totp(viewer: Viewer) -> tuple[str, str]:
    """A fresh secret and its ``otpauth://`` address; nothing is kept until ``confirm_totp``."""
    secret = random_base32()
    return secret, TOTP(secret).provisioning_uri(name=viewer.username, issuer_name="市域 Shiyu")


def confirm_totp(s: Session, viewer: Viewer, secret: str, code: str) -> None:
    """启用双因素 — keeps the secret once the person has shown a right code."""
    if not TOTP(secret).verify(code, for_time=clock.now(), valid_window=1):
        raise Refusal("auth.code_wrong", 422, field="code")
    account = s.scalars(select(Account).where(Account.id == viewer.id).with_for_update()).one()
    account.totp_sealed = vault.seal(secret, f"kernel.account.totp:{account.id}")
    audit.record(s, viewer, "account.totp", subject=f"account:{account.id}")


def _code_fits(account: Account, code: str | None) -> bool:
    """Whether a code is right now, or was half a minute ago; each code opens once (RFC 6238 section 5.2)."""
    if not code or account.totp_sealed is None:
        return False
    totp, now = TOTP(vault.open_sealed(account.totp_sealed, f"kernel.account.totp:{account.id}")), clock.now()
    for step in (totp.timecode(now) + drift for drift in (-1, 0, 1)):
        if step > account.totp_step and hmac.compare_digest(totp.generate_otp(step), code):
            account.totp_step = step
            return True
    return False
