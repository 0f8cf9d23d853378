"""The faces' own unit tests, and how much of them a first visit loads."""

import gzip
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
STATIC = ROOT / "shiyu" / "static"
CITIZEN, FIELD = 90_000, 150_000  # bytes of script, compressed


def test_the_units_of_the_faces_do_what_they_say() -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "web" / "build.py", "test"], capture_output=True, text=True, timeout=300, check=False
    )

    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]


def scripts(face: str) -> set[str]:
    """Every script that the first page of a face loads: named in its HTML, or imported at once by one that is."""
    waiting = set(re.findall(r"/(assets/[\w.-]+\.js)", (STATIC / f"{face}.html").read_text(encoding="utf-8")))
    found: set[str] = set()
    while waiting:
        name = waiting.pop()
        found.add(name)
        text = (STATIC / name).read_text(encoding="utf-8")
        waiting |= {
            f"assets/{one}" for one in re.findall(r"""(?:from|import)\s*["']\./([\w.-]+\.js)["']""", text)
        } - found
    return found


@pytest.mark.parametrize(("face", "most"), [("citizen", CITIZEN), ("field", FIELD)])
def test_a_first_visit_stays_within_its_budget(face: str, most: int) -> None:
    names = scripts(face)

    size = sum(len(gzip.compress((STATIC / name).read_bytes())) for name in names)

    assert 10_000 < size <= most, f"{face}: {size} bytes in {len(names)} scripts"
