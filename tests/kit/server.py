"""A real server for tests that need one: the platform's own application under uvicorn, in a process that can be killed.

``with live_server(database) as server: page.goto(server.url + "/field/")``
"""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

ROOT = Path(__file__).parents[2]
PATIENCE = 30.0  # seconds until a server must answer


class Server:
    """One process that answers at ``url``, and can be ended or killed and started again at the same address."""

    def __init__(self, database: str, port: int) -> None:
        self.database, self.port = database, port
        self.url = f"http://127.0.0.1:{port}"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and wait until it answers."""
        words = [sys.executable, "-m", "tests.kit.server", self.database, str(self.port)]
        self._process = subprocess.Popen(words, cwd=ROOT, env=os.environ.copy(), stdout=subprocess.DEVNULL)
        until = time.monotonic() + PATIENCE
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > until:
                raise RuntimeError("the server did not start")
            time.sleep(0.05)

    def kill(self) -> None:
        """As a power cut would: no goodbye."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """End it politely."""
        self._end(signal.SIGTERM)

    def _end(self, how: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(how)
            try:
                self._process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            self._process = None

    def _answers(self) -> bool:
        try:
            with urlopen(f"{self.url}/readyz", timeout=2) as answer:
                return answer.status == 200
        except (URLError, OSError):
            return False


@contextmanager
def live_server(database: str) -> Iterator[Server]:
    """A server on a free port over a database (SQLAlchemy's address), started and, at the end, stopped."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        server = Server(database, free.getsockname()[1])
    server.start()
    try:
        yield server
    finally:
        server.stop()


def main(database: str, port: int) -> None:
    """What the process runs."""
    import uvicorn

    from shiyu.api import create
    from shiyu.kernel import db, logs

    logs.set_up("WARNING")
    db.bind(database)
    uvicorn.run(create(), host="127.0.0.1", port=port, log_level="warning", timeout_graceful_shutdown=1)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
