"""Who acts in the tests of the directory, and small areas to act on."""

from datetime import date

from sqlalchemy import select

from shiyu.directory import places
from shiyu.kernel.auth import SYSTEM, SYSTEM_ADMIN, Grant, Viewer
from shiyu.kernel.db import new_id

KEEPER = Viewer(None, "keeper", "名录管理员", (Grant(SYSTEM_ADMIN),))
WORKER = Viewer(None, "worker", "网格员", (Grant("grid_worker"),))
DISPATCHER = Viewer(new_id(), "dispatcher", "分拨员", (Grant("dispatcher"),))
SINCE = date(2020, 1, 1)


def small_city(s):
    """市 → 区 → two streets, the first with a community; the streets by code."""
    for code, name, level in [
        ("210300", "鞍山市", "city"),
        ("210302", "铁东区", "county"),
        ("210302003", "山南街道", "town"),
        ("210302006", "站前街道", "town"),
        ("210302003004", "乐雪社区", "community"),
    ]:
        places.add_area(s, SYSTEM, code=code, name=name, level=level, valid_from=SINCE)
    return {area.code: area for area in s.scalars(select(places.Area))}
