"""批量文件 — a CSV file as rows: packed with gzip or not, in UTF-8 or GB 18030, parted by comma, semicolon or tab.

The file is read through once before anything is done with it, so that a file that cannot be read to its end is refused whole.
"""

import codecs
import csv
import gzip
import io
import sys
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import BinaryIO

from shiyu.kernel.errors import Refusal

ENCODINGS = ("utf-8", "gb18030")
OTHERS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)  # "Unicode text" of a spreadsheet programme
DELIMITERS = ",;\t"
CHUNK = 1 << 20
LONGEST_CELL = 1 << 20  # characters; a longer one is a quotation mark that nobody closed


@dataclass(frozen=True, slots=True)
class Source:
    """A file that was read through once: how it is written, its columns, and how many rows it has without the head."""

    path: Path
    encoding: str
    delimiter: str
    columns: tuple[str, ...]
    rows: int


@dataclass(frozen=True, slots=True)
class Row:
    """行 — ``number`` as a spreadsheet shows it, the head being row 1; ``cells`` in the order of the columns."""

    number: int
    cells: list[str]


def look(path: Path) -> Source:
    """Read the file through. Refuses (422): not there, damaged, in another encoding, no columns, quotation marks not closed."""
    try:
        encoding = _encoding(path)
        with _text(path, encoding) as text:
            delimiter = _delimiter(text.readline())
            text.seek(0)
            reader = _reader(text, delimiter)
            columns = tuple(cell.strip() for cell in next(reader, ()))
            if not any(columns):
                raise Refusal("import.no_columns", 422, field="file")
            if twice := sorted({name for name in columns if name and columns.count(name) > 1}):
                raise Refusal("import.columns_twice", 422, field="file", columns="、".join(twice))
            try:
                count = sum(1 for cells in reader if cells)
            except csv.Error as error:
                raise Refusal("import.broken", 422, field="file", line=reader.line_num, error=str(error)) from error
    except (OSError, EOFError, zlib.error) as error:
        raise Refusal("import.unreadable", 422, field="file", file=str(path), error=str(error)) from error
    return Source(path, encoding, delimiter, columns, count)


def rows(source: Source) -> Iterator[Row]:
    """The rows one by one; lines with nothing in them are no rows."""
    with _text(source.path, source.encoding) as text:
        reader = _reader(text, source.delimiter)
        for number, cells in enumerate(islice((cells for cells in reader if cells), 1, None), 2):
            yield Row(number, cells)


def _reader(text: io.TextIOBase, delimiter: str) -> "csv._reader":  # type: ignore[name-defined]
    csv.field_size_limit(min(LONGEST_CELL, sys.maxsize))
    return csv.reader(text, delimiter=delimiter, strict=True)


def _delimiter(head: str) -> str:
    return max(DELIMITERS, key=head.count)


@contextmanager
def _bytes(path: Path) -> Iterator[BinaryIO]:
    with path.open("rb") as raw:
        packed = raw.read(2) == b"\x1f\x8b"
        raw.seek(0)
        if packed:
            with gzip.open(raw) as unpacked:
                yield unpacked  # type: ignore[misc]
        else:
            yield raw


@contextmanager
def _text(path: Path, encoding: str) -> Iterator[io.TextIOBase]:
    with _bytes(path) as raw, io.TextIOWrapper(raw, encoding=encoding, newline="") as text:
        yield text


def _encoding(path: Path) -> str:
    """The first of the encodings in which the whole file makes sense."""
    with _bytes(path) as raw:
        first = raw.read(4)
    if first.startswith(codecs.BOM_UTF8):
        return "utf-8-sig" if _decodes(path, "utf-8-sig") else _unknown()
    if first.startswith(OTHERS):
        return _unknown()
    return next((name for name in ENCODINGS if _decodes(path, name)), None) or _unknown()


def _decodes(path: Path, encoding: str) -> bool:
    decoder = codecs.getincrementaldecoder(encoding)()
    try:
        with _bytes(path) as raw:
            while chunk := raw.read(CHUNK):
                decoder.decode(chunk)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def _unknown() -> str:
    raise Refusal("import.encoding", 422, field="file")
