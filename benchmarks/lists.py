"""清单速度 — pages and counts of work lists over many cases, for viewers of the city, a county, a grid and an office."""

import time
from collections.abc import Callable
from contextlib import contextmanager
from statistics import median, quantiles
from typing import Any

import orjson
from sqlalchemy import Engine, event, text

from benchmarks.said import Reporter
from benchmarks.server import Api, api
from shiyu.cases import actions, queries
from shiyu.cases.actions import Report
from shiyu.cases.queries import Filters
from shiyu.demo.accounts import PASSWORD
from shiyu.directory import orgs
from shiyu.directory.gazetteer import gazetteer
from shiyu.kernel import auth
from shiyu.kernel.auth import Viewer
from shiyu.kernel.db import engine, reading, transaction
from shiyu.kernel.embedded import Server
from shiyu.kernel.errors import Refusal

SAMPLE = 2_000
OFFICE = "210302-zhujian"
VIEWERS = {"city": "dispatcher", "county": "dispatch.210302", "grid": None, "office": f"handle.{OFFICE}"}
MOST_RATIO, SLACK_MS = 1.5, 3.0  # an area's list may take so much longer than the city's
PAGE_P95_MS = 100.0
ASKED = 60

# Every sampled case again and again: spread over two years, nine of ten finished, the open ones due around today.
_MULTIPLY = """
with numbered as (select *, row_number() over () as n from cases."case" where channel = 'sample')
insert into cases."case" ({columns})
select {values}
  from numbered c cross join generate_series(1, :copies) g
 where g between :first and :last
"""
_FRESH = {
    "id": "gen_random_uuid()",
    "no": "'L-' || g || '-' || c.n",
    "key": "g || '-' || c.n",
    "channel": "'list'",
    "state": "case when (g * 31 + c.n) % 10 = 0 then (array['registered','dispatched','handling','handling','reviewing','replied','suspended','transferring'])[1 + (g + c.n) % 8] else 'closed' end",
    "accepted_at": "c.accepted_at - make_interval(secs => ((g * 7919 + c.n * 104729) % 63072000))",
    "due_at": "case when (g * 31 + c.n) % 10 = 0 then c.accepted_at + make_interval(hours => ((g * 13 + c.n * 7) % 400 - 100)::int) end",
    "amber_at": "case when (g * 31 + c.n) % 10 = 0 then c.accepted_at + make_interval(hours => ((g * 13 + c.n * 7) % 400 - 120)::int) end",
    "lead_org_id": "case when c.state = 'dispatched' then c.lead_org_id end",
}
# Each office leads its own cases; every twentieth case has the office of the comparison as its assistant.
_DISPATCH = """
insert into cases.dispatch (id, case_id, org_id, part, round, accepted_at, at, designated, ended_at)
select gen_random_uuid(), c.id, part.org_id, part.part, 1, c.accepted_at, c.accepted_at, false,
       case when c.state = 'closed' then c.accepted_at + interval '3 days' end
  from cases."case" c
 cross join lateral (values (c.lead_org_id, 'lead'), (cast(:office as uuid), 'assist')) as part(org_id, part)
 where c.channel = 'list' and c.lead_org_id is not null
   and (part.part = 'lead' or (c.lead_org_id <> :office and hashtext(c.no) % 20 = 0))
"""


def run(_server: Server, quick: bool) -> dict[str, Any]:
    """Build the cases, ask in turns, explain; what was promised and did not hold stands under ``failed``."""
    size = 200_000 if quick else 2_000_000
    built = _build(size)
    viewers = _viewers()
    lists: dict[str, dict[str, dict[str, Any]]] = {}
    for sort in ("new", "due"):
        box = None if sort == "new" else "mine_all"
        lists[f"{sort}, first page"] = _in_turns(
            {name: _page(viewer, sort, box, None) for name, viewer in viewers.items()}
        )
        edges = {name: _deep(viewer, sort, box) for name, viewer in viewers.items()}
        lists[f"{sort}, page 20"] = _in_turns(
            {name: _page(viewer, sort, box, edges[name]) for name, viewer in viewers.items()}
        )
    lists["counts of all boxes"] = _in_turns({name: _counts(viewer) for name, viewer in viewers.items()}, asked=12)
    explained = {
        f"{sort}: {name}": _explain(viewer, sort) for sort in ("new", "due") for name, viewer in viewers.items()
    }
    with api() as running:
        calls = _calls(running)
    return {
        "cases": size,
        "built_in_seconds": built,
        "lists": lists,
        "explained": explained,
        "calls": calls,
        "failed": _failed(lists, calls),
    }


def _failed(lists: dict[str, dict[str, dict[str, Any]]], calls: dict[str, dict[str, float]]) -> list[str]:
    failed = []
    for what, by in lists.items():
        if what.startswith("counts"):
            continue
        most = by["city"]["median_ms"] * MOST_RATIO + SLACK_MS
        failed += [
            f"{what}: {name} {one['median_ms']} ms, the city {by['city']['median_ms']} ms"
            for name, one in by.items()
            if one["median_ms"] > most
        ]
    failed += [f"{what}: p95 {one['p95_ms']} ms" for what, one in calls.items() if one["p95_ms"] > PAGE_P95_MS]
    return failed


# --- the cases ---------------------------------------------------------------------------------------------------------------


def _build(size: int) -> float:
    begin = time.perf_counter()
    with transaction() as s:
        reporter = Reporter(gazetteer(s), "lists")
    for _ in range(SAMPLE // 100):
        with transaction() as s:
            actions.accept_many(s, auth.SYSTEM, [_report(reporter.report()) for _ in range(100)])
    copies, step = size // SAMPLE, max(1, 50_000 // SAMPLE)
    with reading() as s:
        asked = (
            "select column_name from information_schema.columns where table_schema = 'cases' and table_name = 'case'"
        )
        columns = list(s.scalars(text(asked)))
    names = ", ".join(f'"{name}"' for name in columns)
    values = ", ".join(_FRESH.get(name, f'c."{name}"') for name in columns)
    for first in range(1, copies + 1, step):
        with transaction() as s:
            s.execute(
                text(_MULTIPLY.format(columns=names, values=values)),
                {"copies": copies, "first": first, "last": min(copies, first + step - 1)},
            )
    with transaction() as s:
        s.execute(text(_DISPATCH), {"office": orgs.ids(s)[OFFICE]})
    with engine().connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text('vacuum analyze cases."case"'))
        connection.execute(text("vacuum analyze cases.dispatch"))
    return round(time.perf_counter() - begin, 1)


def _report(body: dict[str, Any]) -> Report:
    at = body.get("position", {})
    return Report(body["key"], "sample", body["text"], lon=at.get("lon"), lat=at.get("lat"), phone=body["phone"])


def _viewers() -> dict[str, Viewer]:
    with transaction() as s:
        busiest = """select a.code from cases."case" c join directory.area a on a.id = c.grid_id
                      where exists (select 1 from kernel.account k where k.username = 'grid.' || a.code)
                      group by a.code order by count(*) desc limit 1"""
        grid = s.scalar(text(busiest))
        found = {}
        for name, username in VIEWERS.items():
            answer = auth.sign_in(s, username or f"grid.{grid}", PASSWORD, None, None, None)
            if isinstance(answer, Refusal):
                raise answer
            found[name] = answer.viewer
    return found


# --- asking ------------------------------------------------------------------------------------------------------------------


def _page(viewer: Viewer, sort: str, box: str | None, after: str | None) -> Callable[[], Any]:
    def ask() -> Any:
        with reading() as s:
            return queries.listing(s, viewer, Filters(box=box), sort=sort, after=after)

    return ask


def _deep(viewer: Viewer, sort: str, box: str | None) -> str | None:
    after = None
    for _ in range(19):
        found = _page(viewer, sort, box, after)()
        if found.next is None:
            break
        after = found.next
    return after


def _counts(viewer: Viewer) -> Callable[[], Any]:
    def ask() -> Any:
        with reading() as s:
            return queries.counts(s, viewer, Filters())

    return ask


def _in_turns(asks: dict[str, Callable[[], Any]], asked: int = ASKED) -> dict[str, dict[str, Any]]:
    spent: dict[str, list[float]] = {name: [] for name in asks}
    for ask in asks.values():
        for _ in range(5):
            ask()
    for _ in range(asked):
        for name, ask in asks.items():
            begin = time.perf_counter()
            ask()
            spent[name].append((time.perf_counter() - begin) * 1000)
    base = median(spent["city"])
    return {name: _times(times) | {"to_city": round(median(times) / base, 2)} for name, times in spent.items()}


def _times(times: list[float]) -> dict[str, float]:
    return {"median_ms": round(median(times), 2), "p95_ms": round(quantiles(times, n=20)[18], 2)}


@contextmanager
def _heard() -> Any:
    """The statements sent meanwhile."""
    said: list[tuple[str, Any]] = []

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        said.append((statement, parameters))

    event.listen(Engine, "before_cursor_execute", note)
    try:
        yield said
    finally:
        event.remove(Engine, "before_cursor_execute", note)


def _explain(viewer: Viewer, sort: str) -> str:
    with _heard() as said:
        _page(viewer, sort, None if sort == "new" else "mine_all", None)()
    statement, parameters = next((one for one in said if "UNION" in one[0] or "LIMIT" in one[0]), said[0])
    with engine().connect() as connection:
        cursor = connection.connection.cursor()
        cursor.execute("explain (analyze, buffers, format json) " + statement, parameters)
        (row,) = cursor.fetchall()
    plan = row[0] if isinstance(row[0], list) else orjson.loads(row[0])
    top = plan[0]["Plan"]
    nodes = list(_nodes(top))
    ways = sorted(
        {f"{node['Node Type']} {node.get('Index Name', '')}".strip() for node in nodes if "Scan" in node["Node Type"]}
    )
    blocks = top["Shared Hit Blocks"] + top["Shared Read Blocks"]
    removed = sum(node.get("Rows Removed by Filter", 0) for node in nodes)
    return f"{plan[0]['Execution Time']:.2f} ms, {blocks} blocks, {removed} rows read in vain; {'; '.join(ways)}"


def _nodes(plan: dict[str, Any]) -> Any:
    yield plan
    for below in plan.get("Plans", ()):
        yield from _nodes(below)


# --- over HTTP ----------------------------------------------------------------------------------------------------------------


def _calls(running: Api) -> dict[str, dict[str, float]]:
    import http.client

    found: dict[str, dict[str, float]] = {}
    for username in ("dispatcher", "dispatch.210302", "handle.210302-zhujian"):
        headers = {"Cookie": running.sign_in(username)["Cookie"]}
        line = http.client.HTTPConnection("127.0.0.1", running.port)

        def get(path: str, line: Any = line, headers: Any = headers) -> Any:
            line.request("GET", path, headers=headers)
            answer = line.getresponse()
            body = answer.read()
            if answer.status != 200:
                raise RuntimeError(f"{path}: {answer.status} {body[:300]!r}")
            return orjson.loads(body)

        paths = [
            "/api/cases",
            "/api/cases?box=mine_all&sort=due",
            "/api/cases?box=to_dispatch",
            "/api/cases/counts",
            "/api/me",
        ]
        for path in paths:
            times = []
            for _ in range(3):
                get(path)
            for _ in range(ASKED):
                begin = time.perf_counter()
                get(path)
                times.append((time.perf_counter() - begin) * 1000)
            found[f"{username}: GET {path}"] = _times(times)
    return found


def said(found: dict[str, Any]) -> list[str]:
    """The result in lines."""
    lines = [
        f"{found['cases']:,} cases (built in {found['built_in_seconds']} s); median / p95 ms, and how many times the city's"
    ]
    for what, by in found["lists"].items():
        cells = "   ".join(f"{name} {one['median_ms']}/{one['p95_ms']} x{one['to_city']}" for name, one in by.items())
        lines.append(f"    {what:22} {cells}")
    lines += [f"    {what:12} {plan}" for what, plan in found["explained"].items()]
    lines += [f"    {one['median_ms']:7.1f} / {one['p95_ms']:7.1f} ms  {what}" for what, one in found["calls"].items()]
    return lines + [f"NOT HELD: {one}" for one in found["failed"]]
