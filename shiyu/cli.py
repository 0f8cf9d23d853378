"""Front door: the command line. ``shiyu --help`` lists what it can do; heavy parts are imported when a command needs them."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from shiyu.kernel.config import settings
from shiyu.kernel.errors import Refusal

app = typer.Typer(
    help="市域 Shiyu — a platform with which a city governs itself.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
law_app = typer.Typer(help="依据 — the law books.", no_args_is_help=True)
audit_app = typer.Typer(help="留痕 — the audit's chain.", no_args_is_help=True)
events_app = typer.Typer(help="事件 — the feed and its listeners.", no_args_is_help=True)
account_app = typer.Typer(help="账号 — who may sign in.", no_args_is_help=True)
for _name, _sub in {"law": law_app, "audit": audit_app, "events": events_app, "account": account_app}.items():
    app.add_typer(_sub, name=_name)

out = Console()
err = Console(stderr=True)

Data = Annotated[Path | None, typer.Option("--data", envvar="SHIYU_DATA_DIR", help="Data directory.")]


def main() -> None:
    """The command ``shiyu``: refusals and known failures are sentences, not tracebacks."""
    from shiyu.kernel.embedded import EmbeddedError

    try:
        app()
    except Refusal as refusal:
        err.print(f"[red]{refusal.say('zh')}\n{refusal.say('en')}[/red]")
        raise SystemExit(2) from refusal
    except EmbeddedError as error:
        err.print(f"[red]{error}[/red]", highlight=False)
        raise SystemExit(3) from error


@contextmanager
def database(data: Path | None = None, *, migrate: bool = True) -> Iterator[str]:
    """Bind this process to its database: the server that is named, or the private one; brought up to date."""
    from shiyu.kernel import db, embedded, events, logs
    from shiyu.kernel import migrate as migrations

    if data is not None:
        os.environ["SHIYU_DATA_DIR"] = str(data.resolve())
        settings.cache_clear()
    logs.set_up("WARNING")
    named = settings().database_url
    server = None if named else embedded.start()
    url = (
        named.replace("postgres://", "postgresql://").replace("postgresql://", "postgresql+psycopg://")
        if named
        else server.url
        if server
        else ""
    )
    try:
        if migrate:
            migrations.upgrade(url)
        db.bind(url, pool=settings().db_pool)
        if migrate:
            with db.transaction() as s:
                events.ensure_partitions(s)
            events.settle_epoch()
        yield url
    finally:
        db.unbind()
        if server is not None:
            server.stop()


# --- running ---------------------------------------------------------------------------------------------------------------


@app.command()
def serve(
    data: Data = None,
    host: Annotated[str | None, typer.Option(envvar="SHIYU_HOST")] = None,
    port: Annotated[int | None, typer.Option(envvar="SHIYU_PORT")] = None,
) -> None:
    """Run the platform: HTTP and worker."""
    with database(data):
        run_platform(host or settings().host, port or settings().port)


@app.command()
def api(data: Data = None, host: str | None = None, port: int | None = None) -> None:
    """Run HTTP alone."""
    with database(data):
        _http(host or settings().host, port or settings().port)


@app.command()
def worker(data: Data = None, parent: Annotated[int | None, typer.Option(hidden=True)] = None) -> None:
    """Run the worker alone: listeners, things done every so often, jobs."""
    import shiyu.api  # noqa: F401 - knows every room, hence every listener
    from shiyu import worker as work

    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    with database(data, migrate=parent is None) as url:
        threads = work.run(url, stop)
        while not stop.wait(0.5):
            if parent is not None and os.getppid() != parent:
                stop.set()
        for thread in threads:
            thread.join(timeout=10)


def run_platform(host: str, port: int) -> None:
    """HTTP in this process, the worker in a child that never outlives it."""
    child = subprocess.Popen(  # noqa: S603 - this program itself
        [sys.executable, "-m", "shiyu.cli", "worker", "--parent", str(os.getpid())], start_new_session=True
    )
    try:
        _http(host, port)
    finally:
        child.terminate()
        try:
            child.wait(timeout=15)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


def _http(host: str, port: int) -> None:
    import uvicorn

    from shiyu.api import create
    from shiyu.kernel import logs

    logs.set_up("INFO")
    uvicorn.run(create(), host=host, port=port, access_log=False, server_header=False, timeout_graceful_shutdown=3)


# --- setting up ------------------------------------------------------------------------------------------------------------


@app.command()
def migrate(data: Data = None) -> None:
    """Bring the database to the newest version."""
    with database(data):
        out.print("The database is up to date.")


@law_app.command("load")
def law_load(data: Data = None) -> None:
    """Make the tables of the law from its books; safe to run at every deployment."""
    from shiyu.kernel.db import transaction
    from shiyu.law.load import load

    with database(data), transaction() as s:
        out.print(load(s))


@account_app.command("create")
def account_create(
    username: str,
    name: Annotated[str, typer.Option(prompt=True)],
    role: Annotated[list[str], typer.Option(help="Roles held everywhere, e.g. security_admin.")],
    data: Data = None,
) -> None:
    """Open an account, for instance the first security administrator. The password is asked for."""
    from shiyu.kernel import auth
    from shiyu.kernel.db import transaction

    password = typer.prompt("Password", hide_input=True, confirmation_prompt=True)
    with database(data), transaction() as s:
        auth.create_account(s, auth.SYSTEM, username, name, password, [auth.Grant(one) for one in role])
    out.print(f"{username}: opened.")


# --- watching --------------------------------------------------------------------------------------------------------------


@app.command()
def doctor(data: Data = None, as_json: Annotated[bool, typer.Option("--json")] = False) -> None:
    """Look at everything and say what is wrong: database, feed, books, audit, invariants."""
    from shiyu.doctor import examine

    with database(data, migrate=False) as url:
        findings = examine(url)
    if as_json:
        out.print_json(json.dumps(findings, default=str, ensure_ascii=False))
    else:
        for one in findings:
            mark = "[green]✓[/green]" if one["ok"] else "[red]✗[/red]"
            out.print(mark, one["what"], "—", one["said"], highlight=False)
    if not all(one["ok"] for one in findings):
        raise SystemExit(1)


@audit_app.command("verify")
def audit_verify(data: Data = None) -> None:
    """Walk the audit's chain and say whether a row was changed, removed or slipped in."""
    from shiyu.kernel import audit
    from shiyu.kernel.db import reading

    with database(data, migrate=False), reading() as s:
        found = audit.verify(s)
    out.print(found.say("zh"), found.say("en"), sep="\n")
    if not found.ok:
        raise SystemExit(1)


@audit_app.command("head")
def audit_head(data: Data = None) -> None:
    """Print the newest seal, to be kept on another machine."""
    from shiyu.kernel import audit
    from shiyu.kernel.db import reading

    with database(data, migrate=False), reading() as s:
        out.print(audit.head(s) or "nothing is sealed yet")


@events_app.command("status")
def events_status(data: Data = None) -> None:
    """How far each listener has read."""
    import shiyu.api  # noqa: F401
    from shiyu.kernel import events
    from shiyu.kernel.db import reading

    with database(data, migrate=False), reading() as s:
        for one in events.backlog(s):
            out.print(one)


@events_app.command("retry")
def events_retry(data: Data = None) -> None:
    """Try every parked event again, those given up too."""
    import shiyu.api  # noqa: F401
    from shiyu.kernel import events

    with database(data, migrate=False):
        for listener in events.listeners().values():
            out.print(listener.name, events.retry_parked(listener, everything=True))


# --- making documents ------------------------------------------------------------------------------------------------------


@app.command()
def openapi() -> None:
    """Print the OpenAPI document."""
    from shiyu.api import create

    _print_json(create().openapi())


@app.command()
def docs(check: Annotated[bool, typer.Option(help="Only say whether they are up to date.")] = False) -> None:
    """Write the generated pages of docs/ anew."""
    import shiyu.api  # noqa: F401
    from shiyu import handbook

    if check:
        stale = [
            name
            for name, text in handbook.pages(_lifecycles()).items()
            if not (handbook.SOURCE / name).exists() or (handbook.SOURCE / name).read_text(encoding="utf-8") != text
        ]
        out.print("stale: " + ", ".join(stale) if stale else "up to date")
        raise SystemExit(1 if stale else 0)
    out.print("written: " + (", ".join(handbook.write(_lifecycles())) or "nothing, all were up to date"))


def _lifecycles() -> list[Any]:
    """Every life-cycle table of the house, one a work room that has one."""
    import importlib
    import importlib.util
    import pkgutil

    import shiyu

    found = []
    for room in pkgutil.iter_modules(shiyu.__path__):
        name = f"shiyu.{room.name}.lifecycle"
        if room.ispkg and room.name != "kernel" and importlib.util.find_spec(name):
            found.append(importlib.import_module(name).LIFECYCLE)
    return found


@app.command()
def words() -> None:
    """Print every label and sentence in both languages."""
    from shiyu.kernel.words import terms

    _print_json({term.identifier: {"zh": term.zh, "en": term.en} for term in terms().values()})


def _print_json(value: Any) -> None:
    sys.stdout.write(json.dumps(value, ensure_ascii=False, indent=1, sort_keys=True) + "\n")


if __name__ == "__main__":
    main()
