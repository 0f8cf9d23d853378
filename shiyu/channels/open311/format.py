"""One answer in two forms. JSON is mapped to XML by the specification's rule: a list is an element that holds one element an item."""

import re
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any
from xml.sax.saxutils import escape

import orjson
import structlog
from fastapi import Request
from fastapi.responses import Response
from sqlalchemy.exc import DataError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from shiyu.kernel import clock, words
from shiyu.kernel.config import settings
from shiyu.kernel.errors import Refusal
from shiyu.kernel.web import Bucket, client_ip

log = structlog.get_logger(__name__)
TYPES = {"xml": "text/xml; charset=utf-8", "json": "application/json; charset=utf-8"}
# The element of one item in a list, by the name of the list.
ITEMS = {
    "services": "service",
    "attributes": "attribute",
    "values": "value",
    "service_requests": "request",
    "errors": "error",
    "endpoints": "endpoint",
    "formats": "format",
}
READS, READ_SECONDS = 240, 60
_reads = Bucket(READS, READ_SECONDS)
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class Faults(Exception):  # noqa: N818 - an answer, as a refusal is
    """差错 — one refusal or several at once; the answer's status is that of the gravest."""

    def __init__(self, refusals: Iterable[Refusal]) -> None:
        self.refusals = list(refusals)
        super().__init__("; ".join(str(one) for one in self.refusals))


def moment(at: datetime | None) -> str | None:
    """A time in W3C's form, to the second, with Beijing's offset."""
    return clock.beijing(at).replace(microsecond=0).isoformat() if at else None


def language(request: Request) -> str:
    """Chinese, unless the client asks for English before it."""
    return "en" if request.headers.get("accept-language", "").lower().startswith("en") else "zh"


def status_of(why: Refusal) -> int:
    """The specification knows 400, 403 and 404; 429 is HTTP's own word for too often."""
    return why.status if why.status in {403, 404, 429} else 400


def answer(request: Request, form: str, root: str, make: Callable[[], Any]) -> Response:
    """What ``make`` returns, in the form asked for; whatever goes wrong is told in that form too."""
    lang = language(request)
    if form not in TYPES:
        return fault("xml", [Refusal("open311.bad_format", 400)], lang)
    if not _reads.take(client_ip(request) or "?"):
        return fault(form, [Refusal("web.too_often", 429, seconds=READ_SECONDS)], lang)
    try:
        return _response(form, root, make(), 200)
    except Exception as error:  # noqa: BLE001 - the specification wants every failure as an answer; what is a fault of ours is logged
        return fault(form, _refusals(request, error), lang)


def _refusals(request: Request, error: Exception) -> list[Refusal]:
    if isinstance(error, Faults):
        return error.refusals
    if isinstance(error, Refusal):
        return [error]
    if isinstance(error, DataError):
        return [Refusal("input.not_storable", 400)]
    log.error("open311 request failed", path=request.url.path, exc_info=error)
    if isinstance(error, OperationalError | PoolTimeout):
        return [Refusal("web.busy", 400, seconds=5)]
    return [Refusal("web.fault", 400, request_id=request.scope.get("request_id", ""))]


def fault(form: str, refusals: list[Refusal], lang: str = "zh") -> Response:
    """差错 — an array of code and sentence; the first decides the status."""
    statuses = [status_of(why) for why in refusals]
    errors = [
        {"code": status, "description": words.say(f"refusal.{why.code}", lang, **why.facts)}
        for status, why in zip(statuses, refusals, strict=True)
    ]
    response = _response(form, "errors", errors, statuses[0])
    if statuses[0] == 429:  # noqa: PLR2004 - the only one with a time
        response.headers["Retry-After"] = str(refusals[0].facts.get("seconds", READ_SECONDS))
    return response


def _response(form: str, root: str, body: Any, status: int) -> Response:
    content = orjson.dumps(body) if form == "json" else xml(root, body)
    # No cookie opens anything here, so pages of other sites may ask.
    headers = {"Access-Control-Allow-Origin": "*", "Vary": "Accept-Language", "Cache-Control": "no-store"}
    return Response(content, status, headers, media_type=TYPES[form])


def xml(root: str, body: Any) -> bytes:
    """The same as XML, with its declaration, without namespace."""
    return ('<?xml version="1.0" encoding="UTF-8"?>\n' + _element(root, body)).encode()


def _element(name: str, value: Any) -> str:
    if value is None or value in ("", [], {}):
        return f"<{name}/>"
    if isinstance(value, dict):
        inner = "".join(_element(key, one) for key, one in value.items())
    elif isinstance(value, list):
        inner = "".join(_element(ITEMS[name], one) for one in value)
    elif isinstance(value, bool):
        inner = "true" if value else "false"
    else:
        inner = escape(_NOT_XML.sub("", str(value)))
    return f"<{name}>{inner}</{name}>"


def jurisdiction() -> str:
    """本辖区 — by which one endpoint tells cities apart: the site's name without www, or the city's name in the settings."""
    host = re.sub(r"^https?://(www\.)?|[:/].*$", "", settings().public_url or "")
    return host or settings().city


def check_jurisdiction(given: str | None) -> None:
    """There is one jurisdiction, so it need not be named; another one is not found (404)."""
    if given and given.removeprefix("www.") != jurisdiction():
        raise Refusal("open311.no_jurisdiction", 404, field="jurisdiction_id", given=given[:60])
