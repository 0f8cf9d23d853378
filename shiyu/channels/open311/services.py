"""开放事项 — which matters Open311 offers, what it asks with them, and since when it is so."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from shiyu.channels import queries
from shiyu.channels.models import Service, ServiceAttribute
from shiyu.kernel.auth import SYSTEM_ADMIN, Viewer
from shiyu.kernel.errors import Refusal
from shiyu.law.book import book
from shiyu.law.matters import LEAF, Entry


def kept(s: Session, viewer: Viewer, matter: str) -> tuple[Entry, Service | None, Sequence[ServiceAttribute]]:
    """How one matter is offered, for who keeps the registry. 403 for others, 404 for what is no third-level matter."""
    viewer.need(SYSTEM_ADMIN)
    entry = book(s).matters.require(matter)
    if entry.level != LEAF:
        raise Refusal("case.no_matter", 422, field="matter", matter=matter)
    return entry, s.get(Service, matter), attributes(s, matter)


def attributes(s: Session, matter: str) -> Sequence[ServiceAttribute]:
    """What is asked with a matter, in the order of asking."""
    query = select(ServiceAttribute).where(ServiceAttribute.matter == matter)
    return s.scalars(query.order_by(ServiceAttribute.position)).all()


def changed_at(s: Session) -> datetime | None:
    """When services or attributes last changed."""
    return s.scalar(select(func.max(Service.changed_at)))


def listing(s: Session, lang: str) -> list[dict[str, Any]]:
    """服务清单 — every offered matter that is in force, by its code."""
    law, today = book(s).matters, queries.today()
    asked = set(s.scalars(select(ServiceAttribute.matter).distinct()))
    rows = s.scalars(select(Service).where(Service.offered).order_by(Service.matter))
    found = [(row, entry) for row in rows if (entry := law.get(row.matter)) and entry.holds(today)]
    return [
        {
            "service_code": row.matter,
            "service_name": called(entry, lang),
            "description": described(row, law.path(row.matter), lang),
            "metadata": row.matter in asked,
            "type": row.type,
            "keywords": ", ".join(entry.synonyms),
            "group": called(law.path(row.matter)[0], lang),
        }
        for row, entry in found
    ]


def called(entry: Entry, lang: str) -> str:
    """A matter's name in a language."""
    return entry.name_en if lang == "en" else entry.name


def described(row: Service, path: Sequence[Entry], lang: str) -> str:
    """What was written about the service, or else its place among the matters."""
    given = row.description_en if lang == "en" else row.description
    return given or " / ".join(called(entry, lang) for entry in path)


def offered(s: Session, code: str) -> tuple[Service, Entry]:
    """The service of a code, or refusal 404."""
    row, entry = s.get(Service, code), book(s).matter(code)
    if row is None or entry is None or not row.offered or not entry.holds(queries.today()):
        raise Refusal("open311.no_service", 404, field="service_code", given=code[:40])
    return row, entry


def definition(s: Session, code: str, lang: str) -> dict[str, Any]:
    """服务定义 — one service with its attributes."""
    offered(s, code)
    return {"service_code": code, "attributes": [_attribute(one, lang) for one in attributes(s, code)]}


def _attribute(row: ServiceAttribute, lang: str) -> dict[str, Any]:
    english = lang == "en"
    plain = {
        "variable": row.variable,
        "code": row.code,
        "datatype": row.datatype,
        "required": row.required,
        "datatype_description": row.hint_en if english else row.hint,
        "order": row.position,
        "description": row.description_en if english else row.description,
    }
    if not row.values:
        return plain
    return plain | {
        "values": [{"key": one["key"], "name": one["name_en" if english else "name"]} for one in row.values]
    }
