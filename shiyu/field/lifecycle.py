"""网格任务 — the life of a task as one table. It is short on purpose: what a task needs beyond it is a new task."""

from enum import StrEnum

from shiyu.kernel.lifecycle import Lifecycle, move


class S(StrEnum):
    """任务状态 — the states of a task; labels are ``task.state.<value>`` in ``terms.csv``."""

    ASSIGNED = "assigned"  # 待接受
    ACCEPTED = "accepted"  # 进行中
    DONE = "done"  # 已完成
    RETURNED = "returned"  # 已退回: not this grid's, or not possible; the office asks anew
    CANCELLED = "cancelled"  # 已取消


# Roles are relations between a viewer and one task; ``policy.roles`` finds them.
GRID_WORKER = "grid_worker"  # 网格员: of the grid that was asked
OFFICE = "office"  # 交办单位: who holds the post from which the task was given

OPEN = (S.ASSIGNED, S.ACCEPTED)

LIFECYCLE = Lifecycle(
    "task",
    S,
    S.ASSIGNED,
    frozenset({S.DONE, S.RETURNED, S.CANCELLED}),
    (
        #    verb      word       from        to           who                must bring
        move("accept", "接受任务", S.ASSIGNED, S.ACCEPTED, GRID_WORKER),
        move("done", "完成任务", OPEN, S.DONE, GRID_WORKER, None, "text"),  # without a net nobody accepts first
        move("return", "退回任务", OPEN, S.RETURNED, GRID_WORKER, None, "text"),
        move("cancel", "取消任务", OPEN, S.CANCELLED, OFFICE),
    ),
)

# What the office reads on the case's own timeline.
TOLD = frozenset({"done", "return"})
