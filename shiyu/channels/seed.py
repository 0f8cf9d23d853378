"""渠道名录 — the registry of the demonstration, from ``registry.csv`` and ``attributes.csv``.

The national numbers and what they are for are real; what is marked ``synthetic`` is invented. Offices are named by their slug of the
law books' ``offices.csv`` and left out where the city has no such office.
"""

import csv
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from sqlalchemy.orm import Session

from shiyu.channels import actions, queries
from shiyu.channels.actions import Entry, Offer, Question
from shiyu.directory import orgs
from shiyu.directory.gazetteer import gazetteer
from shiyu.kernel.auth import SYSTEM, SYSTEM_ADMIN, Grant

HERE = Path(__file__).parent
FOUNDER = replace(SYSTEM, grants=(Grant(SYSTEM_ADMIN),))


def seed(s: Session) -> int:
    """建立名录 — every channel that is not there yet, and every matter offered through Open311; how many channels were added."""
    city = next((node.code for node in gazetteer(s).nodes if node.level == "city"), "")
    offices, added = orgs.ids(s), 0
    for row in _rows("registry.csv"):
        org = f"{city}-{row['office']}"
        if queries.registered(s, row["code"]) is None:
            words = {name: row[name] for name in ("name", "name_en", "kind", "number", "subject")}
            entry = Entry(**words, org=org if org in offices else None, synthetic=row["synthetic"] == "yes")
            actions.add(s, FOUNDER, row["code"], entry)
            added += 1
    if actions.offer_all(s, FOUNDER):
        asked: dict[str, list[Question]] = defaultdict(list)
        for row in _rows("attributes.csv"):
            asked[row["matter"]].append(_question(row))
        for matter, questions in asked.items():
            actions.offer(s, FOUNDER, matter, Offer(questions=questions))
    return added


def _question(row: dict[str, str]) -> Question:
    """A row as an attribute; the datatype "notice" is a sentence that asks nothing."""
    notice = row["datatype"] == "notice"
    values = [value.split(":") for value in row["values"].split("|") if value]
    return Question(
        code=row["code"],
        datatype="string" if notice else row["datatype"],
        description=row["description"],
        description_en=row["description_en"],
        variable=not notice,
        required=row["required"] == "yes",
        hint=row["hint"] or None,
        hint_en=row["hint_en"] or None,
        values=[{"key": key, "name": name, "name_en": name_en} for key, name, name_en in values],
    )


def _rows(name: str) -> Iterator[dict[str, str]]:
    with (HERE / name).open(encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)
