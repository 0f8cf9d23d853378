"""附件 — photographs, recordings and documents, kept by content below ``data_dir/files``.

A file is stored once under its SHA-256 (``ab/cd/<sha256>``), however often it is sent, and is safe on the disk before its row is
written. What it is is judged by its first bytes, never by its name. Pictures are drawn anew (``shiyu.kernel.images``); sound, film
and documents are kept as they came. An upload that no case takes (``claim``) is forgotten after a while.
"""

import hashlib
import os
import re
import shutil
import tempfile
import unicodedata
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import BinaryIO
from uuid import UUID, uuid4

import structlog
from sqlalchemy import BigInteger, CheckConstraint, Index, delete, event, func, select, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from shiyu.kernel import clock, images
from shiyu.kernel.auth import Viewer
from shiyu.kernel.config import settings
from shiyu.kernel.db import Base, transaction
from shiyu.kernel.errors import Refusal, not_found

log = structlog.get_logger(__name__)

CHUNK = 256 * 1024
FORGET_AT_ONCE = 1000  # rows a transaction
UNPACKED_LIMIT, ENTRIES_LIMIT = 200 * 1024 * 1024, 5000  # of an office document; a full workbook stays far below
NAME_LENGTH = 120


class File(Base):
    """附件 — one upload: what it is, from whom, and where and when its picture was taken (WGS-84 degrees).

    ``id`` is random, so that knowing one file tells nothing of the next. ``kind``: image, audio, video, document.
    ``claimed_at``: when a case took it; unclaimed files are forgotten. Several rows may share one content.
    """

    __tablename__ = "file"
    __table_args__ = (
        CheckConstraint("kind in ('image', 'audio', 'video', 'document')", name="kind"),
        Index(None, "sha256"),
        Index(None, "created_at", postgresql_where=text("claimed_at is null")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    sha256: Mapped[str]
    size: Mapped[int] = mapped_column(BigInteger)
    media_type: Mapped[str]
    kind: Mapped[str]
    name: Mapped[str]
    width: Mapped[int | None]
    height: Mapped[int | None]
    taken_at: Mapped[datetime | None]
    lon: Mapped[float | None]
    lat: Mapped[float | None]
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    created_by: Mapped[UUID | None]
    claimed_at: Mapped[datetime | None]
    exercise_id: Mapped[UUID | None]


# --- what it is -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Media:
    """A kind of content that is taken."""

    media_type: str
    kind: str
    ending: str


JPEG, PNG = Media("image/jpeg", "image", "jpg"), Media("image/png", "image", "png")
HEIC = Media("image/heic", "image", "heic")
MP4, MP3 = Media("video/mp4", "video", "mp4"), Media("audio/mpeg", "audio", "mp3")
DOCX = Media("application/vnd.openxmlformats-officedocument.wordprocessingml.document", "document", "docx")
XLSX = Media("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "document", "xlsx")

_BY_FIRST_BYTES: tuple[tuple[re.Pattern[bytes], Media], ...] = tuple(
    (re.compile(first, re.DOTALL), media)
    for first, media in (
        (rb"\xff\xd8\xff", JPEG),
        (rb"\x89PNG\r\n\x1a\n", PNG),
        (rb"RIFF....WEBP", Media("image/webp", "image", "webp")),
        (rb"GIF8[79]a", Media("image/gif", "image", "gif")),
        (rb"....ftyp(?:heic|heix|heim|heis|hevc|hevx|mif1|msf1)", HEIC),
        (rb"....ftypqt  ", Media("video/quicktime", "video", "mov")),
        (rb"....ftypM4[AB] ", Media("audio/mp4", "audio", "m4a")),
        (rb"....ftyp(?:iso[m2-9]|mp4[12]|avc1|M4V |MSNV|dash|3g[p2][0-9a-z])", MP4),
        (rb"RIFF....WAVE", Media("audio/wav", "audio", "wav")),
        (rb"OggS\0", Media("audio/ogg", "audio", "ogg")),
        (rb"#!AMR(?:-WB)?\n", Media("audio/amr", "audio", "amr")),
        (rb"ID3[\x02-\x04]", MP3),
        # a bare frame of MPEG layer III: eleven set bits, version not reserved, bit rate and sampling not forbidden
        (rb"\xff[\xe2\xe3\xf2\xf3\xfa\xfb][\x10-\xef]", MP3),
        (rb"%PDF-", Media("application/pdf", "document", "pdf")),
    )
)
_ZIP = b"PK\x03\x04"


def _recognise(path: Path) -> Media:
    with path.open("rb") as file:
        first = file.read(64)
    if first.startswith(_ZIP):
        return _recognise_office(path)
    for pattern, media in _BY_FIRST_BYTES:
        if pattern.match(first):
            return media
    raise _type_refused()


def _recognise_office(path: Path) -> Media:
    """A text or workbook without macros, every part of which was unpacked once under a limit."""
    try:
        with zipfile.ZipFile(path) as packed:
            entries = packed.infolist()
            if len(entries) > ENTRIES_LIMIT or sum(entry.file_size for entry in entries) > UNPACKED_LIMIT:
                raise Refusal("file.bomb_packed", 422, field="file")
            names = {entry.filename for entry in entries}
            hidden = any(entry.flag_bits & 1 for entry in entries)
            macros = any(name.lower().endswith("vbaproject.bin") for name in names)
            if hidden or macros or "[Content_Types].xml" not in names:
                raise _type_refused()
            # Unpacking stops where an entry says it ends; one that lies about that fails its check sum.
            if packed.testzip() is not None:
                raise Refusal("file.damaged", 422, field="file")
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, OSError, EOFError, ValueError) as error:
        raise Refusal("file.damaged", 422, field="file") from error
    if "word/document.xml" in names:
        return DOCX
    if "xl/workbook.xml" in names:
        return XLSX
    raise _type_refused()


def _type_refused() -> Refusal:
    return Refusal("file.type_refused", 415, field="file")


# --- verbs ----------------------------------------------------------------------------------------------------------------


def keep(s: Session, viewer: Viewer, stream: BinaryIO, name: str) -> File:
    """上传 — take in one file. Refuses: 413 too large, 415 a type that is not taken, 422 a bomb, damaged, not really a picture.

    All slow work is done before the first write, so the transaction holds nothing up.
    """
    with _workbench() as bench:
        came = bench / "came"
        _receive(stream, came)
        media = _recognise(came)
        content, picture, thumb = came, None, bench / "thumb"
        if media.kind == "image":
            content = bench / "drawn"
            picture = images.clean(came, media.media_type, content, thumb)
            media = PNG if picture.media_type == PNG.media_type else JPEG
        digest, size = _digest(content), content.stat().st_size
        _hold(s, digest)
        _place(content, _path(digest))
        if picture:
            _place(thumb, _thumb_path(digest))
    file = File(
        sha256=digest,
        size=size,
        media_type=media.media_type,
        kind=media.kind,
        name=_clean_name(name, media.ending),
        width=picture.width if picture else None,
        height=picture.height if picture else None,
        taken_at=picture.taken_at if picture else None,
        lon=picture.lon if picture else None,
        lat=picture.lat if picture else None,
        created_by=viewer.id,
        exercise_id=viewer.exercise_id,
    )
    s.add(file)
    s.flush()
    return file


def load(s: Session, file_id: UUID) -> File:
    """One file, or 404. Whether the viewer may see it is for the room whose subject claimed it to say."""
    file = s.get(File, file_id)
    if file is None:
        raise not_found("file")
    return file


def claim(s: Session, file_ids: Iterable[UUID], by: Viewer) -> list[File]:
    """认领 — a subject takes uploads, in the order given. Each can be taken once (409), and only by who sent it (else 404).

    What was sent without an account may be taken by whoever knows its id, which cannot be guessed.
    """
    wanted = list(dict.fromkeys(file_ids))
    query = select(File).where(File.id.in_(wanted)).order_by(File.id).with_for_update()
    found = {file.id: file for file in s.scalars(query, execution_options={"populate_existing": True})}
    for file_id in wanted:
        file = found.get(file_id)
        if file is None or file.created_by not in (None, by.id):
            raise Refusal("file.not_found", 404, field="files")
        if file.claimed_at is not None:
            raise Refusal("file.already_claimed", 409, field="files", name=file.name)
        file.claimed_at = clock.now()
    return [found[file_id] for file_id in wanted]


def path_of(file: File) -> Path:
    """Where the content lies."""
    return _path(file.sha256)


def thumb_of(file: File) -> Path:
    """Where the thumbnail of a picture lies (JPEG, long side 480); made now if it is missing. 404 for what is no picture."""
    if file.kind != "image":
        raise not_found("file")
    path = _thumb_path(file.sha256)
    if not path.exists():
        with _workbench() as bench:
            images.thumbnail(_path(file.sha256), bench / "thumb")
            _place(bench / "thumb", path)
    return path


def forget_unclaimed(s: Session, older_than: timedelta) -> int:
    """清理 — forget uploads that nothing took, a batch at a time; how many. Content goes after the commit, if no row needs it."""
    old = (
        select(File.id)
        .where(File.claimed_at.is_(None), File.created_at < clock.now() - older_than)
        .limit(FORGET_AT_ONCE)
        .with_for_update(skip_locked=True)
    )
    digests = list(s.scalars(delete(File).where(File.id.in_(old)).returning(File.sha256)))

    def remove(_: Session) -> None:
        for digest in set(digests):
            _remove_unused(digest)

    if digests:
        event.listen(s, "after_commit", remove, once=True)
    return len(digests)


def forget_orphans(older_than: timedelta) -> int:
    """清理 — remove content without a row (an upload rolled back, a crash between commit and removal); how many."""
    before = (clock.now() - older_than).timestamp()
    removed = 0
    for path in _root().glob("[0-9a-f][0-9a-f]/[0-9a-f][0-9a-f]/*"):
        if len(path.name) == len(hashlib.sha256().hexdigest()) and path.stat().st_mtime < before:
            removed += _remove_unused(path.name, before)
    for scrap in (_root() / "tmp").glob("*/*"):
        if scrap.stat().st_mtime < before:
            shutil.rmtree(scrap.parent, ignore_errors=True)
    return removed


# --- the store ------------------------------------------------------------------------------------------------------------


def _root() -> Path:
    return settings().data_dir / "files"


def _path(digest: str) -> Path:
    return _root() / digest[:2] / digest[2:4] / digest


def _thumb_path(digest: str) -> Path:
    return _path(digest).with_name(f"{digest}.thumb.jpg")


@contextmanager
def _workbench() -> Iterator[Path]:
    """A folder on the store's own disk that is gone afterwards."""
    place = _root() / "tmp"
    place.mkdir(parents=True, exist_ok=True, mode=0o700)
    with tempfile.TemporaryDirectory(dir=place) as folder:
        yield Path(folder)


def _receive(stream: BinaryIO, target: Path) -> None:
    limit, size = settings().max_upload_bytes, 0
    with target.open("wb") as file:
        while chunk := stream.read(CHUNK):
            size += len(chunk)
            if size > limit:
                raise Refusal("file.too_large", 413, field="file", limit=f"{limit / 1024 / 1024:g}")
            file.write(chunk)
    if not size:
        raise Refusal("file.empty", 422, field="file")


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _hold(s: Session, digest: str) -> None:
    """Until the end of the transaction nobody else places or removes this content."""
    number = int.from_bytes(bytes.fromhex(digest)[:8], signed=True)
    s.execute(select(func.pg_advisory_xact_lock(number)))


def _place(source: Path, target: Path) -> None:
    """Move a file to its place so that it survives a power cut; the same content already there is only marked as fresh."""
    if target.exists() and target.stat().st_size == source.stat().st_size:
        os.utime(target)
        return
    for folder in (target.parent.parent, target.parent):
        if not folder.exists():
            folder.mkdir(exist_ok=True, mode=0o700)
            _sync(folder.parent)
    source.chmod(0o600)
    _sync(source)
    source.replace(target)
    _sync(target.parent)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _remove_unused(digest: str, before: float | None = None) -> bool:
    """Remove content that no row needs; with ``before`` only if it was last placed earlier than that moment."""
    try:
        with transaction() as s:
            _hold(s, digest)
            path = _path(digest)
            if s.scalar(select(File.id).where(File.sha256 == digest).limit(1)) or not path.exists():
                return False
            if before is not None and path.stat().st_mtime >= before:
                return False
            path.unlink()
            _thumb_path(digest).unlink(missing_ok=True)
            return True
    except OSError as error:
        log.warning("files.not_removed", digest=digest, error=str(error))
        return False


def _clean_name(name: str, ending: str) -> str:
    """The last part of the given name, without what a file system or a reader's eye could be tricked with."""
    last = unicodedata.normalize("NFC", name).replace("\\", "/").rpartition("/")[2]
    plain = "".join(c for c in last if unicodedata.category(c)[0] != "C")
    stem = re.sub(r'[<>:"|?*]', "_", plain).strip(". ")
    stem = re.sub(r"\.[A-Za-z0-9]{1,5}$", "", stem)[:NAME_LENGTH].strip(". ")
    return f"{stem or '附件'}.{ending}"
