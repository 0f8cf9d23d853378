"""The addresses of Open311 GeoReport v2. They are described by the public specification, not by our own document."""

from typing import Annotated, Any
from urllib.parse import parse_qsl

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response
from starlette.exceptions import HTTPException

from shiyu.channels import actions, queries
from shiyu.channels.models import ChannelKey
from shiyu.channels.open311 import requests, services
from shiyu.channels.open311.format import Faults, answer, check_jurisdiction, language, moment
from shiyu.kernel import words
from shiyu.kernel.auth import Viewer
from shiyu.kernel.config import settings
from shiyu.kernel.db import reading, transaction
from shiyu.kernel.errors import Refusal
from shiyu.kernel.web import Bucket, anyone

router = APIRouter(prefix="/open311", tags=["open311"], include_in_schema=False)
SPECIFICATION = "http://wiki.open311.org/GeoReport_v2"
FORM = "application/x-www-form-urlencoded"
MOST_FIELDS = 500
_buckets: dict[int, Bucket] = {}


async def _body(request: Request) -> bytes | None:
    """The form as it came; ``None`` when it is too large."""
    try:
        return await request.body()
    except HTTPException:
        return None


Body = Annotated[bytes | None, Depends(_body)]


def _query(request: Request) -> list[tuple[str, str]]:
    """What the address asks; the jurisdiction is judged first."""
    pairs = request.query_params.multi_items()
    check_jurisdiction(next((value for name, value in reversed(pairs) if name == "jurisdiction_id"), None))
    return pairs


@router.get("/discovery.{form}")
def discovery(request: Request, form: str, viewer: Viewer = anyone) -> Response:
    """服务发现"""
    lang = language(request)

    def make() -> dict[str, Any]:
        with reading() as s:
            changed = moment(services.changed_at(s))
        base = (settings().public_url or str(request.base_url)).rstrip("/")
        endpoint = {
            "specification": SPECIFICATION,
            "url": f"{base}/open311/v2",
            "changeset": changed,
            "type": "production",
            "formats": ["text/xml", "application/json"],
        }
        return {
            "changeset": changed,
            "contact": words.say("open311.contact", lang),
            "key_service": words.say("open311.key_service", lang),
            "endpoints": [endpoint],
        }

    return answer(request, form, "discovery", make)


@router.get("/v2/services.{form}")
def service_list(request: Request, form: str, viewer: Viewer = anyone) -> Response:
    """服务清单"""

    def make() -> Any:
        _query(request)
        with reading() as s:
            return services.listing(s, language(request))

    return answer(request, form, "services", make)


@router.get("/v2/services/{code}.{form}")
def service_definition(request: Request, code: str, form: str, viewer: Viewer = anyone) -> Response:
    """服务定义"""

    def make() -> Any:
        _query(request)
        with reading() as s:
            return services.definition(s, code, language(request))

    return answer(request, form, "service_definition", make)


@router.get("/v2/requests.{form}")
def request_list(request: Request, form: str, viewer: Viewer = anyone) -> Response:
    """诉求清单"""

    def make() -> Any:
        pairs = _query(request)
        with reading() as s:
            return requests.listing(s, pairs, language(request))

    return answer(request, form, "service_requests", make)


@router.get("/v2/requests/{numbers}.{form}")
def request_status(request: Request, numbers: str, form: str, viewer: Viewer = anyone) -> Response:
    """诉求进展"""

    def make() -> Any:
        asked = _query(request)
        api_key = next((value for name, value in reversed(asked) if name == "api_key"), None)
        with reading() as s:
            return requests.by_number(s, [one.strip() for one in numbers.split(",")], api_key, language(request))

    return answer(request, form, "service_requests", make)


@router.get("/v2/tokens/{token}.{form}")
def request_of_token(request: Request, token: str, form: str, viewer: Viewer = anyone) -> Response:
    """凭据查编号"""

    def make() -> Any:
        _query(request)
        with reading() as s:
            return [requests.by_token(s, token)]

    return answer(request, form, "service_requests", make)


@router.post("/v2/requests.{form}")
def create(request: Request, form: str, body: Body, viewer: Viewer = anyone) -> Response:
    """报送诉求"""
    return answer(request, form, "service_requests", lambda: [_create(request, body, viewer)])


def _create(request: Request, body: bytes | None, viewer: Viewer) -> dict[str, Any]:
    pairs = _form(request, body)
    given = requests.fields(pairs)
    check_jurisdiction(given.get("jurisdiction_id"))
    if "api_key" not in given:
        raise Refusal("open311.key_missing", 403, field="api_key")
    with reading() as s:
        key, channel = queries.bearer(s, given["api_key"], requests.KIND)
    try:
        _pace(key)
        with transaction() as s:
            repeat = request.headers.get("idempotency-key")
            return requests.create(s, viewer, key, channel, pairs, repeat, language(request))
    except (Refusal, Faults) as error:
        refusals = error.refusals if isinstance(error, Faults) else [error]
        with transaction() as s:
            actions.note_refusal(s, channel.id, refusals[0], key.id, request.scope.get("request_id"))
            if refusals[0].code == "open311.no_service":
                actions.note_unknown(s, channel.id, given["service_code"])
        raise


def _pace(key: ChannelKey) -> None:
    """Each key as often as it was given leave to, in this process."""
    if not _buckets.setdefault(key.rate, Bucket(key.rate, 60)).take(str(key.id)):
        raise Refusal("web.too_often", 429, seconds=60 // key.rate + 1)


def _form(request: Request, body: bytes | None) -> list[tuple[str, str]]:
    if body is None:
        raise Refusal("web.too_large", 400, limit=settings().max_body_bytes // 2**20)
    if request.headers.get("content-type", "").split(";")[0].strip().lower() != FORM:
        raise Refusal("open311.not_a_form", 400)
    try:
        return parse_qsl(body.decode(), keep_blank_values=True, errors="strict", max_num_fields=MOST_FIELDS)
    except ValueError as error:  # not UTF-8, or too many fields
        raise Refusal("open311.not_a_form", 400) from error


@router.api_route("/{rest:path}", methods=["GET", "POST", "PUT", "PATCH", "DELETE"])
def elsewhere(request: Request, rest: str, viewer: Viewer = anyone) -> Response:
    """没有这个地址"""

    def make() -> Any:
        raise Refusal("open311.no_address_here", 404)

    return answer(request, rest.rpartition(".")[2] if "." in rest else "xml", "errors", make)
