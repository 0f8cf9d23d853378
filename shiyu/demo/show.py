"""演示开场 — what stands around the synthetic city: its data directory, the port, and the table of who may sign in."""

import json
import shutil
import socket
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from sqlalchemy import select

from shiyu.cases.models import Case
from shiyu.demo import people, stories, voices
from shiyu.demo.accounts import PASSWORD
from shiyu.demo.build import CASES, Step, build_demo, is_there
from shiyu.demo.city.areas import LEXUE
from shiyu.directory import orgs
from shiyu.directory.places import Area
from shiyu.kernel import embedded, words
from shiyu.kernel.config import settings
from shiyu.kernel.db import reading
from shiyu.kernel.errors import Refusal

ACCOUNTS, BUILDING = "demo-accounts.json", "demo-building"
OURS = ("files", "keys", "audit-heads.log", ACCOUNTS, BUILDING)

# Who is shown, and what he is good for.
SHOWN = (
    ("dispatcher", "市中心派单、并案、审批", "dispatches, merges, approves, for the city"),
    ("agent", "接听登记诉求", "takes calls"),
    ("caller", "回访", "asks whether it is solved"),
    ("supervisor", "监督全市工单", "watches everything"),
    ("dispatch.210302", "铁东区派单", "dispatches in 铁东区"),
    ("coordinate.210302", "铁东区召集协调", "convenes the offices of 铁东区"),
    ("handle.210302-zhujian", "铁东区住建局承办（扶手）", "handles: housing, the handrails"),
    ("handle.210302-canlian", "铁东区残联协办", "assists: disabled persons' federation"),
    ("handle.210302-chengguan", "铁东区综合执法局承办（烈士山）", "handles: city order, the rubble"),
    ("handle.210302003", "山南街道承办", "handles: a street office"),
    ("grid", "乐雪社区网格员", "grid worker of 乐雪社区"),
    ("display", "指挥大屏", "the wall display"),
    ("system", "系统管理员", "system administrator"),
    ("security", "安全管理员", "security administrator"),
    ("audit", "审计管理员", "audit administrator"),
)
HOMES = {"grid_worker": "/field", "display": "/screen"}


def prepare(data_dir: Path, host: str, port: int, *, fresh: bool) -> bool:
    """Before the database is opened: the port is free; what a broken-off building left is cleared away, or all when asked.

    Whether something was cleared. Never clears a directory that is not a demonstration's.
    """
    _port_is_free(host, port)
    broken_off = (data_dir / BUILDING).exists()
    if not (fresh or broken_off):
        return False
    if settings().database_url:
        raise Refusal("demo.fresh_server", 409)
    held = any((data_dir / name).exists() for name in ("postgres", "postgres.at"))
    if held and not (broken_off or (data_dir / ACCOUNTS).exists()):
        raise Refusal("demo.fresh_not_ours", 409, data=str(data_dir))
    embedded.remove(data_dir)
    for name in OURS:
        path = data_dir / name
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    return held


def ensure(data_dir: Path, step: Step, cases: int = CASES) -> bool:
    """The demonstration is there, built now if the database is empty; whether it was built."""
    with reading() as s:
        if is_there(s):
            return False
    data_dir.mkdir(parents=True, exist_ok=True)
    (data_dir / BUILDING).touch()
    build_demo(step=step, cases=cases)
    (data_dir / BUILDING).unlink()
    return True


def accounts() -> list[dict[str, Any]]:
    """The accounts that are shown: user name, name, roles and office in words, the page they begin at."""
    with reading() as s:
        cast, labels = people.cast(s), orgs.labels(s)
        grid = s.scalar(select(Area.code).where(Area.level == "grid", Area.code.startswith(LEXUE)).order_by(Area.code))
    found = []
    for username, zh, en in SHOWN:
        viewer = cast.get(f"grid.{grid}" if username == "grid" else username)
        if viewer is None:
            continue
        roles = list(dict.fromkeys(grant.role for grant in viewer.grants))
        org = next((grant.org_id for grant in viewer.grants if grant.org_id), None)
        found.append(
            {
                "username": viewer.username,
                "password": PASSWORD,
                "name": viewer.name,
                "roles": roles,
                "roles_zh": "、".join(words.say(f"role.{role}") for role in roles),
                "org": labels[org][1] if org else None,
                "home": HOMES.get(roles[0], "/desk"),
                "about": {"zh": zh, "en": en},
            }
        )
    return found


def tales() -> dict[str, str]:
    """The numbers of the cases that the stories tell."""
    seen = uuid5(NAMESPACE_URL, voices.KEY + stories.HANDRAIL)
    found = {
        stories.HANDRAIL: Case.key.endswith(f":{seen}"),
        stories.RUBBLE: Case.key == f"{voices.KEY}{stories.RUBBLE}/1",
    }
    with reading() as s:
        numbers = {name: s.scalar(select(Case.no).where(which)) for name, which in found.items()}
    return {name: no or "" for name, no in numbers.items()}


def write_accounts(data_dir: Path, address: str) -> Path:
    """The same as a file, for programs."""
    path = data_dir / ACCOUNTS
    kept = {
        "note": words.both("demo.synthetic"),
        "address": address,
        "faces": {"citizen": "/", "desk": "/desk", "field": "/field", "screen": "/screen"},
        "password": PASSWORD,
        "accounts": accounts(),
        "patterns": ["dispatch.<area code>", "coordinate.<county>", "handle.<org code>", "grid.<grid code>"],
        "stories": tales(),
    }
    path.write_text(json.dumps(kept, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    return path


def _port_is_free(host: str, port: int) -> None:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(found[0]) as trial:
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            trial.bind(found[4])
    except OSError as error:
        raise Refusal("demo.port", 409, field="port", host=host, port=port, error=str(error)) from error
