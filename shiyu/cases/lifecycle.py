"""诉求工单 — the life of a case as one table. Basis of grounds and limits: the law books (``grounds.csv``, ``limits.csv``)."""

from enum import StrEnum

from shiyu.kernel.lifecycle import Lifecycle, move


class S(StrEnum):
    """工单状态 — the states of a case; labels are ``case.state.<value>`` in ``terms.csv``."""

    REGISTERED = "registered"  # 已登记，待派单
    TRANSFERRING = "transferring"  # 移送待确认: our leg stays open until the other side confirms
    TRANSFERRED = "transferred"  # 已移送
    DISPATCHED = "dispatched"  # 已派单，待签收
    HANDLING = "handling"  # 办理中
    REVIEWING = "reviewing"  # 答复待审核
    SUSPENDED = "suspended"  # 挂账
    REPLIED = "replied"  # 已答复，待回访
    CLOSED = "closed"  # 办结
    DECLINED = "declined"  # 不予受理
    MERGED = "merged"  # 并案
    SPLIT = "split"  # 拆分: answered when its parts are
    WITHDRAWN = "withdrawn"  # 撤回


# Roles are relations between a viewer and one case; ``policy.roles`` finds them.
AGENT = "agent"  # 坐席: takes calls at a centre
DISPATCHER = "dispatcher"  # 分拨员: of the centre whose area holds the case
COORDINATOR = "coordinator"  # 召集人: of the centre that convenes the offices of this case
HANDLER = "handler"  # 承办人: of the lead office
ASSISTANT = "assistant"  # 协办人: of an assisting office
REVIEWER = "reviewer"  # 审核人: of the lead office
CALLER = "caller"  # 回访员
REPORTER = "reporter"  # 诉求人: shows the token of the case
RECEIVER = "receiver"  # 接收方: of the line it was transferred to
SUPERVISOR = "supervisor"  # 监督员: of an area that holds the case
GRID_WORKER = "grid_worker"  # 网格员: of the grid that holds the case

INTAKE = (S.REGISTERED, S.DISPATCHED)
WORKING = (S.DISPATCHED, S.HANDLING, S.REVIEWING)
OPEN = (S.REGISTERED, S.TRANSFERRING, S.DISPATCHED, S.HANDLING, S.REVIEWING, S.SUSPENDED, S.REPLIED)
FINAL = (S.CLOSED, S.DECLINED, S.TRANSFERRED, S.MERGED, S.WITHDRAWN)
DESK = (AGENT, DISPATCHER)
OFFICE = (HANDLER, ASSISTANT, REVIEWER)
STAFF = (*DESK, COORDINATOR, *OFFICE, CALLER, SUPERVISOR, GRID_WORKER)

LIFECYCLE = Lifecycle(
    "case",
    S,
    S.REGISTERED,
    frozenset(FINAL),
    (
        #    verb         word         from             to              who                     clock        must bring
        move("answer", "直接答复", S.REGISTERED, S.REPLIED, DESK, "call_back", "text"),
        move("dispatch", "派单", S.REGISTERED, S.DISPATCHED, DISPATCHER, "sign", "lead_org"),
        move("designate", "指定承办", S.REGISTERED, S.DISPATCHED, DISPATCHER, "sign", ("lead_org", "text")),
        move("decline", "不予受理", S.REGISTERED, S.DECLINED, DISPATCHER, None, ("ground", "text")),
        move("transfer", "移送", INTAKE, S.TRANSFERRING, DESK, "transfer", "to"),
        move("confirm", "移送确认", S.TRANSFERRING, S.TRANSFERRED, (RECEIVER, DISPATCHER), None, "receipt"),
        move("bounce", "移送退回", S.TRANSFERRING, S.REGISTERED, (RECEIVER, DISPATCHER), "dispatch", "ground"),
        move("merge", "并案", INTAKE, S.MERGED, DISPATCHER, None, "into"),
        move("unmerge", "撤销并案", S.MERGED, S.REGISTERED, DISPATCHER, "dispatch"),
        move("split", "拆分", S.REGISTERED, S.SPLIT, DISPATCHER, None, "parts"),
        move("rejoin", "合并答复", S.SPLIT, S.REPLIED, DISPATCHER, "call_back", "text"),
        move("pass_down", "转派", S.DISPATCHED, S.DISPATCHED, (COORDINATOR, DISPATCHER), "sign", "lead_org"),
        move("sign", "签收", S.DISPATCHED, S.HANDLING, HANDLER, "handle"),
        move("send_back", "退单", S.DISPATCHED, S.REGISTERED, HANDLER, "dispatch", ("ground", "text")),
        move("contact", "首次联系", (S.DISPATCHED, S.HANDLING), None, HANDLER, None, "text"),
        move("assist", "协办反馈", (S.DISPATCHED, S.HANDLING, S.REVIEWING), None, ASSISTANT, None, "text"),
        move("reply", "答复", S.HANDLING, S.REPLIED, HANDLER, "call_back", "text"),
        move("draft", "送审", S.HANDLING, S.REVIEWING, HANDLER, None, "text"),
        move("reply", "审核通过并答复", S.REVIEWING, S.REPLIED, REVIEWER, "call_back"),
        move("revise", "退回修改", S.REVIEWING, S.HANDLING, REVIEWER, None, "text"),
        move("extend", "申请延期", S.HANDLING, None, HANDLER, None, ("ground", "text")),
        move("decide_extension", "审批延期", S.HANDLING, None, DISPATCHER, None, "extension"),
        move("suspend", "挂账", S.HANDLING, S.SUSPENDED, DISPATCHER, "review", ("ground", "text", "review_on")),
        move("resume", "恢复办理", S.SUSPENDED, S.HANDLING, DISPATCHER),
        move("call_back", "回访", S.REPLIED, None, (CALLER, REPORTER), None, "result"),
        move("close", "办结", S.REPLIED, S.CLOSED, (CALLER, REPORTER), None, "call_back"),
        move("rework", "重新办理", S.REPLIED, S.HANDLING, (CALLER, REPORTER), "rework", "call_back"),
        move("reopen", "再次办理", S.CLOSED, S.HANDLING, DISPATCHER, "rework", "text"),
        move("withdraw", "撤回", OPEN, S.WITHDRAWN, (REPORTER, AGENT)),
        move("urge", "催办", OPEN, None, (REPORTER, *DESK, COORDINATOR, SUPERVISOR)),
        move("supplement", "补充情况", OPEN, None, (REPORTER, *DESK), None, "text"),
        move("note", "备注", (*OPEN, S.SPLIT), None, STAFF, None, "text"),
        move("recuse", "自行回避", OPEN, None, (*DESK, COORDINATOR, *OFFICE, CALLER, GRID_WORKER), None, "text"),
        move("bar", "责令回避", OPEN, None, (DISPATCHER, SUPERVISOR), None, "text"),
        move("unbar", "解除回避", OPEN, None, (DISPATCHER, SUPERVISOR), None, ("bar", "text")),
        move("reclassify", "更改事项", (*INTAKE, S.HANDLING), None, DISPATCHER, None, "matter"),
        move("relocate", "更正地点", (*INTAKE, S.HANDLING, S.CLOSED), None, (*DESK, GRID_WORKER)),
    ),
)

# These follow from a call-back's answers and are not buttons of their own.
FOLLOWS = {"close": "call_back", "rework": "call_back"}

# Which open clocks a move stops. A clock that is not named runs on.
STOPS: dict[str, tuple[str, ...]] = {
    "answer": ("dispatch", "contact"),
    "dispatch": ("dispatch",),
    "designate": ("dispatch",),
    "decline": ("dispatch", "contact"),
    "transfer": ("dispatch", "sign", "assist"),
    "confirm": ("transfer", "contact"),
    "bounce": ("transfer",),
    "merge": ("dispatch", "sign", "contact", "assist"),
    "split": ("dispatch", "contact"),
    "pass_down": ("sign",),
    "sign": ("sign",),
    "send_back": ("sign", "assist"),
    "reply": ("handle", "rework", "contact", "assist"),
    "suspend": ("review",),
    "resume": ("review",),
    "close": ("call_back",),
    "rework": ("call_back",),
    "withdraw": ("dispatch", "sign", "handle", "rework", "contact", "assist", "call_back", "transfer", "review"),
}

# What the reporter may read in the case's timeline, and the words others speak there that are meant for him.
PUBLIC_VERBS = frozenset(
    {"accept", "answer", "dispatch", "designate", "pass_down", "decline", "transfer", "confirm", "merge", "sign", "contact", "suspend",
     "resume", "reply", "rejoin", "call_back", "close", "rework", "reopen", "withdraw", "urge", "supplement", "extend"}
)  # fmt: skip
# Who decides on recusals, and the words that are meant for nobody else.
DECIDES = frozenset({DISPATCHER, SUPERVISOR})
KEPT_TEXTS = frozenset({"recuse", "bar", "unbar"})
PUBLIC_TEXTS = frozenset({"answer", "decline", "reply", "rejoin", "supplement", "urge", "withdraw"})
