"""知识条目 — the life of an entry as one table, and the short one of a question that found no answer."""

from enum import StrEnum

from shiyu.kernel.lifecycle import Lifecycle, move


class S(StrEnum):
    """条目状态 — where the work on an entry stands; whether readers see a version of it is told by ``KnowledgeEntry.readable``."""

    DRAFT = "draft"  # 草稿
    REVIEWING = "reviewing"  # 待审
    PUBLISHED = "published"  # 已发布
    DUE = "due"  # 待复核: still read, but somebody must look whether it is still right
    WITHDRAWN = "withdrawn"  # 已下架


# Roles are relations between a viewer and one entry; ``policy.roles`` finds them.
EDITOR = "editor"  # 维护人: the author, and the people of the office that owns it
PUBLISHER = "publisher"  # 审核发布人: dispatcher or supervisor of the city's centre or of the office's county
TIMER = "timer"  # 定时任务

LIFECYCLE = Lifecycle(
    "entry",
    S,
    S.DRAFT,
    frozenset({S.WITHDRAWN}),
    (
        #    verb         word         from                      to           who                  must bring
        move("edit", "修改", S.DRAFT, None, EDITOR, None, "content"),
        move("submit", "送审", S.DRAFT, S.REVIEWING, EDITOR),
        move("return", "退回修改", S.REVIEWING, S.DRAFT, PUBLISHER, None, "text"),
        move("publish", "发布", S.REVIEWING, S.PUBLISHED, PUBLISHER),
        move("revise", "修订", (S.PUBLISHED, S.DUE, S.WITHDRAWN), S.DRAFT, EDITOR),
        move("fall_due", "到期待复核", S.PUBLISHED, S.DUE, TIMER),
        move("confirm", "复核无误", (S.PUBLISHED, S.DUE), S.PUBLISHED, (EDITOR, PUBLISHER)),
        move("withdraw", "下架", (S.DRAFT, S.REVIEWING, S.PUBLISHED, S.DUE), S.WITHDRAWN, (EDITOR, PUBLISHER), None, "text"),
    ),
)  # fmt: skip


class Q(StrEnum):
    """未答问题状态."""

    OPEN = "open"  # 待处理
    TAKEN = "taken"  # 已转为条目
    DISMISSED = "dismissed"  # 不予收录


QUESTION = Lifecycle(
    "question",
    Q,
    Q.OPEN,
    frozenset({Q.TAKEN, Q.DISMISSED}),
    (
        #    verb          word           from    to           who
        move("take", "转为条目", Q.OPEN, Q.TAKEN, (EDITOR, PUBLISHER)),
        move("hand_back", "不属本单位", Q.OPEN, None, EDITOR),  # to the centre's list
        move("dismiss", "不予收录", Q.OPEN, Q.DISMISSED, PUBLISHER),
    ),
)
