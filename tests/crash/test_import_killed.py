"""An import is killed at several moments: given again, every row is there once and the last run accounts for all."""

import csv
import json
import os
import subprocess
import sys
import time
from pathlib import Path

from sqlalchemy import func, select

from shiyu.cases.models import Case
from shiyu.kernel.db import reading

ROWS = 600
MOMENTS = (1, 300)  # so many cases are there when the kill falls
PATIENCE = 60.0


def a_file(path: Path) -> Path:
    """Rows of which one in a hundred says nothing."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["编号", "内容", "时间"])
        for n in range(ROWS):
            writer.writerow(
                [
                    f"K-{n}",
                    "" if n % 100 == 99 else f"铁东区乐雪社区{n}号楼道灯不亮，夜里看不见台阶。",
                    "2026-02-01 08:00",
                ]
            )
    return path


def importing(file: Path, database: str) -> "subprocess.Popen[str]":
    """``shiyu import`` as a process."""
    words = [sys.executable, "-m", "shiyu.cli", "import", str(file), "--channel", "hotline", "--json"]
    return subprocess.Popen(
        words,
        env=os.environ | {"SHIYU_DATABASE_URL": database},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )


def count() -> int:
    """How many cases there are."""
    with reading() as s:
        return s.scalar(select(func.count()).select_from(Case)) or 0


def test_an_import_killed_again_and_again_ends_with_every_row_once(city: str, tmp_path: Path) -> None:
    file, seen = a_file(tmp_path / "a.csv"), []
    for moment in MOMENTS:
        process, end = importing(file, city), time.monotonic() + PATIENCE
        while count() < moment and process.poll() is None and time.monotonic() < end:
            time.sleep(0.02)
        process.kill()
        process.communicate()
        seen.append(count())

    process = importing(file, city)
    said = process.communicate(timeout=PATIENCE)[0]
    told = json.loads(said.splitlines()[-1])

    assert seen == sorted(seen)
    assert 0 < seen[0] < ROWS - ROWS // 100, "the first kill must fall in the middle"
    assert len(said.splitlines()) == 1
    assert told["rows"] == told["imported"] + told["known"] + told["refused"] == ROWS
    assert (told["known"], told["refused"]) == (seen[-1], ROWS // 100)
    with reading() as s:
        keys = list(s.scalars(select(Case.key)))
    assert len(keys) == len(set(keys)) == ROWS - ROWS // 100
    assert len((tmp_path / "a.csv.refused.csv").read_text(encoding="utf-8-sig").splitlines()) == 1 + ROWS // 100
