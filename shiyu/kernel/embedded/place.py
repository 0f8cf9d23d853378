"""Where the private server lives, and as whom: worked out once, before anything is started."""

import fcntl
import hashlib
import os
import pwd
import re
import shutil
import socket
import stat
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

ROLE = "shiyu"
PORT = 5432  # of the name of the socket only; nothing listens on the network
ACCOUNTS = ("shiyu", "postgres", "daemon", "nobody")
"""Who may run root's server, best first; none is ever created."""
ELSEWHERE = Path("/var/lib/shiyu")
PRIVATE = 0o700
LONGEST_SOCKET = 100  # bytes; Linux takes 107 and macOS 103
_README = """This directory is the private PostgreSQL of Shiyu (市域). Start and stop it through `shiyu`; do not run pg_ctl here.
Settings of your own: `alter system set …`; postgresql.conf beside this file is written anew at every start.

这是市域的内置数据库目录，由 shiyu 启动和停止。自行调整参数请用 alter system set；同目录的 postgresql.conf 每次启动都会重写。
"""


class EmbeddedError(RuntimeError):
    """The private server cannot be had: what is wrong and the way out, in Chinese and in English."""

    def __init__(self, zh: str, en: str) -> None:
        super().__init__(f"{zh}\n{en}")
        self.zh, self.en = zh, en


@dataclass(frozen=True, slots=True)
class Place:
    """The directory of one cluster. ``home`` belongs to the caller; only ``cluster`` and ``socket`` to the account.

    Root writes nothing below what the account owns, so that no link put there can lead it astray.
    """

    home: Path
    data_dir: Path
    socket: Path
    account: pwd.struct_passwd

    @property
    def cluster(self) -> Path:
        """PostgreSQL's own data directory."""
        return self.home / "cluster"

    @property
    def conf(self) -> Path:
        """The settings given to the server."""
        return self.home / "postgresql.conf"

    @property
    def log(self) -> Path:
        """What the server says."""
        return self.home / "log"

    @property
    def users(self) -> Path:
        """The file that every user of the server holds a shared lock on."""
        return self.home / "users"

    @property
    def listens_at(self) -> Path:
        """The socket itself."""
        return self.socket / f".s.PGSQL.{PORT}"

    @property
    def identity(self) -> tuple[int, int] | None:
        """User and group to become before running the server; none when they are ours already."""
        return (self.account.pw_uid, self.account.pw_gid) if os.geteuid() == 0 else None

    def dsn(self, database: str) -> str:
        """What psycopg connects with."""
        return f"host='{self.socket}' port={PORT} user={ROLE} dbname={database} connect_timeout=5"

    def give(self, directory: Path) -> None:
        """Let the account own a directory that root made."""
        if self.identity:
            os.chown(directory, *self.identity)

    def run(self, *command: str | Path, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        """A short program, as the account."""
        user, group = self.identity or (None, None)
        try:
            return subprocess.run(  # noqa: S603 - our own list of words, no shell
                [str(word) for word in command],
                capture_output=True, text=True, errors="replace", check=False, cwd="/", stdin=subprocess.DEVNULL,
                start_new_session=True, env=env, user=user, group=group, extra_groups=None if user is None else [],
            )  # fmt: skip
        except OSError as error:
            return subprocess.CompletedProcess(command, 126, "", str(error))


@contextmanager
def place_for(data_dir: Path) -> Iterator[Place]:
    """The place of the cluster of a data directory, made if it is not there, and nobody else at work on it."""
    data_dir = data_dir.expanduser().resolve()
    _make(data_dir)
    try:
        lock = os.open(data_dir, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except PermissionError:
        raise _belongs_to_another(data_dir) from None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield _place(data_dir)
    finally:
        os.close(lock)


def _place(data_dir: Path) -> Place:
    if (data_dir / "PG_VERSION").exists():
        raise EmbeddedError(
            f"{data_dir} 本身就是一个 PostgreSQL 数据目录，不是市域建立的；请用 SHIYU_DATA_DIR 另选目录。",
            f"{data_dir} is itself a PostgreSQL data directory that Shiyu did not make; choose another SHIYU_DATA_DIR.",
        )
    home = _home(data_dir)
    account = _account(home)
    if os.geteuid() == 0:
        home = _reachable(home, data_dir, account)
    if not home.exists():
        _make(home)
    if home.stat().st_uid != os.geteuid():
        raise _belongs_to_another(home)
    _mark(home)
    return Place(home, data_dir, _socket(home, account), account)


def forget(place: Place) -> None:
    """Delete the directory of a cluster and the note that led to it."""
    shutil.rmtree(place.home)
    (place.data_dir / "postgres.at").unlink(missing_ok=True)
    if place.socket.parent != place.home:
        shutil.rmtree(place.socket, ignore_errors=True)


def _home(data_dir: Path) -> Path:
    note = data_dir / "postgres.at"
    if note.exists():
        return Path(note.read_text(encoding="utf-8").strip())
    return data_dir / "postgres"


def _account(home: Path) -> pwd.struct_passwd:
    """Whom the server runs as: the owner of the cluster, or for a new one the best there is."""
    if os.geteuid() != 0:
        try:
            return pwd.getpwuid(os.geteuid())
        except KeyError:
            raise EmbeddedError(
                f"当前用户编号 {os.geteuid()} 在系统里没有账号，PostgreSQL 不能运行；请换用有账号的用户，或用 SHIYU_DATABASE_URL 指定数据库。",
                f"User id {os.geteuid()} has no account on this system, which PostgreSQL needs; run as a user that has one, "
                "or name a server with SHIYU_DATABASE_URL.",
            ) from None
    if (home / "cluster").exists():
        owner = (home / "cluster").stat().st_uid
        for name in ACCOUNTS:
            if (account := _named(name)) and account.pw_uid == owner:
                return account
        raise _belongs_to_another(home / "cluster")
    for name in ACCOUNTS:
        if (account := _named(name)) and account.pw_uid != 0:
            return account
    raise EmbeddedError(
        f"PostgreSQL 不能以 root 运行，系统里又没有 {'、'.join(ACCOUNTS)} 中的任何账号；请以普通用户运行。",
        f"PostgreSQL does not run as root, and none of the accounts {', '.join(ACCOUNTS)} exists; run as an ordinary user.",
    )


def _named(name: str) -> pwd.struct_passwd | None:
    try:
        return pwd.getpwnam(name)
    except KeyError:
        return None


def _reachable(home: Path, data_dir: Path, account: pwd.struct_passwd) -> Path:
    """Root only: a home that the account can walk to."""
    if home.exists():
        if _walks(account, home):
            return home
        raise EmbeddedError(
            f"数据库在 {home}，但账号 {account.pw_name} 已经不能进入该目录；请恢复上级目录的执行权限（chmod o+x）。",
            f"The database is at {home}, which the account {account.pw_name} can no longer enter; "
            "give back execute permission on the directories above it (chmod o+x).",
        )
    if home.parent != data_dir:  # the note leads to a cluster that is gone
        raise EmbeddedError(
            f"{data_dir / 'postgres.at'} 指向的数据库目录 {home} 已不存在；请从备份恢复，或删除该文件以新建空库。",
            f"{data_dir / 'postgres.at'} names the database directory {home}, which is gone; restore it from a backup, "
            "or delete that file to begin with an empty database.",
        )
    if _walks(account, data_dir):
        return home
    _make(ELSEWHERE)
    if not _walks(account, ELSEWHERE):
        raise EmbeddedError(
            f"账号 {account.pw_name} 既不能进入 {data_dir}，也不能进入 {ELSEWHERE}；请用 SHIYU_DATA_DIR 另选目录。",
            f"The account {account.pw_name} can enter neither {data_dir} nor {ELSEWHERE}; choose another SHIYU_DATA_DIR.",
        )
    home = ELSEWHERE / f"elsewhere-{uuid4().hex[:12]}"
    _make(home)
    (data_dir / "postgres.at").write_text(f"{home}\n", encoding="utf-8")
    return home


def _walks(account: pwd.struct_passwd, path: Path) -> bool:
    """Asked of the system itself, since access lists and mounts say more than mode bits."""
    try:
        answer = subprocess.run(  # noqa: S603 - our own list of words
            ["/bin/sh", "-c", 'cd -- "$1"', "sh", str(path)], capture_output=True, check=False, cwd="/",
            user=account.pw_uid, group=account.pw_gid, extra_groups=[],
        )  # fmt: skip
    except PermissionError:
        raise EmbeddedError(
            "当前环境不允许 root 切换到其他账号；请以普通用户运行，或用 SHIYU_DATABASE_URL 指定数据库。",
            "Root may not become another account here; run as an ordinary user, or name a server with SHIYU_DATABASE_URL.",
        ) from None
    return answer.returncode == 0


def _make(directory: Path) -> None:
    """A directory of ours: root's can be walked through and not listed, anybody else's is private."""
    try:
        if directory.is_dir():
            return
        if not directory.parent.is_dir():
            _make(directory.parent)
        directory.mkdir(exist_ok=True)
        directory.chmod(0o711 if os.geteuid() == 0 else PRIVATE)
    except OSError as error:
        raise EmbeddedError(
            f"不能建立目录 {directory}（{error.strerror}）；请用 SHIYU_DATA_DIR 另选目录。",
            f"The directory {directory} cannot be made ({error.strerror}); choose another SHIYU_DATA_DIR.",
        ) from None


def _mark(home: Path) -> None:
    """Our mark is there, or the directory is empty and gets it."""
    if (home / "README").exists():
        return
    if any(home.iterdir()):
        raise EmbeddedError(
            f"目录 {home} 里已有不是市域建立的内容；请移走它，或用 SHIYU_DATA_DIR 另选目录。",
            f"The directory {home} holds something that Shiyu did not make; move it away, or choose another SHIYU_DATA_DIR.",
        )
    (home / "README").write_text(_README, encoding="utf-8")


def _belongs_to_another(path: Path) -> EmbeddedError:
    uid = path.stat().st_uid
    try:
        name = pwd.getpwuid(uid).pw_name
    except KeyError:
        name = str(uid)
    return EmbeddedError(
        f"{path} 属于用户 {name}；请以该用户运行，或用 SHIYU_DATA_DIR 另选目录。",
        f"{path} belongs to the user {name}; run as that user, or choose another SHIYU_DATA_DIR.",
    )


def _socket(home: Path, account: pwd.struct_passwd) -> Path:
    """A private folder for the socket: in the home, or a short one where the path is too long or takes no sockets."""
    folder = home / "socket"
    plain = re.fullmatch(r"[A-Za-z0-9/._-]+", str(folder))  # the server reads a list of folders, parted by commas
    if not plain or len(os.fsencode(folder)) + len(f"/.s.PGSQL.{PORT}") > LONGEST_SOCKET or not _takes_sockets(home):
        name = hashlib.sha256(os.fsencode(home)).hexdigest()[:16]
        folder = Path("/tmp") / f"shiyu-{account.pw_uid}-{name}"  # noqa: S108 - checked below to be ours and private
    if not os.path.lexists(folder):
        folder.mkdir(mode=PRIVATE)
    if os.geteuid() == 0 and folder.lstat().st_uid == 0:
        os.chown(folder, account.pw_uid, account.pw_gid, follow_symlinks=False)
    seen = folder.lstat()
    if not stat.S_ISDIR(seen.st_mode) or seen.st_uid != account.pw_uid or stat.S_IMODE(seen.st_mode) != PRIVATE:
        raise EmbeddedError(
            f"{folder} 不是账号 {account.pw_name} 的私有目录（权限应为 0700）；请删除它后再试。",
            f"{folder} is not a private directory (mode 0700) of the account {account.pw_name}; delete it and try again.",
        )
    return folder


def _takes_sockets(home: Path) -> bool:
    trial = home / f".{os.getpid()}"
    try:
        with socket.socket(socket.AF_UNIX) as probe:
            probe.bind(str(trial))
    except OSError:
        return False
    finally:
        trial.unlink(missing_ok=True)
    return True
