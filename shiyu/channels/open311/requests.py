"""开放接口报送 — what a client says becomes a case by the same verb as everywhere, and what the public may read of cases."""

import hashlib
import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from shiyu.cases import actions as cases
from shiyu.cases.actions import Accepted, Report
from shiyu.cases.lifecycle import FINAL
from shiyu.cases.models import Case
from shiyu.channels import actions, queries
from shiyu.channels.mapping import PHONE
from shiyu.channels.models import Channel, ChannelKey, OpenRequest, Service, ServiceAttribute
from shiyu.channels.open311 import services
from shiyu.channels.open311.format import Faults, moment
from shiyu.directory import orgs
from shiyu.directory.gazetteer import Gazetteer, gazetteer
from shiyu.kernel import clock, vault, words
from shiyu.kernel.auth import Viewer
from shiyu.kernel.errors import Refusal
from shiyu.law.book import book
from shiyu.law.matters import Entry

KIND = "open311"
SPAN, MOST = timedelta(days=90), 1000  # the specification's own: "90 days or first 1000 requests"
DIGITS = 3  # of a degree in public: about a hundred metres
# Longest, in characters; the specification names only that of the description.
LONGEST = {"description": 4000, "address_string": 200, "address_id": 60, "first_name": 40, "last_name": 40, "email": 200,
           "account_id": 200, "device_id": 200, "media_url": 2000, "phone": 30}  # fmt: skip
STRING = 2000
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_URL = re.compile(r"https?://\S+", re.IGNORECASE)
_ATTRIBUTE = re.compile(r"attribute\[([^\[\]]+)\](?:\[\])?")
_ZONED = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)")
_CHINESE = re.compile(r"[\u4e00-\u9fff]")

FORMS = {
    "phone": (PHONE, "open311.bad_phone"),
    "email": (_EMAIL, "open311.bad_email"),
    "media_url": (_URL, "open311.bad_url"),
}

Pairs = Sequence[tuple[str, str]]


# --- taking a request in -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Said:
    """What a client sent, judged. ``answers``: each attribute's question and what was answered, in words."""

    matter: str
    lon: float | None
    lat: float | None
    address: str | None
    name: str | None
    plain: Mapping[str, str | None]
    answers: Sequence[tuple[str, str]]


def fields(pairs: Pairs) -> dict[str, str]:
    """The plain fields of a form: an empty one counts as not sent, of several the last."""
    return {name: value.strip() for name, value in pairs if value.strip() and not _ATTRIBUTE.fullmatch(name)}


def create(
    s: Session, viewer: Viewer, key: ChannelKey, channel: Channel, pairs: Pairs, repeat: str | None, lang: str
) -> dict[str, Any]:
    """报送 — the case of a request, and its answer. ``repeat`` is the client's ``Idempotency-Key``: the same one is the same case.

    The specification knows no such header; without it every request is a new case and likeness is found later. Raises ``Faults``
    with everything that is wrong at once.
    """
    given = fields(pairs)
    service, entry = _service(s, channel, given)
    said = _judge(s, entry, given, pairs)
    accepted = cases.accept(s, viewer, _report(channel, key, said, entry, repeat))
    actions.used(s, key)
    if accepted.known:
        actions.count(s, channel.id, queries.today(), known=1)
    else:
        s.add(_kept(accepted, key, said))
        s.flush()
    return _receipt(s, service, accepted, lang)


def _service(s: Session, channel: Channel, given: Mapping[str, str]) -> tuple[Service, Entry]:
    code = given.get("service_code")
    if not code:
        raise Refusal("open311.missing", 400, field="service_code", name="service_code")
    return services.offered(s, queries.translations(s, channel).get(code, code))


def _judge(s: Session, entry: Entry, given: Mapping[str, str], pairs: Pairs) -> Said:
    """Everything that was sent, or ``Faults`` with everything that is wrong with it."""
    wrong = list(_unfit(given))
    lon = lat = address = None
    try:
        lon, lat, address = _place(s, given)
    except Refusal as why:
        wrong.append(why)
    answers: list[tuple[str, str]] = []
    asked = [one for one in services.attributes(s, entry.code) if one.variable]
    for attribute in asked:
        try:
            answers += _answer(attribute, pairs)
        except Refusal as why:
            wrong.append(why)
    known = {one.code for one in asked}
    for code in dict.fromkeys(found[1] for name, _ in pairs if (found := _ATTRIBUTE.fullmatch(name))):
        if code not in known:
            wrong.append(Refusal("open311.no_attribute", 400, field=f"attribute[{code[:40]}]", attribute=code[:40]))
    if wrong:
        raise Faults(wrong)
    return Said(entry.code, lon, lat, address, _name(given), {name: given.get(name) for name in LONGEST}, answers)


def _unfit(given: Mapping[str, str]) -> Iterator[Refusal]:
    """What is wrong with plain fields, each for itself."""
    for name, value in given.items():
        if name in LONGEST and len(value) > LONGEST[name]:
            yield Refusal("open311.too_long", 400, field=name, name=name, most=LONGEST[name])
        if _CONTROL.search(value):
            yield Refusal("input.bad_character", 400, field=name[:40])
    for name, (form, code) in FORMS.items():
        if name in given and not form.fullmatch(given[name]):
            yield Refusal(code, 400, field=name)


def _place(s: Session, given: Mapping[str, str]) -> tuple[float | None, float | None, str | None]:
    """Where it is: a point, an address in words, or the code of an area of ours; at least one."""
    if ("lat" in given) != ("long" in given):
        raise Refusal("open311.half_a_point", 400, field="lat" if "long" in given else "long")
    address = given.get("address_string")
    if "lat" in given:
        lon, lat = _degrees("long", given["long"], 180), _degrees("lat", given["lat"], 90)
        if gazetteer(s).locate_point(lon, lat) is None:
            raise Refusal("case.outside_city", 400, field="lat")
        return lon, lat, address
    if "address_id" in given:
        found = gazetteer(s).by_code(given["address_id"])
        if found is None or found.finest.ended is not None:
            raise Refusal("open311.no_address", 400, field="address_id", given=given["address_id"][:60])
        named = "".join(node.name for node in found.path[1:])
        return found.finest.lon, found.finest.lat, address or named
    if address is None:
        raise Refusal("open311.no_place", 400, field="address_string")
    return None, None, address


def _degrees(name: str, said: str, most: float) -> float:
    try:
        value = float(said)
    except ValueError:
        value = math.nan
    if not -most <= value <= most:
        raise Refusal("open311.bad_degrees", 400, field=name, name=name, given=said[:40])
    return value


def _answer(attribute: ServiceAttribute, pairs: Pairs) -> list[tuple[str, str]]:
    """What was answered to an attribute, in words; nothing where nothing was said and nothing is required."""
    names = {f"attribute[{attribute.code}]", f"attribute[{attribute.code}][]"}
    given = [value.strip() for name, value in pairs if name in names and value.strip()]
    at = {"field": f"attribute[{attribute.code}]", "attribute": attribute.code}
    if not given:
        if attribute.required:
            raise Refusal("open311.attribute_missing", 400, **at)
        return []
    if len(given) > 1 and attribute.datatype != "multivaluelist":
        raise Refusal("open311.attribute_several", 400, **at)
    if any(not _fits(attribute, one) for one in given):
        raise Refusal("open311.attribute_wrong", 400, datatype=attribute.datatype, **at)
    named = {one["key"]: one["name"] for one in attribute.values}
    return [(attribute.description, "、".join(named.get(one, one) for one in dict.fromkeys(given)))]


def _fits(attribute: ServiceAttribute, said: str) -> bool:
    if len(said) > STRING or _CONTROL.search(said):
        return False
    if attribute.values:
        return said in {one["key"] for one in attribute.values}
    try:
        return _READ.get(attribute.datatype, lambda _: True)(said)
    except ValueError:
        return False


_READ: dict[str, Callable[[str], bool]] = {
    "number": lambda said: math.isfinite(float(said)),
    "datetime": lambda said: bool(datetime.fromisoformat(said)),
    "string": lambda said: "\n" not in said,
}


def _name(given: Mapping[str, str]) -> str | None:
    first, last = given.get("first_name"), given.get("last_name")
    if first and last:
        return f"{last}{first}" if _CHINESE.search(last + first) else f"{first} {last}"
    return first or last


def _report(channel: Channel, key: ChannelKey, said: Said, entry: Entry, repeat: str | None) -> Report:
    # Of two clients each may choose the same key; and a key may be long.
    own = hashlib.sha256(f"{key.id}\0{repeat}".encode()).hexdigest() if repeat else uuid4().hex
    lines = [said.plain["description"] or entry.name, *(f"{asked} {answer}" for asked, answer in said.answers)]
    if said.plain["media_url"]:
        lines.append(words.say("open311.media", url=said.plain["media_url"]))
    return Report(
        key=own,
        channel=channel.code,
        text="\n".join(lines),
        matter=said.matter,
        address=said.address,
        lon=said.lon,
        lat=said.lat,
        name=said.name,
        phone=said.plain["phone"],
        anonymous=not (said.name or said.plain["phone"]),
    )


def _kept(accepted: Accepted, key: ChannelKey, said: Said) -> OpenRequest:
    """What the case itself has no place for. The device's number is not kept: nobody here needs it."""

    def sealed(name: str) -> bytes | None:
        value = said.plain[name]
        return vault.seal(value, f"channels.open_request.{name}:{accepted.id}") if value else None

    return OpenRequest(
        case_id=accepted.id,
        key_id=key.id,
        token=uuid4().hex,
        description=said.plain["description"],
        email_sealed=sealed("email"),
        account_sealed=sealed("account_id"),
        created_at=clock.now(),
    )


def _receipt(s: Session, service: Service, accepted: Accepted, lang: str) -> dict[str, Any]:
    """回执 — the number, or a token for it. The account is a person's and is not told back."""
    due = s.scalar(select(Case.due_at).where(Case.id == accepted.id))
    notice = words.say("open311.notice", lang, due=due) if due else None
    if service.type == "batch":
        token = s.scalar(select(OpenRequest.token).where(OpenRequest.case_id == accepted.id))
        return {"token": token, "service_notice": notice, "account_id": None}
    return {"service_request_id": accepted.no, "service_notice": notice, "account_id": None}


# --- what the public may read --------------------------------------------------------------------------------------------


def public() -> ColumnElement[bool]:
    """可见范围 — the cases that are there for everybody: tip-offs (举报) never are, since the accused could read of them."""
    return (
        Case.confidential.is_(False)
        & (Case.kind != "report")
        & Case.exercise_id.is_(None)
        & Case.part_of_id.is_(None)
        & Case.matter.in_(select(Service.matter).where(Service.offered))
    )


def by_token(s: Session, token: str) -> dict[str, Any]:
    """凭据查编号 — the number that a token stands for, or 404."""
    query = select(Case.no).join(OpenRequest, OpenRequest.case_id == Case.id).where(OpenRequest.token == token)
    no = s.scalar(query)
    if no is None:
        raise Refusal("open311.no_token", 404, field="token")
    return {"service_request_id": no, "token": token}


def by_number(s: Session, numbers: Sequence[str], api_key: str | None, lang: str) -> list[dict[str, Any]]:
    """按编号 — one request or several, in the order asked for; 404 when none of them is there."""
    found = _told(s, s.scalars(select(Case).where(Case.no.in_(numbers[:MOST]), public())).all(), api_key, lang)
    if not found:
        raise Refusal("open311.no_request", 404, field="service_request_id")
    return sorted(found, key=lambda row: numbers.index(row["service_request_id"]))


def listing(s: Session, query: Pairs, lang: str) -> list[dict[str, Any]]:
    """诉求清单 — the newest first, at most 1000, by default of the last 90 days; numbers override every other filter."""
    api_key = _last(query, "api_key")
    if numbers := _several(query, "service_request_id"):
        rows = s.scalars(select(Case).where(Case.no.in_(numbers[:MOST]), public()).order_by(*_NEWEST)).all()
        return _told(s, rows, api_key, lang)
    begin, end = _span(query)
    wanted = select(Case).where(public(), Case.accepted_at >= begin, Case.accepted_at <= end)
    if codes := _several(query, "service_code"):
        wanted = wanted.where(Case.matter.in_(codes))
    if states := set(_several(query, "status")):
        if not states <= {"open", "closed"}:
            raise Refusal("open311.bad_status", 400, field="status")
        if len(states) == 1:
            ended = Case.state.in_(FINAL)
            wanted = wanted.where(ended if states == {"closed"} else ~ended)
    return _told(s, s.scalars(wanted.order_by(*_NEWEST).limit(MOST)).all(), api_key, lang)


_NEWEST = (Case.accepted_at.desc(), Case.id.desc())


def _span(query: Pairs) -> tuple[datetime, datetime]:
    begin, end = (_moment(query, name) for name in ("start_date", "end_date"))
    if begin and end and (begin > end or end - begin > SPAN):
        raise Refusal("open311.bad_span", 400, field="end_date", days=SPAN.days)
    end = end or (min(begin + SPAN, clock.now()) if begin else clock.now())
    return begin or end - SPAN, end


def _moment(query: Pairs, name: str) -> datetime | None:
    said = _last(query, name)
    if said is None:
        return None
    said = said.replace(" ", "+")  # a plus sign that nobody escaped
    try:
        if _ZONED.fullmatch(said):
            return datetime.fromisoformat(said)
    except ValueError:
        pass
    raise Refusal("open311.bad_time", 400, field=name, name=name, given=said[:40])


def _several(query: Pairs, name: str) -> list[str]:
    """Values that stand several times or parted by commas."""
    parts = (part.strip() for at, value in query if at == name for part in value.split(","))
    return list(dict.fromkeys(part for part in parts if part))


def _last(query: Pairs, name: str) -> str | None:
    return next((value.strip() for at, value in reversed(query) if at == name and value.strip()), None)


def _told(s: Session, rows: Sequence[Case], api_key: str | None, lang: str) -> list[dict[str, Any]]:
    """Requests as the specification shows them, with its own words for who shows the key that sent them."""
    own = _own(s, [row.id for row in rows], api_key)
    law, places, offices = book(s).matters, gazetteer(s), orgs.labels(s)
    told = []
    for row in rows:
        entry, office = law.get(row.matter or ""), offices.get(row.lead_org_id) if row.lead_org_id else None
        mine, done = own.get(row.id), row.state in FINAL
        told.append(
            {
                "service_request_id": row.no,
                "status": "closed" if done else "open",
                "status_notes": words.say(f"case.state.{row.state}", lang),
                "service_name": services.called(entry, lang) if entry else None,
                "service_code": row.matter,
                "description": vault.mask_text(mine.description) if mine and mine.description else None,
                "agency_responsible": office[1] if office else None,
                "service_notice": None,
                "requested_datetime": moment(row.accepted_at),
                "updated_datetime": moment(row.closed_at if done and row.closed_at else row.changed_at),
                "expected_datetime": None if done else moment(row.due_at),
                **_where(places, row, exact=mine is not None),
                "media_url": None,
            }
        )
    return told


def _own(s: Session, ids: Sequence[UUID], api_key: str | None) -> dict[UUID, OpenRequest]:
    """The requests among these that were sent with the key that is shown; a key that opens nothing opens nothing here either."""
    if not api_key or not ids:
        return {}
    key, _ = queries.bearer(s, api_key, KIND)
    query = select(OpenRequest).where(OpenRequest.case_id.in_(ids), OpenRequest.key_id == key.id)
    return {row.case_id: row for row in s.scalars(query)}


def _where(places: Gazetteer, row: Case, *, exact: bool) -> dict[str, Any]:
    """地点 — in public the community and about a hundred metres: an address may name a person's door."""
    area = row.community_id or row.town_id or row.county_id
    lineage = places.lineage(area) if area else None
    named = "".join(node.name for node in lineage.path[1:]) if lineage else None

    def degrees(value: float | None) -> float | None:
        return value if exact or value is None else round(value, DIGITS)

    return {
        "address": row.address if exact and row.address else named,
        "address_id": lineage.code if lineage else None,
        "zipcode": None,
        "lat": degrees(row.lat),
        "long": degrees(row.lon),
    }
