"""``make eval``: judge the house on real data, which stays outside the repository (``SHIYU_EVAL_DATA`` names its folder).

- ``import``: real citizens' messages as cases of the past, the same file twice: every row accounted for, none doubled, the seconds it took.
- ``classify``: on how many of them the untrained scorer dares an answer, and how sure it is.
- ``boundaries``: real county boundaries (GCJ-02) against the city's own codes: taken, mended, refused.
"""

import json
import os
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

from sqlalchemy import func, select

from benchmarks import ground
from shiyu.cases.models import Case
from shiyu.channels import importing, mapping, reading
from shiyu.directory.imports import import_geojson
from shiyu.kernel import db
from shiyu.kernel.auth import SYSTEM

MESSAGES = "taidi2020c/f3_messages_before_20190801.csv.gz"
COUNTIES = "geo/anshan_210300_full.geojson"
COLUMNS = """
[columns]
key = "留言编号"
subject = "留言主题"
text = "留言详情"
at = "留言时间"
name = "留言用户"
"""


def imported(folder: Path) -> dict[str, Any]:
    """The real messages, twice."""
    found: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as scratch:
        given = Path(scratch) / "map.toml"
        given.write_text(COLUMNS, encoding="utf-8")
        for run in ("first", "second"):
            source = reading.look(folder / MESSAGES)
            began = time.perf_counter()
            tally = importing.run(
                SYSTEM,
                source,
                mapping.load(given, source.columns),
                "petition",
                refused_to=Path(scratch) / "refused.csv",
                historic=True,
            )
            found[run] = tally.counts() | {"no_place": tally.no_place, "seconds": round(time.perf_counter() - began, 1)}
    with db.reading() as s:
        found["cases"] = s.scalar(select(func.count()).select_from(Case))
    return found


def classified() -> dict[str, Any]:
    """What the scorer said of the imported messages."""
    with db.reading() as s:
        kept = [row["confidence"] if row.get("matter") else None for row in s.scalars(select(Case.triage))]
    sure = [one for one in kept if one is not None]
    return {"messages": len(kept), "answered": len(sure), "median_confidence": round(median(sure), 3) if sure else None}


def bounded(folder: Path) -> dict[str, Any]:
    """Real county boundaries, converted from GCJ-02."""
    with db.transaction() as s:
        report = import_geojson(
            s, SYSTEM, folder / COUNTIES, level="county", frame="gcj02", code_field="adcode", dry_run=True
        )
    return {name: getattr(report, name) for name in ("read", "added", "changed", "unchanged", "mended")} | {
        "refused": [one.say("en") for one in report.refused]
    }


def main() -> None:
    """Everything, as one JSON document."""
    folder = Path(os.environ["SHIYU_EVAL_DATA"])
    with ground.city():
        found = {"import": imported(folder), "classify": classified(), "boundaries": bounded(folder)}
    print(json.dumps(found, ensure_ascii=False, indent=1))
    first, second = found["import"]["first"], found["import"]["second"]
    if first["rows"] != sum(first[name] for name in ("imported", "known", "refused")) or second["imported"]:
        raise SystemExit("a row is not accounted for, or was doubled")


if __name__ == "__main__":
    main()
