"""附件: kept by content, judged by content, safe on the disk before the row; nothing is removed that a row still needs."""

import hashlib
import io
import os
import threading
import zipfile
from contextlib import suppress
from datetime import timedelta
from io import BytesIO
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from PIL import Image
from sqlalchemy import func, select

from shiyu.kernel import clock, files
from shiyu.kernel.auth import PUBLIC, Viewer
from shiyu.kernel.config import settings
from shiyu.kernel.db import reading, transaction
from shiyu.kernel.errors import Refusal
from shiyu.kernel.files import File, claim, forget_orphans, forget_unclaimed, keep, load, path_of, thumb_of

WORKER = Viewer(UUID(int=1), "grid1", "网格员一号")
OTHER = Viewer(UUID(int=2), "grid2", "网格员二号", exercise_id=UUID(int=77))
PDF = b"%PDF-1.7\nsynthetic"


@pytest.fixture(autouse=True)
def store(database, tmp_path, monkeypatch):
    monkeypatch.setenv("SHIYU_DATA_DIR", str(tmp_path / "store"))
    monkeypatch.setenv("SHIYU_MAX_UPLOAD_BYTES", str(2 * 1024 * 1024))
    settings.cache_clear()
    yield tmp_path / "store" / "files"
    monkeypatch.undo()
    settings.cache_clear()


def photo(colour: str = "red", kind: str = "JPEG", size: tuple[int, int] = (640, 480)) -> bytes:
    out = BytesIO()
    Image.new("RGB", size, colour).save(out, kind)
    return out.getvalue()


def office(*names: str, **contents: bytes) -> bytes:
    out = BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as packed:
        for name in names:
            packed.writestr(name, contents.get(name, b"<x/>"))
    return out.getvalue()


WORD = office("[Content_Types].xml", "word/document.xml")
SHEET = office("[Content_Types].xml", "xl/workbook.xml")


def kept(content: bytes, name: str = "a", viewer: Viewer = WORKER) -> File:
    with transaction() as s:
        return keep(s, viewer, BytesIO(content), name)


def refused(content: bytes | io.BufferedIOBase, name: str = "a.jpg") -> tuple[str, int]:
    stream = BytesIO(content) if isinstance(content, bytes) else content
    with pytest.raises(Refusal) as caught, transaction() as s:
        keep(s, WORKER, stream, name)
    assert not list((settings().data_dir / "files" / "tmp").iterdir())
    return caught.value.code, caught.value.status


def stored(store: Path) -> list[str]:
    return sorted(path.name for path in store.glob("??/??/*"))


def test_a_photograph_is_kept_by_its_content_with_a_thumbnail(store):
    file = kept(photo(), "楼道.jpg")

    content = path_of(file).read_bytes()
    assert hashlib.sha256(content).hexdigest() == file.sha256
    assert path_of(file) == store / file.sha256[:2] / file.sha256[2:4] / file.sha256
    assert (file.size, file.media_type, file.kind, file.name) == (len(content), "image/jpeg", "image", "楼道.jpg")
    assert (file.width, file.height, file.created_by, file.claimed_at) == (640, 480, WORKER.id, None)
    assert Image.open(thumb_of(file)).size == (480, 360)
    assert thumb_of(file).name == f"{file.sha256}.thumb.jpg"
    assert path_of(file).stat().st_mode & 0o077 == 0
    with reading() as s:
        assert load(s, file.id).sha256 == file.sha256


def test_ids_of_files_cannot_be_guessed(database):
    first, second = kept(PDF), kept(PDF)

    assert first.id.version == second.id.version == 4


def test_the_same_content_is_stored_once_for_many_rows(store):
    first, second = kept(photo(), "a.jpg"), kept(photo(), "b.jpg", OTHER)

    assert first.id != second.id
    assert (first.sha256, second.exercise_id) == (second.sha256, OTHER.exercise_id)
    assert len(stored(store)) == 2  # content and thumbnail


@pytest.mark.parametrize(
    ("content", "media_type", "kind", "ending"),
    [
        (photo(kind="JPEG"), "image/jpeg", "image", "jpg"),
        (photo(kind="PNG"), "image/png", "image", "png"),
        (photo(kind="WEBP"), "image/jpeg", "image", "jpg"),
        (photo(kind="GIF"), "image/png", "image", "png"),
        (photo(kind="HEIF"), "image/jpeg", "image", "jpg"),
        (PDF, "application/pdf", "document", "pdf"),
        (WORD, files.DOCX.media_type, "document", "docx"),
        (SHEET, files.XLSX.media_type, "document", "xlsx"),
        (b"\0\0\0\x20ftypisom" + bytes(40), "video/mp4", "video", "mp4"),
        (b"\0\0\0\x20ftypmp42" + bytes(40), "video/mp4", "video", "mp4"),
        (b"\0\0\0\x20ftyp3gp5" + bytes(40), "video/mp4", "video", "mp4"),
        (b"\0\0\0\x14ftypqt  " + bytes(40), "video/quicktime", "video", "mov"),
        (b"\0\0\0\x20ftypM4A " + bytes(40), "audio/mp4", "audio", "m4a"),
        (b"ID3\x03\0" + bytes(40), "audio/mpeg", "audio", "mp3"),
        (b"\xff\xfb\x90\x64" + bytes(40), "audio/mpeg", "audio", "mp3"),
        (b"RIFF\0\0\0\0WAVEfmt " + bytes(40), "audio/wav", "audio", "wav"),
        (b"OggS\0" + bytes(40), "audio/ogg", "audio", "ogg"),
        (b"#!AMR\n" + bytes(40), "audio/amr", "audio", "amr"),
    ],
)
def test_a_file_is_what_its_bytes_say_and_not_what_its_name_says(content, media_type, kind, ending):
    file = kept(content, "证据.exe")

    assert (file.media_type, file.kind, file.name) == (media_type, kind, f"证据.{ending}")


@pytest.mark.parametrize(
    "content",
    [
        b"MZ\x90\0" + bytes(60),
        b"<html><script>alert(1)</script>",
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        b"plain words",
        b"\x7fELF" + bytes(60),
        b"\xff\xfe" + "文字".encode("utf-16-le"),
        b"BM" + bytes(60),
        b"II*\0" + bytes(60),
        b"%!PS-Adobe",
        b"\0\0\0\x20ftypavif" + bytes(40),
        b"Rar!\x1a\x07",
        b"x",
        office("hello.txt"),
        office("[Content_Types].xml", "ppt/presentation.xml"),
        office("[Content_Types].xml", "word/document.xml", "word/vbaProject.bin"),
    ],
)
def test_what_is_not_on_the_list_is_refused_whatever_its_name(content):
    assert refused(content, "photo.jpg") == ("file.type_refused", 415)


def test_a_file_over_the_limit_is_refused_while_it_comes(database):
    class Endless(io.RawIOBase):
        read_so_far = 0

        def read(self, size=-1):
            self.read_so_far += size
            return b"\xff" * size

    stream = Endless()

    with pytest.raises(Refusal) as caught, transaction() as s:
        keep(s, WORKER, stream, "a.mp4")

    assert (caught.value.code, caught.value.status, caught.value.facts) == ("file.too_large", 413, {"limit": "2"})
    assert stream.read_so_far < 3 * 1024 * 1024


def test_a_file_of_exactly_the_limit_is_taken(database):
    content = PDF + bytes(2 * 1024 * 1024 - len(PDF))

    assert kept(content).size == 2 * 1024 * 1024
    assert refused(content + b"\0") == ("file.too_large", 413)


def test_nothing_is_refused_as_nothing(database):
    assert refused(b"") == ("file.empty", 422)


def test_a_fake_picture_is_refused_and_leaves_nothing(store):
    assert refused(b"\xff\xd8\xff\xe0" + b"not a picture" * 9) == ("file.not_an_image", 422)
    assert refused(photo()[:1200]) == ("file.not_an_image", 422)
    assert stored(store) == []
    with reading() as s:
        assert s.scalar(select(func.count(File.id))) == 0


def test_a_packed_bomb_is_refused(database):
    honest = office("[Content_Types].xml", "word/document.xml", **{"word/document.xml": bytes(210 * 1024 * 1024)})
    crowd = office("[Content_Types].xml", "word/document.xml", *(f"{number}" for number in range(5100)))

    assert refused(honest) == ("file.bomb_packed", 422)
    assert refused(crowd) == ("file.bomb_packed", 422)


def test_a_packed_bomb_that_names_one_stretch_many_times_is_refused(database):
    out = BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("[Content_Types].xml", b"<x/>")
        packed.writestr("word/document.xml", bytes(50 * 1024 * 1024))
        body = packed.getinfo("word/document.xml")
        for _ in range(10):  # the same bytes again, under the same name
            packed.filelist.append(body)

    assert refused(out.getvalue())[0] in ("file.bomb_packed", "file.damaged")


def test_a_packed_file_that_lies_about_its_size_is_refused(database):
    content = bytearray(office("[Content_Types].xml", "word/document.xml", **{"word/document.xml": bytes(1_000_000)}))
    told = (1_000_000).to_bytes(4, "little")
    assert content.count(told) == 2
    content = content.replace(told, (10).to_bytes(4, "little"))

    assert refused(bytes(content)) == ("file.damaged", 422)


@pytest.mark.parametrize("content", [WORD[:60], WORD[:-30], b"PK\x03\x04" + bytes(100)], ids=["head", "cut", "empty"])
def test_a_damaged_document_is_refused(content):
    assert refused(content) == ("file.damaged", 422)


@pytest.mark.parametrize(
    ("given", "clean"),
    [
        ("../../etc/passwd", "passwd.pdf"),
        ("C:\\temp\\报告.docx", "报告.pdf"),
        ("a\0b\r\nc.pdf", "abc.pdf"),
        ("\u202egnp.exe", "gnp.pdf"),
        ('<a href="x">|?*.pdf', "_a href=_x_____.pdf"),
        ("...", "附件.pdf"),
        ("", "附件.pdf"),
        (".pdf", "pdf.pdf"),
        ("长" * 500 + ".pdf", "长" * 120 + ".pdf"),
        ("2026.02.24 现场.PDF", "2026.02.24 现场.pdf"),
    ],
)
def test_a_name_is_made_harmless(given, clean):
    assert kept(PDF, given).name == clean


def test_a_file_that_is_not_there_is_not_found(database):
    with reading() as s, pytest.raises(Refusal) as caught:
        load(s, uuid4())

    assert caught.value.status == 404


def test_a_case_takes_its_files_once_and_in_order(database):
    first, second = kept(photo("red")), kept(photo("blue"))

    with clock.at("2026-02-24 09:00"), transaction() as s:
        taken = claim(s, [second.id, first.id, second.id], WORKER)
        assert [file.id for file in taken] == [second.id, first.id]

    with reading() as s:
        assert load(s, first.id).claimed_at == clock.parse("2026-02-24 09:00")
    with pytest.raises(Refusal) as caught, transaction() as s:
        claim(s, [first.id], WORKER)
    assert (caught.value.code, caught.value.status) == ("file.already_claimed", 409)


def test_nobody_takes_the_files_of_another(database):
    mine, strange = kept(PDF), kept(PDF + b"2", viewer=PUBLIC)

    for file_id in (mine.id, uuid4()):
        for thief in (OTHER, PUBLIC):
            with pytest.raises(Refusal) as caught, transaction() as s:
                claim(s, [file_id], thief)
            assert (caught.value.code, caught.value.status) == ("file.not_found", 404)
    with transaction() as s:
        assert claim(s, [strange.id], OTHER)[0].claimed_at is not None


def test_unclaimed_uploads_are_forgotten_with_their_content(store):
    with clock.at("2026-02-24 09:00"):
        taken, left = kept(photo("red")), kept(photo("blue"))
        with transaction() as s:
            claim(s, [taken.id], WORKER)
    with clock.at("2026-02-25 08:00"):
        fresh = kept(photo("green"))

    with clock.at("2026-02-25 09:00:01"), transaction() as s:
        assert forget_unclaimed(s, timedelta(days=1)) == 1

    assert not path_of(left).exists()
    assert len(stored(store)) == 4
    with reading() as s:
        assert {file.id for file in s.scalars(select(File))} == {taken.id, fresh.id}


def test_content_that_another_row_needs_stays(store):
    with clock.at("2026-02-24 09:00"):
        needed, left = kept(photo()), kept(photo())
        with transaction() as s:
            claim(s, [needed.id], WORKER)

    with clock.at("2026-03-24 09:00"), transaction() as s:
        assert forget_unclaimed(s, timedelta(days=1)) == 1

    assert left.sha256 == needed.sha256
    assert path_of(needed).exists()
    assert thumb_of(needed).exists()


def test_forgetting_rolled_back_removes_nothing(database):
    with clock.at("2026-02-24 09:00"):
        left = kept(PDF)

    with clock.at("2026-03-24 09:00"), suppress(RuntimeError), transaction() as s:
        forget_unclaimed(s, timedelta(days=1))
        raise RuntimeError

    assert path_of(left).exists()


def test_content_sent_again_while_it_is_being_forgotten_stays(database):
    with clock.at("2026-02-24 09:00"):
        kept(PDF)
    done = threading.Event()

    def forget() -> None:
        with transaction() as s:
            forget_unclaimed(s, timedelta(days=1))
        done.set()

    with clock.at("2026-03-24 09:00"):
        thread = threading.Thread(target=forget)
        with transaction() as s:
            again = keep(s, WORKER, BytesIO(PDF), "again.pdf")  # its row is not committed yet
            thread.start()
            assert not done.wait(0.2)  # removal waits for this transaction
        thread.join()

    assert path_of(again).read_bytes() == PDF


def test_content_without_a_row_is_swept_away_in_time(store):
    with suppress(RuntimeError), transaction() as s:
        lost = keep(s, WORKER, BytesIO(photo()), "lost.jpg")
        raise RuntimeError
    needed = kept(PDF)
    scrap = store / "tmp" / "left"
    scrap.mkdir()
    (scrap / "came").write_bytes(b"torn")
    assert forget_orphans(timedelta(days=1)) == 0

    for path in (path_of(lost), path_of(needed), scrap / "came"):
        os.utime(path, (1, 1))

    assert forget_orphans(timedelta(days=1)) == 1
    assert stored(store) == [needed.sha256]
    assert not scrap.exists()


def test_a_missing_thumbnail_is_made_again_and_a_document_has_none(database):
    file, document = kept(photo()), kept(PDF)
    thumb_of(file).unlink()

    assert Image.open(thumb_of(file)).size == (480, 360)
    with pytest.raises(Refusal) as caught:
        thumb_of(document)
    assert caught.value.status == 404


def test_the_same_photograph_sent_by_many_at_once_is_stored_once(store):
    content, got = photo("green"), []
    threads = [threading.Thread(target=lambda: got.append(kept(content))) for _ in range(6)]

    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len({file.sha256 for file in got}) == 1
    assert len({file.id for file in got}) == 6
    assert len(stored(store)) == 2
    assert not list((store / "tmp").iterdir())
