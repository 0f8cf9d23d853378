"""渠道 — the life of a channel as one table."""

from enum import StrEnum

from shiyu.kernel.auth import SYSTEM_ADMIN
from shiyu.kernel.lifecycle import Lifecycle, move


class S(StrEnum):
    """渠道状态 — the states of a channel; labels are ``channel.state.<value>`` in ``terms.csv``."""

    ACTIVE = "active"  # 启用
    PAUSED = "paused"  # 暂停: its keys open nothing until it is resumed
    RETIRED = "retired"  # 停用: replaced by another door; its history stays


LIFECYCLE = Lifecycle(
    "channel",
    S,
    S.ACTIVE,
    frozenset({S.RETIRED}),
    (
        #    verb      word       from                   to         who                 must bring
        move("pause", "暂停", S.ACTIVE, S.PAUSED, SYSTEM_ADMIN),
        move("resume", "恢复启用", S.PAUSED, S.ACTIVE, SYSTEM_ADMIN),
        move("retire", "停用", (S.ACTIVE, S.PAUSED), S.RETIRED, SYSTEM_ADMIN, None, "reason"),
    ),
)
