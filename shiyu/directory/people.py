"""人员 — the staff of offices and grids. The work telephone is public to colleagues, the personal one is sealed."""

from collections.abc import Sequence
from datetime import date
from uuid import UUID

from sqlalchemy import Date, ForeignKey, Index, LargeBinary, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from shiyu.directory import identifiers, names
from shiyu.directory.places import KEEPERS, may_keep
from shiyu.kernel import audit, vault
from shiyu.kernel.auth import SYSTEM, Account, Viewer
from shiyu.kernel.db import Base, new_id
from shiyu.kernel.errors import Refusal, not_found

_SHORTEST_REASON = 2

STAFF_KEEPERS = (*KEEPERS, "dispatcher", "supervisor")
"""Roles that keep the staff of their areas; whose posts, ``posts.kept_by`` says."""


class Person(Base):
    """工作人员 — one who holds posts. ``telephone_sealed`` opens in its own context only; ``telephone_blind`` finds it unseen."""

    __tablename__ = "person"
    __table_args__ = (Index(None, "sort_key", "id"), Index(None, "telephone_blind"))

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    name: Mapped[str]
    work_telephone: Mapped[str | None]
    telephone_sealed: Mapped[bytes | None] = mapped_column(LargeBinary, deferred=True)
    telephone_blind: Mapped[bytes | None] = mapped_column(LargeBinary, deferred=True)
    account_id: Mapped[UUID | None] = mapped_column(ForeignKey(Account.id), unique=True)
    valid_from: Mapped[date] = mapped_column(Date)
    valid_to: Mapped[date | None] = mapped_column(Date)
    sort_key: Mapped[str]
    initials: Mapped[str]
    origin: Mapped[str] = mapped_column(default="manual")


def add_person(
    s: Session,
    viewer: Viewer,
    *,
    name: str,
    valid_from: date,
    work_telephone: str | None = None,
    telephone: str | None = None,
    origin: str = "manual",
) -> Person:
    """登记人员 — a member of staff. Telephones that cannot be one are refused (422)."""
    _may_staff(viewer)
    row = Person(
        id=new_id(),
        name=name,
        work_telephone=_telephone(work_telephone, "work_telephone") if work_telephone else None,
        valid_from=valid_from,
        sort_key=names.sort_key(name),
        initials=names.initials(name),
        origin=origin,
    )
    if telephone:
        _seal(row, telephone)
    s.add(row)
    s.flush()
    audit.record(s, viewer, "person.add", subject=f"person:{row.id}")
    return row


def find_or_add(
    s: Session,
    viewer: Viewer,
    *,
    name: str,
    valid_from: date,
    work_telephone: str | None = None,
    telephone: str | None = None,
    username: str | None = None,
) -> Person:
    """认领或登记人员 — the person of that account, or of that name and telephone, or else a new one; linked to the account.

    Refuses (422) an account that does not exist and one that is linked to a person of another name.
    """
    _may_staff(viewer)
    account = s.scalar(select(Account).where(Account.username == username.lower())) if username else None
    if username and account is None:
        raise Refusal("person.no_account", 422, field="username", username=username)
    if account is not None and (known := of_account(s, account.id)) is not None:
        if known.name != name:
            raise Refusal("person.other_name", 422, field="username", username=account.username)
        return known
    found = next((one for one in by_telephone(s, telephone) if one.name == name), None) if telephone else None
    row = found or add_person(
        s, viewer, name=name, valid_from=valid_from, work_telephone=work_telephone, telephone=telephone
    )
    if account is not None and row.account_id is None:
        row.account_id = account.id
        s.flush()
        audit.record(s, viewer, "person.link", subject=f"person:{row.id}")
    return row


def change_telephone(s: Session, viewer: Viewer, person: Person, telephone: str) -> None:
    """变更电话 — the personal telephone, sealed anew."""
    may_keep(viewer)
    _seal(person, telephone)
    audit.record(s, viewer, "person.telephone", subject=f"person:{person.id}")


def reveal_telephone(s: Session, viewer: Viewer, person_id: UUID, reason: str) -> str:
    """还原电话 — the personal telephone in clear, for a reason that is kept. Refuses (422) without a reason, (404) where none is known."""
    viewer.need("dispatcher", "coordinator")
    if len(reason.strip()) < _SHORTEST_REASON:
        raise Refusal("person.no_reason", 422, field="reason")
    sealed = s.scalar(select(Person.telephone_sealed).where(Person.id == person_id))
    if sealed is None:
        raise not_found("person")
    audit.record(s, viewer, "person.reveal", subject=f"person:{person_id}", reason=reason)
    return vault.open_sealed(sealed, _context(person_id))


def by_telephone(s: Session, telephone: str) -> Sequence[Person]:
    """Who has this personal or work telephone; found without opening anything."""
    number = identifiers.telephone(telephone)
    if number is None:
        return []
    found = (Person.telephone_blind == vault.blind("phone", number)) | (Person.work_telephone == number)
    return s.scalars(select(Person).where(found, Person.valid_to.is_(None)).order_by(Person.sort_key, Person.id)).all()


def link_account(s: Session, viewer: Viewer, person_id: UUID, account_id: UUID) -> None:
    """绑定账号 — this person signs in with that account. Refuses (409) an account that another person has."""
    may_keep(viewer)
    person = s.get(Person, person_id)
    if person is None:
        raise not_found("person")
    other = s.scalar(select(Person.id).where(Person.account_id == account_id, Person.id != person_id))
    if other is not None:
        raise Refusal("person.account_taken", 409, field="account_id")
    person.account_id = account_id
    audit.record(s, viewer, "person.link", subject=f"person:{person_id}")


def of_account(s: Session, account_id: UUID) -> Person | None:
    """The member of staff who signs in with an account."""
    return s.scalar(select(Person).where(Person.account_id == account_id))


def _may_staff(viewer: Viewer) -> None:
    if viewer is not SYSTEM:
        viewer.need(*STAFF_KEEPERS)


def _seal(person: Person, telephone: str) -> None:
    number = _telephone(telephone, "telephone")
    person.telephone_sealed = vault.seal(number, _context(person.id))
    person.telephone_blind = vault.blind("phone", number)


def _telephone(given: str, field: str) -> str:
    number = identifiers.telephone(given)
    if number is None:
        raise Refusal("person.bad_telephone", 422, field=field)
    return number


def _context(person_id: UUID) -> str:
    return f"directory.person.telephone:{person_id}"
