"""演示知识库 — some answers to what people ask most. Made up for the demonstration: they say so in their sources."""

import csv
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from shiyu.demo.people import Cast
from shiyu.kernel import clock
from shiyu.kernel.db import transaction
from shiyu.services import actions

SOURCE = {"title": "演示条目（合成数据，不作办事依据）", "reference": None}
LEFT = {"draft": 1, "reviewing": 1}
"""How many at the end of the list are not yet published, so that the desk has something to do."""


def _content(row: dict[str, str], since: date) -> dict[str, Any]:
    return {
        "title": row["title"],
        "answer": row["answer"],
        "steps": row["steps"].split("|"),
        "keywords": row["keywords"].split("|"),
        "sources": [SOURCE],
        "matter": row["matter"] or None,
        "audience": row["audience"],
        "valid_from": since,
        "valid_to": None,
    }


def fill(cast: Cast, at: datetime) -> int:
    """The office's agent writes, the centre publishes; how many entries there are."""
    agent, centre = cast.one("agent"), cast.one("dispatcher")
    with (Path(__file__).parent / "knowledge.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    ready = len(rows) - sum(LEFT.values())
    for number, row in enumerate(rows):
        with clock.at(at + timedelta(minutes=number)), transaction() as s:
            content = _content(row, clock.beijing(clock.now()).date())
            entry = actions.write(s, agent, row["org"], content, origin="synthetic")
            if number < ready + LEFT["reviewing"]:
                actions.act(s, agent, entry.no, "submit")
            if number < ready:
                actions.act(s, centre, entry.no, "publish")
    return len(rows)
