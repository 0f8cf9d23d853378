"""One API process under load, the very command that an operator runs: ``shiyu api``.

With a profile wanted, the same command runs with a sampler beside it, in a run of its own: a profiled run is never the one reported.
"""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from shiyu.demo.accounts import PASSWORD
from shiyu.kernel.config import settings

READY_WITHIN = 60.0


@dataclass(frozen=True, slots=True)
class Api:
    """A running API process."""

    port: int
    profile: Path | None

    def sign_in(self, username: str) -> dict[str, str]:
        """The headers of a signed-in member of staff."""
        line = http.client.HTTPConnection("127.0.0.1", self.port)
        body = json.dumps({"username": username, "password": PASSWORD})
        line.request("POST", "/api/sign-in", body, {"Content-Type": "application/json"})
        answer = line.getresponse()
        told = json.loads(answer.read())
        if answer.status != 200:
            raise RuntimeError(f"{username} cannot sign in: {told}")
        cookie = (answer.getheader("set-cookie") or "").split(";")[0]
        return {"Cookie": cookie, "X-CSRF-Token": told["csrf"]}


@contextmanager
def api(*, profile: bool = False) -> Iterator[Api]:
    """An API process on a free port, attached to the server of ``settings().data_dir``; ended by SIGTERM."""
    port = _free_port()
    data = settings().data_dir
    table = data / "profile.json" if profile else None
    environment = (
        os.environ
        | {
            "SHIYU_TRUSTED_PROXIES": "127.0.0.1",  # the load's citizens stand behind one proxy, each with an address of his own
            "SHIYU_BENCH_PROFILE": str(table) if table else "",
        }
    )
    with (data / "api.log").open("wb") as log:
        child = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.server", "api", "--data", str(data), "--port", str(port)],
            env=environment,
            stdout=log,
            stderr=log,
        )
        try:
            _wait_ready(child, port, data / "api.log")
            yield Api(port, table)
        finally:
            child.send_signal(signal.SIGTERM)
            child.wait(20)


def _wait_ready(child: subprocess.Popen[bytes], port: int, log: Path) -> None:
    end = time.monotonic() + READY_WITHIN
    while time.monotonic() < end and child.poll() is None:
        try:
            line = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
            line.request("GET", "/readyz")
            if line.getresponse().status == 200:
                return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError(f"the API did not become ready:\n{log.read_text()[-3000:]}")


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def _main() -> None:
    """``shiyu`` itself, with a sampler beside it when a profile was asked for."""
    from shiyu.cli import main

    table = os.environ.get("SHIYU_BENCH_PROFILE")
    if not table:
        main()
        return
    from benchmarks.sampler import Sampler

    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # uvicorn hands the signal on when it has finished
    sampler = Sampler()
    sampler.start()
    try:
        main()
    finally:
        Path(table).write_text(json.dumps(sampler.table()))


if __name__ == "__main__":
    _main()
