"""The parent of the private server: keeps it running while anyone uses it, and shuts it down after the last one.

A program of its own, started by ``shiyu.kernel.embedded`` with its order as JSON; imports nothing of the house, so that it runs with
any Python that can read this one file. Its exit status is the server's.

It waits for the exclusive lock on the file of which every user holds a shared one. The kernel drops a lock when its holder ends, in
whatever way, so a user cannot forget to leave. New users wait meanwhile, and find either a live server or none.
"""

import fcntl
import json
import signal
import subprocess
import sys
import threading
import time

TRIES = 20  # starts after a crash; each failed one is followed by half a second's pause


def main(order: dict) -> int:
    """Run the server until nobody uses it; start it again when it crashed."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        # A handler that does nothing, where "ignore" would be inherited by the server. Who stops a whole service with
        # SIGTERM stops the server too; this process ends with it.
        signal.signal(number, lambda *_: None)
    user, group = order["account"] or (None, None)
    serving: subprocess.Popen | None = None
    unused = threading.Event()
    turn = threading.Lock()

    def wait_for_the_last_user() -> None:
        with open(order["users"], "r+b") as users:  # noqa: PTH123 - one import less in a process that only waits
            fcntl.flock(users, fcntl.LOCK_EX)
            with turn:
                unused.set()
                if serving is not None:
                    serving.send_signal(signal.SIGINT)
            threading.Event().wait()  # keep the lock until this process ends

    threading.Thread(target=wait_for_the_last_user, daemon=True).start()
    was_ready = False
    status = 0
    for _ in range(TRIES):
        with turn:
            if unused.is_set():
                return status
            serving = subprocess.Popen(  # noqa: S603 - the order of the process that started this one
                order["command"],
                stdin=subprocess.DEVNULL,
                cwd="/",
                env=order["env"],
                user=user,
                group=group,
                extra_groups=None if user is None else [],
                umask=0o077,
            )
        status = serving.wait()
        was_ready = was_ready or _became_ready(order["pid_file"], serving.pid)
        if status == 0 or not was_ready:
            return status
        time.sleep(0.5)
    return status


def _became_ready(pid_file: str, pid: int) -> bool:
    """A server that crashed leaves the file behind, with its own id on the first line and how far it came on the last."""
    try:
        with open(pid_file) as file:  # noqa: PTH123
            lines = file.read().splitlines()
    except OSError:
        return False
    return bool(lines) and lines[0] == str(pid) and lines[-1].strip() == "ready"


if __name__ == "__main__":
    sys.exit(main(json.loads(sys.argv[1])))
