"""字段对照 — which column of a file is what, written in a small TOML or guessed from the usual Chinese headers; one row as a report.

[columns]
key = "工单编号"                  # one column
text = ["标题", "内容"]           # several are joined, each on a line of its own
[formats]
at = "%Y/%m/%d %H:%M"            # or several; Beijing time where none is named
[constants]
kind = "help"                    # for every row that says nothing else
frame = "gcj02"
"""

import hashlib
import re
import tomllib
from collections.abc import Mapping as MappingOf
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any

from shiyu.cases.actions import Report
from shiyu.directory.coords import Frame, to_wgs84
from shiyu.kernel import clock, words
from shiyu.kernel.clock import BEIJING
from shiyu.kernel.errors import Refusal
from shiyu.law.book import LawBook
from shiyu.law.limits import KINDS

# What a report may be made of, and the headers by which a column is known when no mapping says it, the likeliest first.
HEADERS: dict[str, tuple[str, ...]] = {
    "key": ("工单编号", "留言编号", "诉求编号", "事件编号", "受理编号", "编号", "单号", "流水号", "工单号"),
    "subject": ("标题", "主题", "留言主题", "诉求标题", "工单标题", "事件标题"),
    "text": (
        "诉求内容",
        "留言详情",
        "内容",
        "详情",
        "问题描述",
        "事件描述",
        "工单内容",
        "诉求描述",
        "反映内容",
        "描述",
    ),
    "at": ("受理时间", "留言时间", "来电时间", "登记时间", "创建时间", "上报时间", "诉求时间", "时间"),
    "name": ("姓名", "诉求人", "来电人", "联系人", "留言用户", "反映人", "市民姓名"),
    "phone": ("电话", "联系电话", "来电号码", "手机", "手机号", "手机号码", "联系方式"),
    "address": ("地址", "事发地址", "详细地址", "诉求地址", "事发地点", "问题地址", "地点"),
    "kind": ("诉求类型", "工单类型", "诉求类别", "类型"),
    "matter": ("诉求事项", "事项编码", "事项", "问题分类", "诉求分类"),
    "lon": ("经度", "lon", "lng", "longitude"),
    "lat": ("纬度", "lat", "latitude"),
    "frame": ("坐标系",),
}
JOINED = ("text", "address")  # may be made of several columns
CONSTANTS = ("kind", "matter", "frame", "address", "subject")
TIMES = (
    "%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M", "%Y/%m/%d %H:%M:%S", "%Y/%m/%d %H:%M", "%Y.%m.%d %H:%M:%S",
    "%Y年%m月%d日 %H:%M:%S", "%Y年%m月%d日 %H:%M", "%Y年%m月%d日 %H时%M分", "%Y-%m-%d", "%Y/%m/%d", "%Y年%m月%d日", "%Y%m%d%H%M%S",
)  # fmt: skip
NOTHING = frozenset({"", "-", "--", "/", "无", "空", "暂无", "null", "NULL", "None", "nan", "NaN"})
LONGEST = {"text": 20_000, "key": 200, "name": 50, "address": 200}  # characters
PHONE = re.compile(r"\+?[\d\- ]{7,20}")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Mapping:
    """字段对照 — for each part of a report the columns it is taken from (by position), formats of time, and constants."""

    columns: dict[str, tuple[int, ...]]
    times: tuple[str, ...] = TIMES
    constants: dict[str, str] = field(default_factory=dict)


def guess(header: Sequence[str]) -> Mapping:
    """The mapping that the usual headers speak of. Refuses a file in which no column tells what was said."""
    found: dict[str, tuple[int, ...]] = {}
    for part, known in HEADERS.items():
        if name := next((name for name in known if name in header), None):
            found[part] = (header.index(name),)
    if not {"text", "subject"} & set(found):
        raise Refusal("import.no_text_column", 422, field="mapping", columns="、".join(filter(None, header)))
    return Mapping(found)


def load(path: Path, header: Sequence[str]) -> Mapping:
    """The mapping of a file. Refuses (422) what cannot be read, says unknown words, or names columns that are not there."""
    try:
        given = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise Refusal("import.mapping_unreadable", 422, field="mapping", file=str(path), error=str(error)) from error
    known = {"columns": HEADERS, "formats": ("at",), "constants": CONSTANTS}
    strange = [name for name in given if name not in known or not isinstance(given[name], dict)]
    strange += [f"{table}.{name}" for table in known for name in given.get(table, {}) if name not in known[table]]
    if strange:
        raise Refusal("import.mapping_words", 422, field="mapping", given="、".join(strange))
    columns = {part: _columns(part, said, header) for part, said in given.get("columns", {}).items()}
    if not {"text", "subject"} & set(columns):
        raise Refusal("import.no_text_column", 422, field="mapping", columns="、".join(filter(None, header)))
    formats = _texts("formats.at", given.get("formats", {}).get("at", list(TIMES)))
    constants = {part: _texts(f"constants.{part}", said)[0] for part, said in given.get("constants", {}).items()}
    return Mapping(columns, tuple(formats), constants)


def _columns(part: str, said: Any, header: Sequence[str]) -> tuple[int, ...]:
    names = _texts(f"columns.{part}", said)
    if missing := [name for name in names if name not in header]:
        raise Refusal("import.no_such_column", 422, field="mapping", columns="、".join(missing))
    if len(names) > 1 and part not in JOINED:
        raise Refusal("import.mapping_words", 422, field="mapping", given=f"columns.{part}")
    return tuple(header.index(name) for name in names)


def _texts(where: str, said: Any) -> list[str]:
    found = [said] if isinstance(said, str) else said
    if not isinstance(found, list) or not found or not all(isinstance(one, str) and one for one in found):
        raise Refusal("import.mapping_words", 422, field="mapping", given=where)
    return found


# --- one row as a report -------------------------------------------------------------------------------------------------


def report(
    mapping: Mapping,
    channel: str,
    cells: Sequence[str],
    law: LawBook,
    *,
    historic: bool,
    known: MappingOf[str, str] = MappingProxyType({}),
) -> Report:
    """诉求 — what a row says; ``known``: what the channel's own codes of matters mean. Refuses (422) with the part at fault in ``field``."""
    said = {part: _cell(mapping, part, cells) for part in HEADERS}
    text = _words(said["subject"], said["text"])
    if not text:
        raise Refusal("import.no_text", 422, field="text")
    for part, most in LONGEST.items():
        if len(text if part == "text" else said[part] or "") > most:
            raise Refusal("import.too_long", 422, field=part, part=part, most=most)
    if said["phone"] and not PHONE.fullmatch(said["phone"]):
        raise Refusal("import.bad_phone", 422, field="phone")
    at = _time(mapping, said["at"])
    if historic and at is None:
        raise Refusal("import.no_time", 422, field="at")
    lon, lat = _position(said)
    return Report(
        key=said["key"] or _digest(text, said),
        channel=channel,
        text=text,
        kind=_kind(said["kind"]),
        matter=_matter(known.get(said["matter"] or "", said["matter"]), law),
        address=said["address"],
        lon=lon,
        lat=lat,
        name=said["name"],
        phone=said["phone"],
        anonymous=not (said["name"] or said["phone"]),
        at=at,
        historic=historic,
    )


def _cell(mapping: Mapping, part: str, cells: Sequence[str]) -> str | None:
    found = [_CONTROL.sub("", cells[place]).strip() for place in mapping.columns.get(part, ())]
    joined = "\n".join(one for one in found if one not in NOTHING)
    return joined or mapping.constants.get(part)


def _words(subject: str | None, text: str | None) -> str:
    """The subject stands above what was said, unless that begins with it."""
    if subject and text and text.startswith(subject):
        return text
    return "\n".join(one for one in (subject, text) if one)


def _digest(text: str, said: dict[str, str | None]) -> str:
    """A key for what came without one: the same words of the same person at the same time are the same report."""
    parts = "\0".join([text, *(said[part] or "" for part in ("at", "name", "phone", "address", "lon", "lat"))])
    return f"sha256:{hashlib.sha256(parts.encode()).hexdigest()[:32]}"


def _time(mapping: Mapping, said: str | None) -> datetime | None:
    if said is None:
        return None
    moment = _parsed(mapping.times, said)
    if moment is None:
        raise Refusal("import.bad_time", 422, field="at", given=said[:40])
    if moment > clock.now():
        raise Refusal("import.future", 422, field="at", given=said[:40])
    return moment


def _parsed(formats: Sequence[str], said: str) -> datetime | None:
    for form in formats:
        try:
            moment = datetime.strptime(said, form)  # noqa: DTZ007 - what names no zone is Beijing time, two lines below
        except ValueError:
            continue
        return moment if moment.tzinfo else moment.replace(tzinfo=BEIJING)
    return None


def _position(said: dict[str, str | None]) -> tuple[float | None, float | None]:
    if not said["lon"] and not said["lat"]:
        return None, None
    try:
        lon, lat = float(said["lon"] or "?"), float(said["lat"] or "?")
        frame = Frame((said["frame"] or Frame.WGS84).lower())
    except ValueError as error:
        raise Refusal("import.bad_position", 422, field="position") from error
    if not (-180 <= lon <= 180 and -90 <= lat <= 90):  # noqa: PLR2004 - the whole earth; the city's bounds are the verb's to know
        raise Refusal("import.bad_position", 422, field="position")
    return to_wgs84(lon, lat, frame)


def _kind(said: str | None) -> str | None:
    if said is None:
        return None
    for kind in KINDS:
        if said in (kind, words.say(f"kind.{kind}"), words.say(f"kind.{kind}", "en")):
            return kind
    raise Refusal("import.bad_kind", 422, field="kind", given=said[:40])


def _matter(said: str | None, law: LawBook) -> str | None:
    if said is None or law.matter(said):
        return said
    named = [entry.code for entry in law.matters.entries if entry.name == said]
    if len(named) != 1:
        raise Refusal("case.no_matter", 422, field="matter", matter=said[:40])
    return named[0]
