"""依据速度 — how many questions a second the law and the gazetteer answer in one thread, from memory."""

import time
from collections.abc import Callable, Sequence
from statistics import median
from typing import Any

from benchmarks.said import Reporter
from shiyu.cases import triage
from shiyu.cases.triage import Word
from shiyu.directory.gazetteer import gazetteer
from shiyu.kernel import clock
from shiyu.kernel.db import reading
from shiyu.kernel.embedded import Server
from shiyu.law.book import book

ROUNDS = 3


def run(_server: Server, quick: bool) -> dict[str, Any]:
    """Each question for half a second or two, three times; medians."""
    seconds = 0.5 if quick else 2.0
    with reading() as s:
        law, places = book(s), gazetteer(s)
    now = clock.now()
    reporter = Reporter(places, "law")
    reports = [reporter.report() for _ in range(500)]
    points = [one["position"] for one in reports if "position" in one]
    named = [one["text"] for one in reports if "position" not in one]
    matters = [entry.code for entry in law.matters.leaves(clock.beijing(now).date())]
    lineages = [[node.code for node in places.lineage(node.id).path] for node in places.nodes if node.level == "cell"]
    words = [
        Word(one["text"], None, one.get("position", {}).get("lon"), one.get("position", {}).get("lat"))
        for one in reports
    ]
    dues = [(matter, law.due(matter, "handle", now)) for matter in matters]
    questions: dict[str, tuple[Sequence[Any], Callable[[Any], Any]]] = {
        "due(): by when": (matters, lambda matter: law.due(matter, "handle", now, kind="complaint")),
        "amber(): when the light turns": (dues, lambda one: law.amber(now, one[1])),
        "owner(): whose": (
            list(zip(matters * 3, lineages, strict=False)),
            lambda one: law.owner(one[0], one[1]),
        ),
        "classify(): what": ([one["text"] for one in reports], law.classify),
        "locate(point): where": (points, lambda at: places.locate_point(at["lon"], at["lat"])),
        "locate(text): where": (named, places.locate_text),
        "think(): all of it for one report": (words, lambda word: triage.think(word, law, places, now)),
    }
    return {
        "matters": len(matters),
        "areas": len(places.nodes),
        "per_second": {what: round(_rate(*question, seconds)) for what, question in questions.items()},
    }


def _rate(asked: Sequence[Any], ask: Callable[[Any], Any], seconds: float) -> float:
    rates = []
    for one in asked:  # warm
        ask(one)
    for _ in range(ROUNDS):
        done, begin = 0, time.perf_counter()
        while (spent := time.perf_counter() - begin) < seconds:
            for one in asked[:200]:
                ask(one)
            done += len(asked[:200])
        rates.append(done / spent)
    return median(rates)


def said(found: dict[str, Any]) -> list[str]:
    """The result in lines."""
    head = f"one thread, {found['matters']} matters, {found['areas']} areas"
    return [head, *(f"    {rate:>9,}/s  {what}" for what, rate in found["per_second"].items())]
