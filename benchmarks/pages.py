"""``python -m benchmarks.pages [ADDRESS]``: the calls behind the pages of a running ``make demo``, each 40 times, one after the other.

Promise: 95th percentile under 100 ms in the demo city, as seen by a client on the same machine.
"""

import statistics
import sys
import time

import httpx2

from shiyu.demo.accounts import PASSWORD

TIMES, PROMISE = 40, 100.0
CALLS: dict[str, tuple[str, ...]] = {
    "": ("/api/public/settings",),
    "dispatcher": (
        "/api/cases",
        "/api/cases?sort=due&box=mine_all",
        "/api/cases/counts",
        "/api/cases/{no}",
        "/api/matters?q=扶手",
        "/api/orgs?q=住建",
        "/api/analysis/summary",
        "/api/analysis/heat",
        "/api/oversight/lights",
    ),
    "handle.210302-zhujian": ("/api/cases?box=handling&sort=due", "/api/cases/counts"),
    "grid.2103020030041001": ("/api/field/me", "/api/field/tasks"),
    "display": ("/api/screen/snapshot",),
}


def main() -> None:
    """Print median and 95th percentile of each call; fail when one is slower than promised."""
    address = sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:8000"
    slow = []
    for username, paths in CALLS.items():
        with httpx2.Client(base_url=address) as client:
            if username:
                client.post("/api/sign-in", json={"username": username, "password": PASSWORD}).raise_for_status()
            for path in paths:
                no = client.get("/api/cases").json()["rows"][0]["no"] if "{no}" in path else ""
                spent = sorted(_timed(client, path.format(no=no)) for _ in range(TIMES))
                p95 = spent[int(TIMES * 0.95) - 1]
                print(
                    f"{username or 'citizen':24s} {path:36s} median {statistics.median(spent):6.1f} ms  p95 {p95:6.1f} ms"
                )
                if p95 > PROMISE:
                    slow.append(path)
    if slow:
        raise SystemExit(f"slower than {PROMISE:.0f} ms: {', '.join(slow)}")


def _timed(client: httpx2.Client, path: str) -> float:
    began = time.perf_counter()
    client.get(path).raise_for_status()
    return (time.perf_counter() - began) * 1000


if __name__ == "__main__":
    main()
