"""The load: a process of its own that keeps some connections busy, each with one request at a time, and costs the server little.

``python -m benchmarks.load SPEC`` reads a small JSON file: port, path, headers, connections, seconds, bodies (a file with one body a
line). Requests are made before the time runs; answers are only measured and counted. Whatever was sent is waited for.
"""

import json
import selectors
import socket
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

PATIENCE = 30.0  # seconds without any answer


class Line:
    """One kept-alive connection with at most one request under way."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.heard = b""
        self.sent = 0.0

    def send(self, request: bytes) -> None:
        self.sent = time.perf_counter()
        self.socket.sendall(request)

    def answer(self) -> tuple[int, bytes] | None:
        """Status and body once the whole answer is here."""
        got = self.socket.recv(262_144)
        if not got:
            raise ConnectionError("the server closed the connection")
        self.heard += got
        head, found, body = self.heard.partition(b"\r\n\r\n")
        if not found:
            return None
        low = head.lower()
        start = low.index(b"content-length:") + 15
        length = int(low[start : (low + b"\r\n").index(b"\r\n", start)])
        if len(body) < length:
            return None
        self.heard = b""
        return int(head[9:12]), body


def requests_of(spec: dict[str, Any]) -> list[bytes]:
    """Whole requests, ready to send. ``{n}`` in a header becomes a running number, for callers at many addresses."""
    made = []
    for n, body in enumerate(Path(spec["bodies"]).read_bytes().splitlines()):
        address = f"10.{n >> 16 & 255}.{n >> 8 & 255}.{n & 255}"
        lines = [f"{name}: {value.replace('{address}', address)}" for name, value in spec["headers"].items()]
        head = [f"POST {spec['path']} HTTP/1.1", "Host: localhost", "Content-Type: application/json", *lines]
        made.append(("\r\n".join([*head, f"Content-Length: {len(body)}"]) + "\r\n\r\n").encode() + body)
    return made


def run(spec: dict[str, Any]) -> dict[str, Any]:
    """Keep the connections busy until the time is over or the requests are used up; every request sent is answered."""
    todo = iter(requests_of(spec))
    select = selectors.DefaultSelector()
    for _ in range(spec["connections"]):
        line = Line(spec["port"])
        select.register(line.socket, selectors.EVENT_READ, line)
    seconds: list[float] = []
    statuses: Counter[int] = Counter()
    first_bad = b""
    begin = time.perf_counter()
    busy = 0
    for key in select.get_map().values():
        key.data.send(next(todo))
        busy += 1
    while busy:
        ready = select.select(PATIENCE)
        if not ready:
            raise TimeoutError(f"no answer for {PATIENCE} s")
        for key, _ in ready:
            done = key.data.answer()
            if done is None:
                continue
            moment = time.perf_counter()
            seconds.append(moment - key.data.sent)
            statuses[done[0]] += 1
            if done[0] not in (200, 201) and not first_bad:
                first_bad = done[1]
            following = next(todo, None) if moment - begin < spec["seconds"] else None
            if following is None:
                busy -= 1
            else:
                key.data.send(following)
    spent = time.perf_counter() - begin
    seconds.sort()
    return {
        "seconds": spent,
        "answers": len(seconds),
        "used_up": next(todo, None) is None,
        "statuses": {str(code): count for code, count in statuses.items()},
        "p50_ms": round(seconds[len(seconds) // 2] * 1000, 2),
        "p95_ms": round(seconds[int(len(seconds) * 0.95)] * 1000, 2),
        "refusal": first_bad[:500].decode(errors="replace"),
    }


if __name__ == "__main__":
    print(json.dumps(run(json.loads(Path(sys.argv[1]).read_text()))))
