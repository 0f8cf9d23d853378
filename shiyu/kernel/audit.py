"""留痕 — who looked at what and why, who changed which setting; sealed in a chain so that nothing can be altered unnoticed.

Rows are appended freely with the act they tell of. One job seals them every second: each seal is HMAC-SM3 over the previous seal and
the row, under a key that the vault keeps outside the database. Rows also carry a MAC of their own from the moment they are written,
so that what is slipped in, or altered before its seal, shows too.

**Order.** Sealed is only what has ended: rows whose transaction id lies below ``pg_snapshot_xmin``, so a late commit is sealed later,
never skipped. Transaction ids begin anew when a dump is restored into another server; then rows are sought by their missing seals.

**The end of the chain** can be cut off with its seals, and only a head kept elsewhere shows it: ``data_dir/audit-heads.log`` keeps one
a minute, ``head`` prints one for a paper or another machine. A row deleted within the second before its seal leaves only a gap.

No row is ever updated.
"""

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Protocol
from uuid import UUID

import orjson
from sqlalchemy import BigInteger, Index, LargeBinary, Row, func, insert, select, text
from sqlalchemy import Sequence as DbSequence
from sqlalchemy.orm import Mapped, Session, mapped_column

from shiyu.kernel import clock, vault, words
from shiyu.kernel.config import settings
from shiyu.kernel.db import Base, Page, page
from shiyu.kernel.errors import Refusal

AUDIT_ADMIN = "audit_admin"
HEAD_EVERY = timedelta(minutes=1)
CHUNK = 5000
_SEAL_LOCK = 0x5348_0002  # advisory lock: one process seals
_START = bytes(32)
_INT64 = 2**63

audit_seq = DbSequence("audit_seq", schema="kernel", metadata=Base.metadata)


class Who(Protocol):
    """Whoever acts, as far as this book needs to know (``auth.Viewer``)."""

    @property
    def id(self) -> UUID | None: ...
    @property
    def username(self) -> str: ...
    @property
    def ip(self) -> str | None: ...
    def has(self, *roles: str) -> bool: ...


class Audit(Base):
    """留痕 — one act: who, when, from where, what, on which subject, why, how it ended. Holds no personal data of third persons.

    ``outcome``: "done", "refused", …; ``data``: ids and codes; ``mac``: HMAC-SM3 over everything but ``xid``.
    """

    __tablename__ = "audit"
    __table_args__ = (
        Index(None, "xid", "seq"),
        Index(None, "at"),
        Index(None, "account_id", "seq"),
        Index(None, "action", "seq"),
        Index(None, "subject", "seq"),
    )

    seq: Mapped[int] = mapped_column(BigInteger, audit_seq, primary_key=True, server_default=audit_seq.next_value())
    at: Mapped[datetime]
    account_id: Mapped[UUID | None]
    username: Mapped[str]
    action: Mapped[str]
    subject: Mapped[str | None]
    reason: Mapped[str | None]
    outcome: Mapped[str]
    ip: Mapped[str | None]
    data: Mapped[dict[str, Any]]
    mac: Mapped[bytes] = mapped_column(LargeBinary)
    xid: Mapped[int] = mapped_column(BigInteger, server_default=text("(pg_current_xact_id()::text::bigint)"))


class AuditSeal(Base):
    """留痕封签 — one link of the chain: which row stands at which position (from 1, without gaps), and the digest up to it."""

    __tablename__ = "audit_seal"

    position: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    audit_seq: Mapped[int] = mapped_column(BigInteger, unique=True)
    digest: Mapped[bytes] = mapped_column(LargeBinary)
    sealed_at: Mapped[datetime] = mapped_column(default=clock.now)


@dataclass(frozen=True, slots=True)
class Head:
    """链首 — the newest seal, to be kept where the database's keepers cannot reach it. Written "position digest"."""

    position: int
    digest: bytes

    def __str__(self) -> str:
        return f"{self.position} {self.digest.hex()}"

    @classmethod
    def parse(cls, line: str) -> "Head":
        """From its written form. ``ValueError`` when it is none."""
        position, digest = line.split()
        return cls(int(position), bytes.fromhex(digest))


@dataclass(frozen=True, slots=True)
class Verdict:
    """验证结论 — whether the chain holds, how many sealed rows were read, and the first row (``seq``) that is not as it was.

    ``reason``: changed; deleted; reordered (or another seal); inserted; left_out (kept from its seal); cut (the end is missing);
    rewritten (a head kept earlier differs).
    """

    ok: bool
    rows: int
    first_bad: int | None = None
    reason: str | None = None

    def say(self, lang: str = "zh") -> str:
        """The verdict as a sentence."""
        return words.say(f"audit.verdict.{self.reason or 'ok'}", lang, rows=self.rows, seq=self.first_bad)


# --- writing --------------------------------------------------------------------------------------------------------------


def record(
    s: Session,
    viewer: Who,
    action: str,
    subject: str | None = None,
    reason: str | None = None,
    outcome: str = "done",
    ip: str | None = None,
    **data: Any,
) -> None:
    """留痕 — write down an act in its own transaction. ``data`` takes ids and codes only; numbers of people in ``reason`` are masked."""
    # The number is drawn beforehand, for the MAC: no row can be copied under another one.
    row = {
        "seq": s.scalar(select(audit_seq.next_value())),
        "at": clock.now(),
        "account_id": viewer.id,
        "username": viewer.username,
        "action": action,
        "subject": subject,
        "reason": None if reason is None else vault.mask_text(_text(reason)),
        "outcome": outcome,
        "ip": ip or viewer.ip,
        "data": _plain(data),
    }
    s.execute(insert(Audit).values(**row, mac=vault.chain_mac(_body(row))))


def record_reveal(s: Session, viewer: Who, subject: str, reason: str, fields: list[str]) -> None:
    """还原留痕 — someone saw sealed data in clear: of whom, which fields, why. Without a reason it is refused (422)."""
    if not reason.strip():
        raise Refusal("audit.reason_missing", 422, field="reason")
    record(s, viewer, "reveal", subject, reason.strip(), fields=fields)


def _plain(value: Any) -> Any:
    """As it comes back from the database: text, whole numbers, truth values, lists and maps of them."""
    if value is None or (isinstance(value, int) and -_INT64 <= value < _INT64):  # truth values are whole numbers here
        return value
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(item) for item in value]
    return _text(str(value))


def _text(value: str) -> str:
    return value.replace("\0", "")  # PostgreSQL stores no such character


def _body(row: Mapping[Any, Any]) -> bytes:
    """Everything but ``xid``, in one unmistakable writing."""
    at: datetime = row["at"]
    account = row["account_id"]
    return orjson.dumps(
        [
            row["seq"],
            at.astimezone(UTC).isoformat(timespec="microseconds"),
            str(account) if account else None,
            *(row[name] for name in ("username", "action", "subject", "reason", "outcome", "ip", "data")),
        ],
        option=orjson.OPT_SORT_KEYS,
    )


# --- sealing --------------------------------------------------------------------------------------------------------------

_EDGE = "pg_snapshot_xmin(pg_current_snapshot())::text::bigint"
_NEXT_EDGE = "pg_snapshot_xmax(pg_current_snapshot())::text::bigint"

_LAST = text(f"""
select l.position, l.digest, l.audit_seq, a.xid, {_NEXT_EDGE} as next_xid
  from kernel.audit_seal l left join kernel.audit a on a.seq = l.audit_seq
 order by l.position desc limit 1
""")  # noqa: S608 - constants

# The same server as ever: everything behind the newest sealed row, by transaction.
_UNSEALED = text(f"""
select a.* from kernel.audit a
 where (a.xid, a.seq) > (:xid, :seq) and a.xid < {_EDGE}
   and not exists (select from kernel.audit_seal l where l.audit_seq = a.seq)
 order by a.xid, a.seq limit :limit
""")  # noqa: S608 - constants

# Another server, younger than the rows: whatever has no seal. A visible row with an id not yet given out came with the dump.
_UNSEALED_ANYWHERE = text(f"""
select a.* from kernel.audit a
 where (a.xid < {_EDGE} or a.xid >= {_NEXT_EDGE})
   and not exists (select from kernel.audit_seal l where l.audit_seq = a.seq)
 order by a.seq limit :limit
""")  # noqa: S608 - constants


def seal_new(s: Session, limit: int = CHUNK) -> int:
    """封签 — add what has ended to the chain, at most ``limit`` rows; how many. Called by one job every second.

    Before, the head that an earlier transaction committed is noted in the log of heads, at most once a minute.
    """
    s.execute(select(func.pg_advisory_xact_lock(_SEAL_LOCK)))
    last = s.execute(_LAST).first()
    own = s.info.get("audit.sealed_in") is s.get_transaction()
    if last and not own:  # a head that may yet be rolled back is not noted
        _note(Head(last.position, last.digest))
    position, digest = (last.position, last.digest) if last else (0, _START)
    if last is None or last.xid is None or last.xid >= last.next_xid:
        found = s.execute(_UNSEALED_ANYWHERE, {"limit": limit}).all()
    else:
        found = s.execute(_UNSEALED, {"xid": last.xid, "seq": last.audit_seq, "limit": limit}).all()
    seals: list[dict[str, Any]] = []
    for row in found:
        position, digest = position + 1, _link(digest, row)
        seals.append({"position": position, "audit_seq": row.seq, "digest": digest, "sealed_at": clock.now()})
    if seals:
        s.execute(insert(AuditSeal), seals)
        s.info["audit.sealed_in"] = s.get_transaction()
    return len(seals)


def head(s: Session) -> Head | None:
    """链首 — the newest seal, to be kept outside; ``None`` before the first."""
    row = s.execute(select(AuditSeal.position, AuditSeal.digest).order_by(AuditSeal.position.desc()).limit(1)).first()
    return Head(*row) if row else None


def _link(before: bytes, row: Row[Any]) -> bytes:
    return vault.chain_mac(before + row.mac + orjson.dumps([row.seq, row.xid]))


def heads_path() -> Path:
    """The log of heads."""
    return settings().data_dir / "audit-heads.log"


def _note(new: Head) -> None:
    path = heads_path()
    newest = _newest_note(path)
    if newest and (newest[1].position >= new.position or clock.now() - newest[0] < HEAD_EVERY):
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab") as file:
        if file.tell() and not _ends_whole(path):
            file.write(b"\n")
        file.write(f"{clock.now().astimezone(UTC).isoformat(timespec='seconds')} {new}\n".encode())
        file.flush()
        os.fsync(file.fileno())


def _ends_whole(path: Path) -> bool:
    with path.open("rb") as file:
        file.seek(-1, os.SEEK_END)
        return file.read(1) == b"\n"


def _newest_note(path: Path) -> tuple[datetime, Head] | None:
    if not path.exists():
        return None
    with path.open("rb") as file:
        file.seek(max(path.stat().st_size - 400, 0))
        lines = file.read().splitlines()
    for line in reversed(lines):
        if (note := _read_note(line)) is not None:
            return note
    return None


def _read_note(line: bytes) -> tuple[datetime, Head] | None:
    try:
        at, _, rest = line.decode().partition(" ")
        return datetime.fromisoformat(at), Head.parse(rest)
    except ValueError:
        return None


# --- verifying ------------------------------------------------------------------------------------------------------------

_CHAIN = text("""
select l.position, l.audit_seq, l.digest, a.*
  from kernel.audit_seal l left join kernel.audit a on a.seq = l.audit_seq
 where l.position > :after order by l.position limit :limit
""")

_LEFT_OUT = text(f"""
select a.*, {_NEXT_EDGE} as next_xid from kernel.audit a
 where not exists (select from kernel.audit_seal l where l.audit_seq = a.seq) and a.seq > :after
 order by a.seq limit :limit
""")  # noqa: S608 - constants


def verify(s: Session, progress: Callable[[int], None] | None = None, kept: Head | None = None) -> Verdict:
    """验证 — read the whole chain again and say whether every row is as it was written.

    ``kept``: a head kept outside, besides those in the log of heads. ``progress`` hears the number of rows read so far.
    """
    notes = _Notes(kept)
    position, digest, newest = 0, _START, None
    while chunk := s.execute(_CHAIN, {"after": position, "limit": CHUNK}).all():
        for row in chunk:
            reason = _fault(row, position, digest)
            if reason is None and not notes.agree(row.position, row.digest):
                reason = "rewritten"
            if reason:
                return Verdict(False, position, row.audit_seq, reason)
            position, digest, newest = row.position, row.digest, row
        if progress:
            progress(position)
    if notes.beyond(position):
        return Verdict(False, position, None, "cut")
    return _judge_unsealed(s, position, newest)


def _fault(row: Row[Any], position: int, digest: bytes) -> str | None:
    if row.seq is None or row.position != position + 1:
        return "deleted"
    if vault.chain_mac(_body(row._mapping)) != row.mac:
        return "changed"
    return None if _link(digest, row) == row.digest else "reordered"


def _judge_unsealed(s: Session, position: int, newest: Row[Any] | None) -> Verdict:
    """Rows without a seal are fresh: their own MAC must hold, and none may sort before the newest seal (it would never get one)."""
    after = 0
    while chunk := s.execute(_LEFT_OUT, {"after": after, "limit": CHUNK}).all():
        for row in chunk:
            if vault.chain_mac(_body(row._mapping)) != row.mac:
                return Verdict(False, position, row.seq, "inserted")
            if newest and (row.xid, row.seq) < (newest.xid, newest.seq) and newest.xid < row.next_xid:
                return Verdict(False, position, row.seq, "left_out")
        after = chunk[-1].seq
    return Verdict(True, position)


class _Notes:
    """The heads noted in the log up to now, read along with the chain."""

    def __init__(self, kept: Head | None) -> None:
        self._kept = kept
        self._lines = _noted()
        self._next = next(self._lines, None)

    def agree(self, position: int, digest: bytes) -> bool:
        """Whether no head of this position says otherwise. Asked for growing positions."""
        agree = self._kept is None or self._kept.position != position or self._kept.digest == digest
        while self._next and self._next.position <= position:
            agree = agree and (self._next.position < position or self._next.digest == digest)
            self._next = next(self._lines, None)
        return agree

    def beyond(self, position: int) -> bool:
        """Whether a head was noted beyond the end of the chain."""
        return self._next is not None or (self._kept is not None and self._kept.position > position)


def _noted() -> Iterator[Head]:
    path = heads_path()
    end = path.stat().st_size if path.exists() else 0  # what is noted while the chain is read is not of interest
    return _read_notes(path, end) if end else iter(())


def _read_notes(path: Path, end: int) -> Iterator[Head]:
    with path.open("rb") as file:
        while file.tell() < end and (line := file.readline()):
            if (note := _read_note(line)) is not None:
                yield note[1]


# --- reading --------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Sought:
    """What the audit administrator looks for; what is left out is not asked. ``since`` is included, ``until`` is not."""

    account_id: UUID | None = None
    username: str | None = None
    action: str | None = None
    subject: str | None = None
    outcome: str | None = None
    since: datetime | None = None
    until: datetime | None = None


def entries(s: Session, viewer: Who, filters: Sought | None = None, after: str | None = None, limit: int = 50) -> Page:
    """审计记录 — newest first, for the audit administrator alone (else 403)."""
    if not viewer.has(AUDIT_ADMIN):
        raise Refusal("auth.forbidden", 403)
    sought = filters or Sought()
    query = select(Audit)
    for name in ("account_id", "username", "action", "subject", "outcome"):
        if (value := getattr(sought, name)) is not None:
            query = query.where(getattr(Audit, name) == value)
    if sought.since is not None:
        query = query.where(Audit.at >= sought.since)
    if sought.until is not None:
        query = query.where(Audit.at < sought.until)
    return page(s, query, [Audit.seq], [int], after=after, limit=limit)
