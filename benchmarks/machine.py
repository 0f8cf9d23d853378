"""On what was measured: machine, versions, commit, settings. A figure without them says nothing."""

import os
import platform
import subprocess
from importlib.metadata import version
from pathlib import Path
from typing import Any

from sqlalchemy import text

from shiyu.kernel import clock
from shiyu.kernel.db import reading

LIBRARIES = ("fastapi", "uvicorn", "uvloop", "pydantic", "sqlalchemy", "psycopg", "orjson", "shapely", "rjieba")
SETTINGS = ("fsync", "synchronous_commit", "full_page_writes", "shared_buffers", "max_wal_size", "wal_level")


def described() -> dict[str, Any]:
    """Everything that a figure depends on; asks the bound database for its own part."""
    with reading() as s:
        asked = {name: s.scalar(text(f"show {name}")) for name in ("server_version", *SETTINGS)}
    return {
        "at": clock.beijing(clock.now()).isoformat(timespec="seconds"),
        "commit": _commit(),
        "cpu": _cpu(),
        "cores": os.cpu_count(),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "system": platform.platform(),
        "python": platform.python_version(),
        "libraries": {name: version(name) for name in LIBRARIES},
        "postgresql": asked,
        "load_at_start": round(os.getloadavg()[0], 2),
    }


def _commit() -> str:
    def git(*words: str) -> str:
        done = subprocess.run(["git", *words], capture_output=True, text=True, check=False)
        return done.stdout.strip() if done.returncode == 0 else ""

    found = git("rev-parse", "--short", "HEAD")
    return f"{found}{'+' if git('status', '--porcelain') else ''}" if found else "none"


def _cpu() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    return next(
        (line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.processor()
    )
