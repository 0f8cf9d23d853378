"""What every route needs: sessions, the viewer, pages, errors on the wire, limits, headers.

A route's signature is its permission: it names ``signed_in`` or ``anyone``, and a test refuses a route that names neither.
"""

import ipaddress
import re
import threading
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterator, MutableMapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import uuid4

import psycopg
import structlog
from fastapi import Depends, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from prometheus_client import Histogram
from pydantic import BaseModel, ConfigDict, Field, model_validator
from sqlalchemy.exc import DataError, DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import Session
from starlette.exceptions import HTTPException

from shiyu.kernel import auth, words
from shiyu.kernel.auth import PUBLIC, Viewer
from shiyu.kernel.config import settings
from shiyu.kernel.db import glance, transaction
from shiyu.kernel.db import reading as reading_session
from shiyu.kernel.errors import Refusal
from shiyu.kernel.gather import Gatherer

log = structlog.get_logger(__name__)
COOKIE = "shiyu_session"
CSRF_HEADER = "x-csrf-token"
SAFE = {"GET", "HEAD", "OPTIONS"}
_OWN_ACCOUNT = ("/api/me/", "/api/sign-out/")  # open to who must first change the password
seconds = Histogram("shiyu_http_seconds", "Time to answer a request", ["method", "route", "status"])


class Input(BaseModel):
    """What comes over the wire: unknown fields are refused, characters that no text holds are too."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    @model_validator(mode="before")
    @classmethod
    def _plain(cls, data: Any) -> Any:
        if isinstance(data, dict):
            for key, value in data.items():
                if isinstance(value, str) and _BAD.search(value):
                    raise BadCharacter(key)
        return data


class Output(BaseModel):
    """What leaves over the wire."""

    model_config = ConfigDict(from_attributes=True)


_BAD = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff]")


class BadCharacter(ValueError):  # noqa: N818 - it names what was found
    """A control character or half a surrogate inside a text."""

    def __init__(self, field: str) -> None:
        super().__init__(field)
        self.field = field


# --- sessions and viewers ----------------------------------------------------------------------------------------------


def open_tx() -> Iterator[Session]:
    """The route's transaction. It commits before the answer leaves, so that an answer is a promise kept."""
    with transaction() as s:
        yield s


def open_reading() -> Iterator[Session]:
    """The route's transaction when it only reads."""
    with reading_session() as s:
        yield s


tx: Any = Depends(open_tx, scope="function")
reading: Any = Depends(open_reading, scope="function")


def client_ip(request: Request) -> str | None:
    """The caller's address; a forwarded one only from a proxy that is trusted by setting."""
    peer = request.client.host if request.client else None
    trusted = [part.strip() for part in settings().trusted_proxies.split(",") if part.strip()]
    forwarded = request.headers.get("x-forwarded-for")
    if peer in trusted and forwarded:
        last = forwarded.split(",")[-1].strip()
        try:
            return str(ipaddress.ip_address(last))
        except ValueError:
            return peer
    return peer


def _viewers(tokens: Sequence[str]) -> Sequence[Viewer | None]:
    with glance() as s:
        return auth.viewers_of(s, tokens)


_sessions: Gatherer[str, Viewer | None] = Gatherer("sessions", _viewers)


async def find_viewer(request: Request) -> Viewer | None:
    """Who is signed in, if anybody; an unsafe request must carry the session's CSRF word."""
    token = request.cookies.get(COOKIE)
    if not token:
        return None
    viewer = await _sessions.ask(token)
    if viewer is None:
        return None
    if request.method not in SAFE and request.headers.get(CSRF_HEADER) != viewer.csrf:
        raise Refusal("auth.csrf", 403)
    return replace(viewer, ip=client_ip(request))


async def _signed_in(request: Request) -> Viewer:
    viewer = await find_viewer(request)
    if viewer is None:
        expired = COOKIE in request.cookies
        raise Refusal("auth.session_ended" if expired else "auth.sign_in_first", 401)
    if viewer.must_change and not f"{request.url.path}/".startswith(_OWN_ACCOUNT):
        raise Refusal("auth.must_change", 403, field="password")
    return viewer


async def _anyone(request: Request) -> Viewer:  # not sync: what only looks at the request needs no thread
    return replace(PUBLIC, ip=client_ip(request))


signed_in: Any = Depends(_signed_in, scope="function")
anyone: Any = Depends(_anyone, scope="function")


def set_session(response: Response, request: Request, token: str) -> None:
    """The session cookie: not readable by scripts, not sent by other sites."""
    secure = settings().secure_cookies
    response.set_cookie(
        COOKIE,
        token,
        httponly=True,
        samesite="strict",
        secure=request.url.scheme == "https" if secure is None else secure,
        path="/",
        max_age=max(settings().session_hours * 3600, settings().standing_days * 86_400),
    )


# --- how often ---------------------------------------------------------------------------------------------------------


class Bucket:
    """A token bucket for each key, in this process; the oldest keys are forgotten beyond ``keep``."""

    def __init__(self, amount: int, per_seconds: float, keep: int = 50_000) -> None:
        self.amount, self.rate, self.keep = amount, amount / per_seconds, keep
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()
        self._lock = threading.Lock()

    def take(self, key: str) -> bool:
        """Whether one more is allowed now."""
        moment = time.monotonic()
        with self._lock:
            left, since = self._left.pop(key, (float(self.amount), moment))
            left = min(self.amount, left + (moment - since) * self.rate)
            allowed = left >= 1
            self._left[key] = (left - 1 if allowed else left, moment)
            if len(self._left) > self.keep:
                self._left.popitem(last=False)
        return allowed


def limited(amount: int, per_seconds: float) -> Any:
    """A dependency that lets one address do something ``amount`` times in ``per_seconds``, then answers 429."""
    bucket = Bucket(amount, per_seconds)

    async def check(request: Request) -> None:
        if not bucket.take(client_ip(request) or "?"):
            raise Refusal("web.too_often", 429, seconds=int(per_seconds / amount) + 1)

    return Depends(check)


# --- errors on the wire ------------------------------------------------------------------------------------------------


class FieldProblem(Output):
    """One field that is at fault, with the sentence to show beside it."""

    field: str
    code: str
    message: dict[str, str]


class Problem(Output):
    """Every refusal on the wire. ``message`` is in Chinese and English; ``now`` the present state, when a screen was stale."""

    code: str
    status: int
    message: dict[str, str]
    errors: list[FieldProblem] = Field(default_factory=list)
    facts: dict[str, Any] = Field(default_factory=dict)
    now: Any = None
    request_id: str = ""


PROBLEMS: dict[int | str, dict[str, Any]] = {
    code: {"model": Problem, "description": text}
    for code, text in {
        401: "Not signed in, or the session ended",
        403: "Not this viewer's to do",
        404: "Not there, or not to be seen",
        409: "Wrong state, or the screen was stale",
        413: "Too large",
        415: "A kind of content that is not taken",
        422: "Something is missing or malformed",
        423: "Locked",
        429: "Too often",
        503: "Busy; try again",
    }.items()
}


def problem(request: Request, refusal: Refusal) -> JSONResponse:
    """A refusal as JSON."""
    message = {lang: refusal.say(lang) for lang in words.LANGUAGES}
    errors = [FieldProblem(field=refusal.field, code=refusal.code, message=message)] if refusal.field else []
    body = Problem(
        code=refusal.code,
        status=refusal.status,
        message=message,
        errors=errors,
        facts={k: v.isoformat() if isinstance(v, datetime) else v for k, v in refusal.facts.items()},
        now=refusal.now,
        request_id=_request_id(request),
    )
    return _json(body, refusal.status)


def _json(body: Problem, status: int) -> JSONResponse:
    headers = {"Retry-After": str(body.facts.get("seconds", 5))} if status in {429, 503} else None
    return JSONResponse(body.model_dump(mode="json"), status, headers, media_type="application/problem+json")


_INPUT_CODES = {
    "missing": "input.missing",
    "extra_forbidden": "input.unknown_field",
    "string_too_long": "input.too_long",
    "string_too_short": "input.too_short",
    "too_long": "input.too_many",
    "too_short": "input.too_few",
    "string_pattern_mismatch": "input.pattern",
    "json_invalid": "input.not_json",
    "enum": "input.choice",
    "literal_error": "input.choice",
    "greater_than_equal": "input.range",
    "less_than_equal": "input.range",
    "greater_than": "input.range",
    "less_than": "input.range",
    "value_error": "input.bad_character",
}


def invalid(request: Request, error: RequestValidationError) -> JSONResponse:
    """Malformed input: each field with a sentence of its own."""
    errors = []
    for item in error.errors():
        where = [str(part) for part in item["loc"] if part not in {"body", "query", "path", "header", "cookie"}]
        kind = _INPUT_CODES.get(item["type"], "input.wrong_type")
        context = item.get("ctx") or {}
        if isinstance(context.get("error"), BadCharacter):
            where.append(context["error"].field)
        facts = {
            "field": ".".join(where),
            "limit": next(
                (context[k] for k in ("max_length", "min_length", "le", "ge", "lt", "gt") if k in context), ""
            ),
            "expected": context.get("expected", item["type"]),
        }
        code = kind if words.say(f"refusal.{kind}") != f"refusal.{kind}" else "input.wrong_type"
        errors.append(
            FieldProblem(field=facts["field"] or "body", code=code, message=words.both(f"refusal.{code}", **facts))
        )
    body = Problem(
        code="input.invalid",
        status=422,
        message=words.both("refusal.input.invalid", count=len(errors)),
        errors=errors,
        request_id=_request_id(request),
    )
    return _json(body, 422)


def http_error(request: Request, error: HTTPException) -> JSONResponse:
    """What the framework refuses, in our words."""
    if error.status_code == 400 and request.headers.get("content-type", "").startswith("application/json"):  # noqa: PLR2004
        return problem(request, Refusal("input.not_json", 422, field="body"))
    codes = {404: "web.no_route", 405: "web.no_method", 413: "web.too_large"}
    code = codes.get(error.status_code, "web.refused")
    return problem(request, Refusal(code, error.status_code, limit=settings().max_body_bytes // 2**20))


def _database_error(request: Request, error: DBAPIError) -> JSONResponse:
    if isinstance(error, DataError):
        return problem(request, Refusal("input.not_storable", 422))
    busy = isinstance(error, OperationalError) or isinstance(error.orig, psycopg.errors.LockNotAvailable)
    if busy:
        log.warning("database not reachable", error=str(error.orig))
        return problem(request, Refusal("web.busy", 503, seconds=5))
    return _fault(request, error)


def _pool_error(request: Request, _error: PoolTimeout) -> JSONResponse:
    return problem(request, Refusal("web.busy", 503, seconds=5))


def _fault(request: Request, error: Exception) -> JSONResponse:
    log.error("request failed", path=request.url.path, request_id=_request_id(request), exc_info=error)
    return problem(request, Refusal("web.fault", 500, request_id=_request_id(request)))


def _request_id(request: Request) -> str:
    return request.scope.get("request_id", "")


def install(app: FastAPI) -> None:
    """Give an application the house's error answers, headers and measures."""
    handlers: dict[Any, Callable[[Request, Any], Any]] = {
        Refusal: problem,
        RequestValidationError: invalid,
        HTTPException: http_error,
        DBAPIError: _database_error,
        PoolTimeout: _pool_error,
        Exception: _fault,
    }
    for kind, handler in handlers.items():
        app.add_exception_handler(kind, handler)
    app.add_middleware(Frame)


# --- around every request ----------------------------------------------------------------------------------------------

_HEADERS = [
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"permissions-policy", b"geolocation=(self), camera=(self), microphone=(self)"),
    (
        b"content-security-policy",
        b"default-src 'self'; img-src 'self' data: blob:; media-src 'self' blob:; style-src 'self' 'unsafe-inline'; "
        b"worker-src 'self'; connect-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    ),
]

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


class _TooLarge(HTTPException):
    """What reads the body lets this kind of error through."""

    def __init__(self) -> None:
        super().__init__(413)


class Frame:
    """Around every request: an id, a bound on the body, safe headers, one log line, one measure."""

    def __init__(self, app: Any) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = time.perf_counter()
        scope["request_id"] = uuid4().hex[:16]
        status = 500

        async def answer(message: MutableMapping[str, Any]) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [
                    *message.get("headers", []),
                    *_HEADERS,
                    (b"x-request-id", scope["request_id"].encode()),
                ]
                if scope["path"].startswith("/api/") and not any(k == b"cache-control" for k, _ in message["headers"]):
                    message["headers"].append((b"cache-control", b"no-store"))
            await send(message)

        try:
            await self.app(scope, _bounded(scope, receive), answer)
        except _TooLarge:
            refusal = Refusal("web.too_large", 413, limit=settings().max_body_bytes // 2**20)
            await problem(Request(scope), refusal)(scope, receive, answer)
        finally:
            route = getattr(scope.get("route"), "path", "?")
            spent = time.perf_counter() - started
            seconds.labels(scope["method"], route, status).observe(spent)
            if scope["path"].startswith("/api/"):
                log.info(
                    "request",
                    method=scope["method"],
                    route=route,
                    status=status,
                    ms=round(spent * 1000, 1),
                    id=scope["request_id"],
                )


def _bounded(scope: Scope, receive: Receive) -> Receive:
    headers = dict(scope["headers"])
    upload = headers.get(b"content-type", b"").startswith(b"multipart/")
    limit = settings().max_upload_bytes + 65_536 if upload else settings().max_body_bytes
    declared = headers.get(b"content-length", b"")
    if declared.isdigit() and int(declared) > limit:
        raise _TooLarge
    seen = 0

    async def count() -> MutableMapping[str, Any]:
        nonlocal seen
        message = await receive()
        seen += len(message.get("body", b""))
        if seen > limit:
            raise _TooLarge
        return message

    return count
