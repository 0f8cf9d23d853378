"""Front door: live news to screens, as server-sent events.

One connection a process listens for the waker's NOTIFY and reads the feed behind its own position; every open stream has a bounded
queue. What a stream carries is decided by what its viewer may see: *"case X changed"* for the desk, a line without number, person or
exact place for the wall. Ids are positions in the feed (epoch, transaction, sequence), so a stream that broke goes on where it was,
on this process or another, before or after a restart.
"""

import asyncio
import contextlib
import signal
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import orjson
import psycopg
import structlog
from anyio import to_thread
from fastapi import APIRouter, Header, Query, Request, Response
from fastapi.sse import EventSourceResponse, format_sse_event
from prometheus_client import Gauge
from sqlalchemy import select, text, tuple_
from sqlalchemy.orm import Session
from starlette.types import Message, Send

from shiyu.analysis import queries as analysis
from shiyu.analysis.policy import SEE_CASES, scope
from shiyu.cases import events as case_events
from shiyu.cases import policy
from shiyu.cases.models import Case
from shiyu.kernel import auth, clock, events
from shiyu.kernel.auth import Viewer
from shiyu.kernel.db import engine, reading, transaction
from shiyu.kernel.errors import Refusal
from shiyu.kernel.events import Event
from shiyu.kernel.web import COOKIE, signed_in
from shiyu.oversight import wall
from shiyu.oversight.schemas import LineOut

QUEUE = 200  # messages a client may lie behind before it is let go; it comes back with the id of the last it had
BEAT = 10.0  # seconds between signs of life; at each the session is looked at again
PATIENCE = 20.0  # seconds in which a client must take what it is sent
BATCH = 500
MOST = 2000  # news that a returning client is told one by one; beyond that it is told to fetch everything anew

log = structlog.get_logger(__name__)
streams = Gauge("shiyu_live_streams", "Open streams of live news")

Position = tuple[int, int, int]
KINDS = tuple(
    name
    for name, cls in events.kinds().items()
    if cls.__module__ == case_events.__name__ and cls is not case_events.CaseRecorded
)


@dataclass(frozen=True, slots=True)
class Audience:
    """受众 — everybody who sees the same: viewers with the same grants, as desk or as wall."""

    wall: bool
    grants: frozenset[auth.Grant]
    exercise_id: UUID | None

    @property
    def viewer(self) -> Viewer:
        """A viewer who stands for all of them."""
        return Viewer(None, grants=tuple(self.grants), exercise_id=self.exercise_id)


@dataclass(frozen=True, slots=True)
class Told:
    """One message with its place in the feed."""

    at: Position
    data: dict[str, Any]

    def wire(self) -> bytes:
        """As it is sent."""
        return format_sse_event(data_str=orjson.dumps(self.data).decode(), id=".".join(map(str, self.at)))


@dataclass(eq=False)
class Subscriber:
    """One open stream: what waits for it, and whether it was let go."""

    audience: Audience
    queue: asyncio.Queue[Told | None] = field(default_factory=lambda: asyncio.Queue(QUEUE + 1))
    ended: bool = False

    def give(self, told: Told) -> None:
        """Put a message in the queue; who has let it run full is ended."""
        if self.queue.qsize() >= QUEUE:
            self.end()
        elif not self.ended:
            self.queue.put_nowait(told)

    def end(self) -> None:
        """No more messages: what waits is dropped, it will be asked for again."""
        if not self.ended:
            self.ended = True
            while not self.queue.empty():
                self.queue.get_nowait()
            self.queue.put_nowait(None)


class Hub:
    """The one listener of this process and the streams it feeds. Everything here runs in one event loop."""

    def __init__(self) -> None:
        self.subscribers: set[Subscriber] = set()
        self.position: Position = (0, 0, 0)
        self.behind = 0.0
        self.closing = False
        self._looked = 0.0

    async def add(self, subscriber: Subscriber) -> None:
        """A stream opens. From this moment everything that follows ``position`` is put into its queue."""
        if not self.subscribers:
            self.position = await to_thread.run_sync(_edge)
        self.subscribers.add(subscriber)
        streams.inc()

    def remove(self, subscriber: Subscriber) -> None:
        """A stream is over."""
        if subscriber in self.subscribers:
            self.subscribers.remove(subscriber)
            streams.dec()

    def close(self) -> None:
        """The process is going: end every stream, so that it need not wait for them."""
        self.closing = True
        for subscriber in self.subscribers:
            subscriber.end()

    async def run(self) -> None:
        """Listen until cancelled; a database that went away is waited for, and nothing is missed by it."""
        while True:
            try:
                address = engine().url.set(drivername="postgresql").render_as_string(hide_password=False)
                async with await psycopg.AsyncConnection.connect(address, autocommit=True) as ear:
                    await ear.execute(f"listen {events.CHANNEL}")
                    while True:
                        if not await self._spread():
                            async for _ in ear.notifies(timeout=events.POLL_EVERY, stop_after=1):
                                pass
            except Exception as error:  # noqa: BLE001 - whatever it was, the streams stay open and go on afterwards
                log.warning("live news interrupted", error=repr(error))
                await asyncio.sleep(1)

    async def _spread(self) -> bool:
        """Read what is new and put it into the queues; whether there may be more."""
        audiences = {one.audience for one in self.subscribers}
        if not audiences:
            return False
        if time.monotonic() - self._looked > BEAT / 2:
            self._looked, self.behind = time.monotonic(), await to_thread.run_sync(_behind)
        news, reached = await to_thread.run_sync(_read, self.position)
        told = await to_thread.run_sync(_address, news, audiences) if news else {}
        for subscriber in self.subscribers:
            for one in told.get(subscriber.audience, ()):
                subscriber.give(one)
        self.position = max(self.position, reached)
        return len(news) == BATCH


# --- reading; in threads -----------------------------------------------------------------------------------------------


def _edge() -> Position:
    """The place in the feed below which every transaction has ended."""
    with reading() as s:
        return _parse(wall.newest(s)) or (0, 0, 0)


def _behind() -> float:
    with reading() as s:
        return analysis.freshness(s).seconds_behind


def _read(after: Position) -> tuple[Sequence[Any], Position]:
    """The next news of cases behind a position, and how far the feed was read by it."""
    with reading() as s:
        edge = s.scalar(text("select pg_snapshot_xmin(pg_current_snapshot())::text::bigint")) or 0
        key = (Event.epoch, Event.xid, Event.seq)
        query = select(*Event.__table__.columns).where(tuple_(*key) > tuple_(*after), Event.kind.in_(KINDS))
        query = query.where(tuple_(Event.epoch, Event.xid) < tuple_(events.current_epoch(), edge))
        news = s.execute(query.order_by(*key).limit(BATCH)).all()
    if len(news) == BATCH:
        return news, (news[-1].epoch, news[-1].xid, news[-1].seq)
    return news, (events.current_epoch(), edge - 1, 2**62)


def _address(news: Sequence[Any], audiences: set[Audience]) -> dict[Audience, list[Told]]:
    """What each audience is told of some news: two queries an audience, however many streams and news."""
    found: dict[Audience, list[Told]] = {}
    with reading() as s:
        for audience in audiences:
            found[audience] = _wall_lines(s, audience, news) if audience.wall else _desk_lines(s, audience, news)
    return found


def _desk_lines(s: Session, audience: Audience, news: Sequence[Any]) -> list[Told]:
    idents = {row.subject_id for row in news}
    query = select(Case.id, Case.no).where(Case.id.in_(idents), policy.may_see(audience.viewer))
    numbers = dict(s.execute(query).all())
    return [
        Told((row.epoch, row.xid, row.seq), {"type": "case", "no": numbers[row.subject_id], "kind": row.kind})
        for row in news
        if row.subject_id in numbers
    ]


def _wall_lines(s: Session, audience: Audience, news: Sequence[Any]) -> list[Told]:
    found = wall.lines(s, scope(s, audience.viewer), news)
    return [
        Told(_parse(line.id) or (0, 0, 0), {"type": "case", **LineOut.model_validate(line).model_dump(mode="json")})
        for line in found
    ]


def _viewer_now(token: str) -> Viewer | None:
    """Who the session belongs to at this moment. Looking does not keep it alive: an open page is not a person at work."""
    with transaction() as s:
        look = s.begin_nested()
        viewer = auth.viewer_of(s, token)
        look.rollback()
    return viewer


def _parse(given: str | None) -> Position | None:
    parts = (given or "").split(".")
    if len(parts) != 3 or not all(part.isdigit() and len(part) < 20 for part in parts):  # noqa: PLR2004 - epoch, xid, seq
        return None
    epoch, xid, seq = map(int, parts)
    return (epoch, xid, seq) if epoch < 2**15 and xid < 2**63 and seq < 2**63 else None


# --- streams -----------------------------------------------------------------------------------------------------------


class Stream(EventSourceResponse):
    """An event stream that does not wait for ever for a client that reads nothing.

    The routes that FastAPI itself makes of a generator have no such end: they wait in ``send`` as long as the client likes.
    """

    async def stream_response(self, send: Send) -> None:
        """Send each piece within ``PATIENCE``, or let the client go."""

        async def patient(message: Message) -> None:
            async with asyncio.timeout(PATIENCE):
                await send(message)

        with contextlib.suppress(TimeoutError):
            await super().stream_response(patient)


async def _tell(hub: Hub, audience: Audience, token: str, after: Position | None) -> AsyncIterator[bytes]:
    subscriber = Subscriber(audience)
    await hub.add(subscriber)
    try:
        yield format_sse_event(data_str=_sign(hub), event="beat", retry=2000)
        last = after or (0, 0, 0)
        if after is not None:
            async for told in _missed(audience, after):
                if told is None:
                    yield format_sse_event(data_str='{"type":"all"}')
                    break
                last = told.at
                yield told.wire()
        looked = time.monotonic()
        while not subscriber.ended and not hub.closing:
            told = await _next(subscriber, looked + BEAT - time.monotonic())
            if told is not None and told.at > last:
                last = told.at
                yield told.wire()
            if time.monotonic() - looked >= BEAT:
                looked = time.monotonic()
                viewer = await to_thread.run_sync(_viewer_now, token)
                if viewer is None or _audience(viewer, audience.wall) != audience:
                    yield format_sse_event(data_str='{"type":"end"}', event="end")
                    return
                here = ".".join(map(str, hub.position)) if subscriber.queue.empty() else None
                yield format_sse_event(data_str=_sign(hub), event="beat", id=here)
    finally:
        hub.remove(subscriber)


async def _next(subscriber: Subscriber, seconds: float) -> Told | None:
    try:
        return await asyncio.wait_for(subscriber.queue.get(), max(seconds, 0.01))
    except TimeoutError:
        return None


async def _missed(audience: Audience, after: Position) -> AsyncIterator[Told | None]:
    """What happened while the client was away; ``None`` when that is too much to be told one by one."""
    for _ in range(MOST // BATCH):
        news, after = await to_thread.run_sync(_read, after)
        if news:
            for told in (await to_thread.run_sync(_address, news, {audience}))[audience]:
                yield told
        if len(news) < BATCH:
            return
    yield None


def _sign(hub: Hub) -> str:
    """A sign of life: the time here, and how far the figures lie behind."""
    return orjson.dumps({"type": "beat", "at": clock.now(), "seconds_behind": hub.behind}).decode()


def _audience(viewer: Viewer, asked: bool) -> Audience:
    """As a wall if asked, and always for who may see no cases."""
    only_wall = viewer.has("display") and not viewer.has(*SEE_CASES, *policy.BY_OFFICE)
    return Audience(asked or only_wall, frozenset(viewer.grants), viewer.exercise_id)


@contextmanager
def _before_shutdown(call: Callable[[], None]) -> Iterator[None]:
    """Call it as soon as the process is told to stop: the server waits for open streams before it tells the application."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    loop = asyncio.get_running_loop()
    held: dict[int, Any] = {}

    def heard(number: int, frame: Any) -> None:
        loop.call_soon_threadsafe(call)
        if callable(held[number]):
            held[number](number, frame)

    for number in (signal.SIGTERM, signal.SIGINT):
        held[number] = signal.signal(number, heard)
    try:
        yield
    finally:
        for number, handler in held.items():
            signal.signal(number, handler)


@asynccontextmanager
async def _life(_app: Any) -> AsyncIterator[dict[str, Hub]]:
    hub = Hub()
    listening = asyncio.create_task(hub.run(), name="shiyu-live")
    try:
        with _before_shutdown(hub.close):
            yield {"hub": hub}
    finally:
        hub.close()
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)


router = APIRouter(prefix="/api", tags=["live"], lifespan=_life)


_DOCUMENTED: dict[int | str, dict[str, Any]] = {
    200: {"description": "Messages as long as the session lasts", "content": {"text/event-stream": {}}}
}


@router.get("/live", response_class=Response, responses=_DOCUMENTED)
async def live(
    request: Request,
    wall: bool = Query(default=False, description="Lines for the wall: no numbers, no persons, no exact places"),
    after: str | None = Query(default=None, max_length=60, description="Position of a snapshot to go on from"),
    last_event_id: str | None = Header(default=None, max_length=60),
    viewer: Viewer = signed_in,
) -> Stream:
    """实时消息 — an endless stream of ``case`` messages about what the viewer may see, with ``beat`` every ten seconds."""
    hub: Hub | None = getattr(request.state, "hub", None)
    if hub is None or hub.closing:
        raise Refusal("web.busy", 503, seconds=2)
    audience = _audience(viewer, wall)
    if audience.wall:
        await to_thread.run_sync(_check_wall, viewer)
    token = request.cookies.get(COOKIE, "")
    start = _parse(last_event_id) or _parse(after)
    return Stream(_tell(hub, audience, token, start), headers={"Cache-Control": "no-cache", "X-Accel-Buffering": "no"})


def _check_wall(viewer: Viewer) -> None:
    with reading() as s:
        scope(s, viewer)
