"""Somebody who listens to the live news of a real server: signs in, opens a stream, reads messages until a limit in time."""

import http.client
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlencode

from shiyu.demo.accounts import PASSWORD
from tests.kit.server import Server


def sign_in(server: Server, username: str) -> str:
    """The cookie of a fresh session."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    body = json.dumps({"username": username, "password": PASSWORD})
    connection.request("POST", "/api/sign-in", body, {"Content-Type": "application/json"})
    answer = connection.getresponse()
    assert answer.status == 200, answer.read()
    cookie = (answer.getheader("set-cookie") or "").split(";")[0]
    connection.close()
    return cookie


class Ear:
    """One open stream."""

    def __init__(self, server: Server, cookie: str, last_id: str | None = None, **query: str) -> None:
        self.connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=15)
        headers = {"Cookie": cookie, "Accept": "text/event-stream"} | ({"Last-Event-ID": last_id} if last_id else {})
        self.connection.request("GET", f"/api/live?{urlencode(query)}", headers=headers)
        self.answer = self.connection.getresponse()
        self.status = self.answer.status
        self.last_id = last_id

    def messages(self, seconds: float) -> Iterator[dict[str, Any]]:
        """What is told in the next seconds; ends early when the stream does."""
        until, fields = time.monotonic() + seconds, {}
        while (left := until - time.monotonic()) > 0:
            if self.connection.sock is None:
                return
            self.connection.sock.settimeout(left)
            try:
                line = self.answer.readline().decode()
            except TimeoutError:
                return
            except (ConnectionError, http.client.HTTPException):
                line = ""
            if not line:
                return
            name, _, value = line.rstrip("\n").partition(": ")
            if name:
                fields[name] = value
                continue
            self.last_id = fields.get("id", self.last_id)
            told, fields = json.loads(fields.get("data", "null")), {}
            if told:
                yield told

    def cases(self, n: int, seconds: float = 5.0) -> list[dict[str, Any]]:
        """The next ``n`` messages about cases, fewer if there are not so many in time."""
        found = []
        for told in self.messages(seconds):
            if told["type"] != "beat":
                found.append(told)
                if len(found) == n:
                    break
        return found

    def close(self) -> None:
        """Hang up."""
        self.connection.close()


@contextmanager
def listening(server: Server, cookie: str, last_id: str | None = None, **query: str) -> Iterator[Ear]:
    """A stream that has said its first word, so that everything from now on is heard."""
    ear = Ear(server, cookie, last_id, **query)
    try:
        assert ear.status == 200, ear.answer.read()
        yield ear
    finally:
        ear.close()
