"""密封 — personal data sealed, masked, and found blind.

Envelope encryption: a master key outside the database wraps data keys in ``kernel.data_key``; data keys seal values. A sealed value is

    version (1 byte) · number of its key (2) · nonce (12) · ciphertext · tag (16)

under SM4-GCM (GB/T 32907) or AES-256-GCM, whichever its key was made for; the setting ``vault_cipher`` decides about new values only.
The context ("cases.reporter.phone:<id>") is authenticated with the value, so a sealed value moved to another row or column does not open.
Blind indexes and the audit chain are HMAC-SM3 (GB/T 32905) under keys of their own, which outlive every rotation.

The master key comes from ``SHIYU_VAULT_KEY`` or from a file (hex or base64; several keys, one a line, while it is being changed: the
first wraps, all unwrap). To change it: put the new key before the old one, ``rewrap``, then delete the line of the old one.
"""

import base64
import binascii
import os
import re
import secrets
import stat
import threading
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from cryptography.exceptions import InvalidTag, UnsupportedAlgorithm
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SM3
from cryptography.hazmat.primitives.hmac import HMAC
from sqlalchemy import CheckConstraint, Engine, LargeBinary, SmallInteger, event, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from shiyu.kernel import clock, db, words
from shiyu.kernel.chance import random_bytes
from shiyu.kernel.config import settings
from shiyu.kernel.db import Base
from shiyu.kernel.errors import Refusal

VERSION = 1
KEY_BYTES, NONCE_BYTES, TAG_BYTES, HEADER_BYTES = 32, 12, 16, 3
BLIND_BYTES = 16
SEAL, BLIND, CHAIN = "seal", "blind", "chain"
_KEYS_LOCK = 0x5348_0001  # advisory lock: one process makes keys
_CONTEXT_OF_KEY = "kernel.data_key:{id}:{purpose}:{cipher}"


class VaultError(Exception):
    """密封故障 — keys that are missing, exposed or wrong, or a sealed value that was altered. Never holds plain text."""

    def __init__(self, code: str, **facts: object) -> None:
        super().__init__(code)
        self.code, self.facts = code, facts

    def __str__(self) -> str:
        return f"{words.say(self.code, 'zh', **self.facts)} {words.say(self.code, 'en', **self.facts)}"


class DataKey(Base):
    """数据密钥 — a key that seals values, wrapped by the master key. A retired key still opens what it sealed.

    ``purpose``: "seal" values; "blind" indexes; "chain" of the audit. The last two are never retired: what they made is compared.
    """

    __tablename__ = "data_key"
    __table_args__ = (
        CheckConstraint("cipher in ('sm4', 'aes')", name="cipher"),
        CheckConstraint("purpose in ('seal', 'blind', 'chain')", name="purpose"),
    )

    id: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    purpose: Mapped[str]
    cipher: Mapped[str]
    wrapped: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    retired_at: Mapped[datetime | None]


# Ciphers: (key bytes) -> encrypt(nonce, plain, aad) and decrypt(nonce, sealed, aad)

_Crypt = Callable[[bytes, bytes, bytes], bytes]


def _mac(key: bytes, data: bytes) -> bytes:
    mac = HMAC(key, SM3())
    mac.update(data)
    return mac.finalize()


def _sm4(key: bytes) -> tuple[_Crypt, _Crypt]:
    algorithm = algorithms.SM4(_mac(key, b"shiyu sm4-gcm")[:16])

    def encrypt(nonce: bytes, plain: bytes, aad: bytes) -> bytes:
        crypt = Cipher(algorithm, modes.GCM(nonce)).encryptor()
        crypt.authenticate_additional_data(aad)
        return crypt.update(plain) + crypt.finalize() + crypt.tag

    def decrypt(nonce: bytes, sealed: bytes, aad: bytes) -> bytes:
        crypt = Cipher(algorithm, modes.GCM(nonce, sealed[-TAG_BYTES:])).decryptor()
        crypt.authenticate_additional_data(aad)
        return crypt.update(sealed[:-TAG_BYTES]) + crypt.finalize()

    return encrypt, decrypt


def _aes(key: bytes) -> tuple[_Crypt, _Crypt]:
    crypt = AESGCM(_mac(key, b"shiyu aes-256-gcm"))
    return crypt.encrypt, crypt.decrypt


_CIPHERS: dict[str, Callable[[bytes], tuple[_Crypt, _Crypt]]] = {"sm4": _sm4, "aes": _aes}


@dataclass(frozen=True, slots=True)
class _Key:
    header: bytes
    encrypt: _Crypt
    decrypt: _Crypt

    def seal(self, plain: bytes, context: bytes) -> bytes:
        # 96 random bits: good for 2**32 values a key (NIST SP 800-38D 8.3); rotate before.
        nonce = random_bytes(NONCE_BYTES)
        return self.header + nonce + self.encrypt(nonce, plain, self.header + context)

    def open(self, blob: bytes, context: bytes) -> bytes:
        nonce, sealed = blob[HEADER_BYTES : HEADER_BYTES + NONCE_BYTES], blob[HEADER_BYTES + NONCE_BYTES :]
        return self.decrypt(nonce, sealed, self.header + context)


def _key(number: int, cipher: str, secret: bytes) -> _Key:
    return _Key(bytes((VERSION,)) + number.to_bytes(2), *_CIPHERS[cipher](secret))


# --- the ring: every data key, unwrapped, held by the process -------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Ring:
    engine: Engine
    active: _Key
    keys: dict[int, _Key]
    blind: HMAC
    chain: HMAC


_ring: _Ring | None = None
_ring_lock = threading.Lock()


def forget() -> None:
    """Drop the keys this process holds; the next use reads them again."""
    global _ring  # noqa: PLW0603 - one ring a process
    _ring = None


def _held() -> _Ring:
    global _ring  # noqa: PLW0603
    ring, engine = _ring, db.engine()
    if ring is None or ring.engine is not engine:
        with _ring_lock:
            ring = _ring
            if ring is None or ring.engine is not engine:
                _ring = ring = _load(engine)
    return ring


def _load(engine: Engine) -> _Ring:
    """Read the keys in a transaction of its own: what the caller rolls back may not take a key with it."""
    with db.reading() as s:
        rows = _rows(s)
    if _missing(rows):
        with db.transaction() as s:
            s.execute(select(func.pg_advisory_xact_lock(_KEYS_LOCK)))
            rows = _rows(s)
            masters = _masters(make=not rows)
            for purpose in _missing(rows):
                rows.append(_add(s, purpose, rows, masters[0]))
    masters = _masters(make=False)
    secret = {row.id: _unwrap(row, masters) for row in rows}
    newest = {row.purpose: row.id for row in rows if row.purpose != SEAL or _seals(row)}
    keys = {row.id: _key(row.id, row.cipher, secret[row.id]) for row in rows if row.purpose == SEAL}
    blind, chain = HMAC(secret[newest[BLIND]], SM3()), HMAC(secret[newest[CHAIN]], SM3())
    return _Ring(engine, keys[newest[SEAL]], keys, blind, chain)


def _rows(s: Session) -> list[DataKey]:
    return list(s.scalars(select(DataKey).order_by(DataKey.id)))


def _seals(row: DataKey) -> bool:
    return row.purpose == SEAL and row.retired_at is None and row.cipher == settings().vault_cipher


def _missing(rows: Sequence[DataKey]) -> list[str]:
    have = {row.purpose for row in rows if row.purpose != SEAL or _seals(row)}
    return [purpose for purpose in (SEAL, BLIND, CHAIN) if purpose not in have]


def _add(s: Session, purpose: str, rows: Sequence[DataKey], master: bytes) -> DataKey:
    cipher = settings().vault_cipher
    row = DataKey(id=max((row.id for row in rows), default=0) + 1, purpose=purpose, cipher=cipher)
    _wrap(row, secrets.token_bytes(KEY_BYTES), master)
    s.add(row)
    s.flush()
    return row


def _wrap(row: DataKey, secret: bytes, master: bytes) -> None:
    try:
        row.wrapped = _key(0, row.cipher, master).seal(secret, _context_of(row))
    except UnsupportedAlgorithm as error:
        raise VaultError("vault.cipher_missing", cipher=row.cipher) from error


def _unwrap(row: DataKey, masters: Iterable[bytes]) -> bytes:
    for master in masters:
        try:
            return _key(0, row.cipher, master).open(row.wrapped, _context_of(row))
        except InvalidTag:
            continue
    raise VaultError("vault.master_wrong", key=row.id)


def _context_of(row: DataKey) -> bytes:
    return _CONTEXT_OF_KEY.format(id=row.id, purpose=row.purpose, cipher=row.cipher).encode()


# --- the master key -----------------------------------------------------------------------------------------------------


def _masters(*, make: bool) -> list[bytes]:
    """The master keys. A new one is made only while there is nothing that an older one wrapped."""
    given = settings().vault_key
    if given:
        return _parse(given.encode(), "SHIYU_VAULT_KEY")
    path = settings().vault_key_file or settings().data_dir / "keys" / "master.key"
    if not path.exists():
        if not make:
            raise VaultError("vault.master_missing", path=path)
        _make_master(path)
    with path.open("rb") as file:
        mode = os.fstat(file.fileno()).st_mode
        if os.name == "posix" and stat.S_IMODE(mode) & 0o077:
            raise VaultError("vault.master_exposed", path=path, mode=oct(stat.S_IMODE(mode)))
        return _parse(file.read(4096), path)


def _parse(data: bytes, where: object) -> list[bytes]:
    if len(data) == KEY_BYTES and not data.isascii():  # letters would be a key of half the length, in hex
        return [data]
    keys = [_decoded(line.strip()) for line in data.decode("ascii", "replace").splitlines() if line.strip()]
    if not keys or any(len(key) != KEY_BYTES for key in keys):
        raise VaultError("vault.master_malformed", path=where)
    return keys


def _decoded(line: str) -> bytes:
    try:
        if re.fullmatch(r"[0-9A-Fa-f]{64}", line):
            return bytes.fromhex(line)
        return base64.b64decode(line.replace("-", "+").replace("_", "/") + "=" * (-len(line) % 4), validate=True)
    except (ValueError, binascii.Error):
        return b""


def _make_master(path: Path) -> None:
    """Write a new key so that it is there whole or not at all; one made meanwhile by another process stays."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    fresh = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(fresh, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(secrets.token_bytes(KEY_BYTES).hex().encode() + b"\n")
        file.flush()
        os.fsync(file.fileno())
    try:
        path.hardlink_to(fresh)
    except FileExistsError:
        pass
    finally:
        fresh.unlink()
    for folder in (path.parent, path.parent.parent):
        descriptor = os.open(folder, os.O_RDONLY)
        os.fsync(descriptor)
        os.close(descriptor)


# --- verbs --------------------------------------------------------------------------------------------------------------


def seal(text: str, context: str) -> bytes:
    """密封 — encrypt a value for one place. ``context`` names the place ("room.table.column:<id>") and must be said to open it."""
    return _held().active.seal(text.encode(), context.encode())


def open_sealed(blob: bytes, context: str) -> str:
    """启封 — the value again. ``VaultError`` when it was altered, stands in another place, or its key is unknown."""
    if len(blob) < HEADER_BYTES + NONCE_BYTES + TAG_BYTES or blob[0] != VERSION:
        raise VaultError("vault.malformed")
    number = int.from_bytes(blob[1:HEADER_BYTES])
    key = _held().keys.get(number)
    if key is None:  # another process has rotated since
        forget()
        key = _held().keys.get(number)
    if key is None:
        raise VaultError("vault.key_unknown", key=number)
    try:
        return key.open(blob, context.encode()).decode()
    except InvalidTag as error:
        raise VaultError("vault.altered", context=context) from error


def blind(kind: str, text: str) -> bytes:
    """盲索引 — 16 bytes that are equal for equal values of a kind ("phone", "citizen_id", "email", …) and say nothing else.

    The writing is levelled first: full width, blanks, case; telephones to their digits without +86. Nothing left is refused (422).
    """
    plain = _phone_digits(text) if kind == "phone" else "".join(unicodedata.normalize("NFKC", text).split()).casefold()
    if not plain:
        raise Refusal("vault.blank", 422, kind=kind)
    mac = _held().blind.copy()
    mac.update(kind.encode() + b"\0" + plain.encode())
    return mac.finalize()[:BLIND_BYTES]


def chain_mac(data: bytes) -> bytes:
    """HMAC-SM3 (32 bytes) under the key of the audit chain."""
    mac = _held().chain.copy()
    mac.update(data)
    return mac.finalize()


def rotate_data_key(s: Session) -> int:
    """更换数据密钥 — new values get a new key; its number. Takes effect with the commit; other processes follow when they meet it."""
    s.execute(select(func.pg_advisory_xact_lock(_KEYS_LOCK)))
    rows = _rows(s)
    masters = _masters(make=not rows)
    for row in rows:
        if row.purpose == SEAL and row.retired_at is None:
            row.retired_at = clock.now()
    new = _add(s, SEAL, rows, masters[0])
    _forget_after_commit(s)
    return new.id


def rewrap(s: Session, old: bytes, new: bytes) -> int:
    """更换主密钥 — wrap every data key anew; how many. No sealed value changes. ``VaultError`` when ``old`` is not the master.

    May be run again after a failure: a key that ``new`` already wraps is no error.
    """
    if len(new) != KEY_BYTES:
        raise VaultError("vault.master_malformed", path="new")
    s.execute(select(func.pg_advisory_xact_lock(_KEYS_LOCK)))
    rows = _rows(s)
    for row in rows:
        _wrap(row, _unwrap(row, [old, new]), new)
    s.flush()
    _forget_after_commit(s)
    return len(rows)


def _forget_after_commit(s: Session) -> None:
    # Not before: a value sealed with a key that is rolled back would be lost.
    event.listen(s, "after_commit", lambda _: forget(), once=True)


# --- masking ------------------------------------------------------------------------------------------------------------

_COMPOUND = re.compile(
    "欧阳|太史|端木|上官|司马|东方|独孤|南宫|万俟|闻人|夏侯|诸葛|尉迟|公羊|赫连|澹台|皇甫|宗政|濮阳|公冶|太叔|申屠|公孙|"
    "慕容|仲孙|钟离|长孙|宇文|司徒|鲜于|司空|闾丘|令狐|百里|呼延|东郭|西门|南门|纳兰|第五|轩辕|拓跋"
)
_HOUSE = re.compile(
    r"[0-9０-９零〇一二三四五六七八九十百甲乙丙丁A-Za-z]{1,8}[\s#-]{0,2}(?:号|弄|栋|幢|座|楼|单元|门|室|户|组|期)"
)
_DOWN_TO = (re.compile(r".*(?:大街|大道|路|街(?!道)|巷|胡同)"), re.compile(r".*(?:村|屯|镇|乡|街道|社区|区|县|市|省)"))


def _phone_digits(text: str) -> str:
    """Digits of a telephone number as one dials them at home: no +86, no extension."""
    level = re.split(r"转|分机|ext|[x#;,，；]", unicodedata.normalize("NFKC", text).strip().lower(), maxsplit=1)[0]
    digits = "".join(c for c in level if c in "0123456789")
    abroad = re.match(r"(?:\+|00)\s*86", level) or (len(digits) == 13 and digits.startswith("861"))  # noqa: PLR2004 - 86 + mobile
    if not abroad:
        return digits[1:] if re.fullmatch(r"01[3-9]\d{9}", digits) else digits
    digits = digits.removeprefix("00").removeprefix("86")
    # +86 412… drops the zero of the area code; mobiles and 400/800 have none.
    return digits if re.match(r"1[3-9]|0|[48]00", digits) else "0" + digits


def mask_phone(text: str) -> str:
    """脱敏(电话) — 138****5678; of a local number only the last two digits."""
    digits = _phone_digits(text)
    if len(digits) >= 10:  # noqa: PLR2004 - a number with its area code
        return f"{digits[:3]}****{digits[-4:]}"
    return f"****{digits[-2:]}" if len(digits) >= 7 else "****" if digits else ""  # noqa: PLR2004 - a local number


def mask_name(text: str) -> str:
    """脱敏(姓名) — the family name only: 张**, 欧阳*."""
    name = text.strip()
    if not name:
        return ""
    family = name[:2] if _COMPOUND.match(name) and len(name) > 2 else name[:1]  # noqa: PLR2004 - a compound family name
    return family + "*" * min(max(len(name) - len(family), 1), 2)


def mask_id(text: str) -> str:
    """脱敏(证件号) — the first three and last two of a citizen id; of shorter papers only the last two."""
    number = "".join(unicodedata.normalize("NFKC", text).split())
    if len(number) >= 15:  # noqa: PLR2004 - citizen ids have 15 or 18 places (GB 11643)
        return number[:3] + "*" * (len(number) - 5) + number[-2:]
    return "*" * (len(number) - 2) + number[-2:] if len(number) > 4 else "*" * len(number)  # noqa: PLR2004 - too short to show


def mask_email(text: str) -> str:
    """脱敏(邮箱) — the first letter and the domain."""
    name, at, domain = text.strip().replace("＠", "@").rpartition("@")
    return f"{name[:1]}***@{domain}" if at else "***" if domain else ""


def mask_address(text: str) -> str:
    """脱敏(地址) — down to the road, or to the village, community or district where no road is named."""
    address = text.strip()
    if not address:
        return ""
    house = _HOUSE.search(address)
    before = address[: house.start()] if house else address
    known = next((found.group() for rule in _DOWN_TO if (found := rule.match(before))), "")
    return known + "***"


_D = "[0-9０-９]"
_SENSITIVE = re.compile(
    rf"""
    (?P<email>[A-Za-z0-9._%+-]{{1,64}}[@＠][A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+)
  | (?P<plate>[京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼][A-Za-z][·•\s-]?
      (?=[A-Za-z]{{0,5}}[0-9])[A-HJ-NP-Za-hj-np-z0-9]{{4,5}}[A-HJ-NP-Za-hj-np-z0-9挂学警港澳])(?![A-Za-z0-9])
  | (?<!{_D})(?:
        (?P<id>{_D}{{6}}[ ]?{_D}{{8}}[ ]?{_D}{{3}}[0-9０-９XxＸｘ])
      | (?P<card>{_D}{{4}}(?:[ -]{_D}{{4}}){{3}}(?:[ -]?{_D}{{1,3}})?)
      | (?P<long>{_D}{{15,}})
      | (?P<phone>(?:(?:[+＋]|00)?86[ -]?|[0０])?[1１][ ]?[3-9３-９](?:(?:[ ]?{_D}){{9}}|{_D}-?{_D}{{4}}-?{_D}{{4}}|{_D}-?{_D}{{3}}-?{_D}{{5}}|{_D}{{2}}-{_D}{{3}}-{_D}{{4}}))
      | (?P<line>(?:(?:[+＋]|00)86[ -]?)?[(（]?[0０]{_D}{{2,3}}[)）]?[ -]?{_D}{{7,8}}|(?:[+＋]|00)86[ -]?{_D}{{2,3}}[ -]?{_D}{{7,8}})
    )(?!{_D})
  | (?P<word>电话|手机|座机|固话|号码|联系方式|致电|微信|[Tt][Ee][Ll]|QQ|qq)(?P<gap>[^0-9０-９\n]{{0,4}})(?P<local>{_D}{{6,12}})(?!{_D})
    """,
    re.VERBOSE,
)


def mask_text(text: str) -> str:
    """脱敏(文本) — free text with telephone numbers, citizen ids, bank cards, e-mail addresses and number plates hidden.

    For indexes, facts, logs and language models. Names and addresses in free text have no form to know them by and stay.
    """
    return _SENSITIVE.sub(_hidden, text)


def _hidden(match: re.Match[str]) -> str:
    kind, found = match.lastgroup, match.group()
    if kind == "email":
        return mask_email(found)
    if kind == "plate":
        return found[:2] + "*****"
    if kind == "id":
        return mask_id(found)
    if kind in ("card", "long"):
        digits = re.sub(r"\D", "", found)
        return "*" * (len(digits) - 4) + digits[-4:]
    if kind == "local":
        return f"{match['word']}{match['gap']}{mask_phone(match['local'])}"
    return mask_phone(found)
