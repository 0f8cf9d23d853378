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
from shiyu.kernel.words import both

app = typer.Typer(
    help="市域 Shiyu — a platform with which a city governs itself.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
law_app = typer.Typer(help="依据 — the law books.", no_args_is_help=True)
audit_app = typer.Typer(help="留痕 — the audit's chain.", no_args_is_help=True)
events_app = typer.Typer(help="事件 — the feed and its listeners.", no_args_is_help=True)
areas_app = typer.Typer(help="区域 — areas and their boundaries.", no_args_is_help=True)
account_app = typer.Typer(help="账号 — who may sign in.", no_args_is_help=True)
for _name, _sub in {
    "law": law_app,
    "audit": audit_app,
    "events": events_app,
    "account": account_app,
    "areas": areas_app,
}.items():
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

    stop = _stop_with(parent)
    with database(data, migrate=parent is None) as url:
        threads = work.run(url, stop)
        stop.wait()
        for thread in threads:
            thread.join(timeout=10)


def _stop_with(parent: int | None) -> threading.Event:
    """Set when this process is told to end, or when the process that started it is gone."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())

    def watch() -> None:
        while not stop.wait(0.5):
            if os.getppid() != parent:
                stop.set()

    if parent is not None:
        threading.Thread(target=watch, name="shiyu-parent", daemon=True).start()
    return stop


def run_platform(host: str, port: int, *others: str) -> None:
    """HTTP in this process; the worker, and other commands by name, in children that never outlive it."""
    _end_on_term()
    children = [_child(command) for command in ("worker", *others)]
    try:
        _http(host, port)
    finally:
        for child in children:
            child.terminate()
        for child in children:
            try:
                child.wait(timeout=15)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()


def _child(command: str) -> "subprocess.Popen[bytes]":
    words = [sys.executable, "-m", "shiyu.cli", command, "--parent", str(os.getpid())]
    return subprocess.Popen(words, start_new_session=True)  # noqa: S603 - this program itself


def _end_on_term() -> None:
    """SIGTERM ends this process the way Ctrl-C does: what was begun is put away. A second one is not heard."""

    def end(*_: Any) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        raise SystemExit(0)

    signal.signal(signal.SIGTERM, end)


def _http(host: str, port: int) -> None:
    import uvicorn

    from shiyu.api import create
    from shiyu.kernel import logs

    logs.set_up("INFO")
    uvicorn.run(create(), host=host, port=port, access_log=False, server_header=False, timeout_graceful_shutdown=3)


# --- the demonstration ------------------------------------------------------------------------------------------------------


@app.command()
def demo(
    data: Data = None,
    host: Annotated[str, typer.Option()] = "127.0.0.1",
    port: Annotated[int, typer.Option()] = 8000,
    fresh: Annotated[bool, typer.Option("--fresh", help="Clear an earlier demonstration away first.")] = False,
    cases: Annotated[int, typer.Option(hidden=True, min=1)] = 420,
) -> None:
    """Build a synthetic Anshan if it is not there, and let it live. Asks nothing; Ctrl-C stops everything."""
    from shiyu.demo import show

    _end_on_term()
    if data is not None:
        os.environ["SHIYU_DATA_DIR"] = str(data.resolve())
        settings.cache_clear()
    home = settings().data_dir
    if show.prepare(home, host, port, fresh=fresh):
        _say("demo.cleared")
    with database(data):
        with _progress(1) as bar:
            built = show.ensure(home, lambda what, done, total: bar(done, both(f"demo.{what}"), total), cases)
        if not built:
            _say("demo.kept")
        _show_demo(home, f"http://{f'[{host}]' if ':' in host else host}:{port}")
        run_platform(host, port, "demo-day")


def _show_demo(home: Path, address: str) -> None:
    from rich.table import Table

    from shiyu.demo import show

    file = show.write_accounts(home, address)
    table = Table(highlight=False)
    table.add_column("账号 user name", no_wrap=True)
    for title in ("岗位 roles", "首页 page", "可以做什么 what for"):
        table.add_column(title)
    for one in show.accounts():
        table.add_row(one["username"], one["roles_zh"], one["home"], "\n".join(one["about"].values()))
    out.print(table)
    handrail, rubble = show.tales().values()
    for identifier, facts in (
        ("demo.stories_told", {"handrail": handrail, "rubble": rubble}),
        ("demo.password", {"password": show.PASSWORD, "file": file}),
        ("demo.synthetic", {}),
        ("demo.address", {"address": address}),
    ):
        for sentence in both(identifier, **facts).values():
            out.print(sentence, highlight=False, markup=False, soft_wrap=True)


@app.command("demo-day", hidden=True)
def demo_day(data: Data = None, parent: Annotated[int | None, typer.Option(hidden=True)] = None) -> None:
    """Let the synthetic city live on."""
    from shiyu.demo import day

    stop = _stop_with(parent)
    with database(data, migrate=False):
        day.live(stop, seed=20260112)


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


@app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(help="A CSV file, also packed (.gz); UTF-8 or GB 18030.")],
    channel: Annotated[
        str, typer.Option(help="The channel the rows came by, e.g. hotline; part of what makes a row known.")
    ],
    mapping: Annotated[Path | None, typer.Option(help="A TOML that says which column is what; else guessed.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Read and judge every row, write no case.")] = False,
    historic: Annotated[
        bool, typer.Option("--historic", help="Cases of the past: no clock starts, nobody is told.")
    ] = False,
    refused: Annotated[Path | None, typer.Option(help="Where refused rows go; else FILE.refused.csv.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="End with one line of JSON on standard output.")] = False,
    data: Data = None,
) -> None:
    """Take a file of reports in: every row becomes a case, is known already, or is refused with its reason."""
    import shiyu.api  # noqa: F401 - knows every room
    from shiyu.channels import importing, reading
    from shiyu.channels import mapping as mappings
    from shiyu.kernel.auth import SYSTEM

    source = reading.look(file)
    given = mappings.load(mapping, source.columns) if mapping else mappings.guess(source.columns)
    refused = refused or file.with_name(f"{file.name}.refused.csv")
    _say("import.said", file=file.name, encoding=source.encoding, rows=source.rows)
    with database(data), _progress(source.rows) as step:
        tally = importing.run(
            SYSTEM, source, given, channel,
            refused_to=refused, historic=historic, dry=dry_run, step=lambda now: step(now.rows),
        )  # fmt: skip
    _say("import.done", **tally.counts())
    if tally.no_place:
        _say("import.no_place", count=tally.no_place)
    if tally.refused:
        _say("import.refused_to", file=refused)
    if dry_run:
        _say("import.dry")
    if as_json:
        sys.stdout.write(json.dumps(tally.counts()) + "\n")


def _say(identifier: str, **facts: Any) -> None:
    """A sentence in both languages, for people: on standard error."""
    for sentence in both(identifier, **facts).values():
        err.print(sentence, highlight=False, markup=False)


@contextmanager
def _progress(total: int) -> Iterator[Any]:
    """A bar on standard error; what it yields is called with how much is done, of what, out of how much."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TextColumn("{task.description}"))
    with Progress(*columns, console=err) as bar:
        task = bar.add_task("", total=total)
        yield lambda done, said=None, whole=total: bar.update(
            task, completed=done, total=whole, description=" / ".join(said.values()) if said else ""
        )


@areas_app.command("import")
def areas_import(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False)],
    level: Annotated[str, typer.Option(help="city, county, town, community, grid or cell")],
    frame: Annotated[str, typer.Option(help="wgs84, cgcs2000, gcj02 or bd09: a file does not say it")],
    code: Annotated[str, typer.Option(help="property that holds the code")] = "code",
    name: Annotated[str, typer.Option(help="property that holds the name")] = "name",
    parent: Annotated[str | None, typer.Option(help="property that holds the code of the area above")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Report and write nothing.")] = False,
    data: Data = None,
) -> None:
    """Take boundaries from a GeoJSON file; each refused feature is named with its reason."""
    from shiyu.directory.imports import import_geojson
    from shiyu.kernel.auth import SYSTEM
    from shiyu.kernel.db import transaction

    with database(data), transaction() as s:
        report = import_geojson(
            s,
            SYSTEM,
            file,
            level=level,
            frame=frame,
            code_field=code,
            name_field=name,
            parent_field=parent,
            dry_run=dry_run,
        )
    out.print(
        f"read {report.read}, added {report.added}, changed {report.changed}, unchanged {report.unchanged}, mended {report.mended}"
    )
    for one in report.refused:
        err.print(f"#{one.position} {one.code}: {one.say('zh')} / {one.say('en')}", highlight=False)
    if report.refused:
        raise SystemExit(1)


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
