"""The verbs of a case. ``accept`` makes one, ``act`` takes one move of the lifecycle's table; nothing else changes a case.

intake        accept one report or many in one statement      gathering     accept those that arrive at the same time together
act           the one way every verb goes
dispatching   派单 签收 退单 移送 并案 拆分 …                    handling      联系 协办 答复 延期 挂账 …
barring       自行回避 责令回避 解除回避
calling_back  直接答复 回访 办结 重新办理 撤回                     revealing     还原: who asked for the reporter's data, and why
"""

from shiyu.cases.actions import barring, calling_back, dispatching, handling
from shiyu.cases.actions.act import act, act_as_reporter
from shiyu.cases.actions.gathering import accept_gathered
from shiyu.cases.actions.intake import Accepted, Report, accept, accept_many, consider, find_like
from shiyu.cases.actions.revealing import reveal

__all__ = [
    "Accepted",
    "Report",
    "accept",
    "accept_gathered",
    "accept_many",
    "act",
    "act_as_reporter",
    "barring",
    "calling_back",
    "consider",
    "dispatching",
    "find_like",
    "handling",
    "reveal",
]
