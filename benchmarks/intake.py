"""受理速度 — accepted cases a second through HTTP, everything done and durable, beside what pgbench makes of the same rows."""

import json
import subprocess
import sys
from statistics import median
from typing import Any

from sqlalchemy import func, select

from benchmarks import limit
from benchmarks.said import Reporter
from benchmarks.server import Api, api
from shiyu.cases.models import Case, Clock
from shiyu.cases.models import Reporter as ReporterRow
from shiyu.directory.gazetteer import gazetteer
from shiyu.kernel.config import settings
from shiyu.kernel.db import reading
from shiyu.kernel.embedded import Server
from shiyu.kernel.events import Event

CONNECTIONS = 8
A_HUNDRED = 100
TARGETS = {"desk": 0.10, "public": 0.10, "hundred": 0.60}
PATHS = {"desk": "/api/reports", "public": "/api/public/reports", "hundred": "/api/reports/batch"}
SAID = {
    "desk": "one report a request, agent (POST /api/reports)",
    "public": "one report a request, citizen (POST /api/public/reports)",
    "hundred": "100 reports a request, agent (POST /api/reports/batch)",
}


def run(server: Server, quick: bool) -> dict[str, Any]:
    """Limit and doors in turn, three times; medians, ratios, and one more run of each door with a profile."""
    seconds, rounds = (2.0, 3) if quick else (6.0, 3)
    limits: list[float] = []
    doors: dict[str, list[dict[str, Any]]] = {name: [] for name in PATHS}
    with api() as running:
        warm(running, seconds)
        programs = limit.scripts()
        for n in range(rounds):
            for name in PATHS:
                limits.append(limit.measure(server, programs, settings().data_dir, seconds))
                run_of_door = through(running, name, seconds, seed=1000 + n)
                doors[name].append(run_of_door | {"ratio": run_of_door["cases_per_second"] / limits[-1]})
    profiles = {}
    with api(profile=True) as running:
        for name in PATHS:
            through(running, name, 1.0, seed=3)
    for name in PATHS:
        with api(profile=True) as running:
            through(running, name, seconds, seed=2000)
        profiles[name] = json.loads(running.profile.read_text()) if running.profile else []
    top = median(limits)
    return {
        "limit": {"cases_per_second": round(top, 1), "runs": [round(one, 1) for one in limits], "script": programs[0]},
        "connections": CONNECTIONS,
        "doors": {name: _summary(name, runs, profiles[name]) for name, runs in doors.items()},
    }


def warm(running: Api, seconds: float) -> None:
    """Every statement prepared, every memory filled, before anything is measured."""
    for name in PATHS:
        through(running, name, min(1.0, seconds), seed=1)


def through(running: Api, name: str, seconds: float, seed: int) -> dict[str, Any]:
    """One run of one door; every acknowledged case must stand in the database, whole."""
    many = A_HUNDRED if name == "hundred" else 1
    headers = {"X-Forwarded-For": "{address}"} if name == "public" else running.sign_in("agent")
    bodies = settings().data_dir / "bodies.jsonl"
    most = int(seconds * (60 if many > 1 else 1500)) + CONNECTIONS
    with reading() as s:
        reporter = Reporter(gazetteer(s), f"{name} {seed}")
    with bodies.open("w") as file:
        for _ in range(most):
            reports = [reporter.report() for _ in range(many)]
            file.write(json.dumps({"reports": reports} if many > 1 else reports[0], ensure_ascii=False) + "\n")
    before = counted()
    spec = {
        "port": running.port,
        "path": PATHS[name],
        "headers": headers,
        "connections": CONNECTIONS,
        "seconds": seconds,
    }
    plan = settings().data_dir / "load.json"
    plan.write_text(json.dumps(spec | {"bodies": str(bodies)}))
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.load", str(plan)], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(f"the load failed: {done.stderr[-2000:]}")
    told = json.loads(done.stdout)
    _check(name, told, before, many)
    return told | {"cases": told["answers"] * many, "cases_per_second": told["answers"] * many / told["seconds"]}


def counted() -> dict[str, int]:
    """How many cases, and how many of what each must have."""
    accepted = select(func.count()).select_from(Event).where(Event.kind == "case.accepted")
    with reading() as s:
        return {
            "cases": s.scalar(select(func.count()).select_from(Case).where(Case.channel != "limit")) or 0,
            "reporters": s.scalar(select(func.count()).select_from(ReporterRow)) or 0,
            "clocked": s.scalar(select(func.count(func.distinct(Clock.case_id)))) or 0,
            "events": s.scalar(accepted) or 0,
        }


def _check(name: str, told: dict[str, Any], before: dict[str, int], many: int) -> None:
    if set(told["statuses"]) != {"201"}:
        raise RuntimeError(f"{name}: {told['statuses']} {told['refusal']}")
    after = counted()
    acknowledged = told["answers"] * many
    for what, number in after.items():
        if number - before[what] != acknowledged:
            raise RuntimeError(f"{name}: {acknowledged} acknowledged, {number - before[what]} {what} in the database")


def _summary(name: str, runs: list[dict[str, Any]], profile: list[Any]) -> dict[str, Any]:
    """Each run beside the limit that was measured just before it, since a shared machine changes from minute to minute."""
    rate, ratio = median(one["cases_per_second"] for one in runs), median(one["ratio"] for one in runs)
    return {
        "said": SAID[name],
        "cases_per_second": round(rate, 1),
        "runs": [round(one["cases_per_second"], 1) for one in runs],
        "ratio": round(ratio, 3),
        "ratios": [round(one["ratio"], 3) for one in runs],
        "target": TARGETS[name],
        "reached": ratio >= TARGETS[name],
        "p50_ms": median(one["p50_ms"] for one in runs),
        "p95_ms": median(one["p95_ms"] for one in runs),
        "acknowledged_and_found": sum(one["cases"] for one in runs),
        "profile": profile,
    }


def said(found: dict[str, Any]) -> list[str]:
    """The result in lines."""
    lines = [f"limit (pgbench, same rows, {limit.CLIENTS} clients): {found['limit']['cases_per_second']:.0f} cases/s"]
    for door in found["doors"].values():
        mark = "reached" if door["reached"] else "NOT reached"
        lines.append(
            f"{door['said']}: {door['cases_per_second']:.0f} cases/s = {door['ratio']:.1%} of the limit "
            f"(target {door['target']:.0%}: {mark}); p50 {door['p50_ms']} ms, p95 {door['p95_ms']} ms; "
            f"{door['acknowledged_and_found']} acknowledged, all found in the database"
        )
        lines += [f"    {share:6.1%}  {part}" for part, share in door["profile"] if share >= 0.01]
    return lines
