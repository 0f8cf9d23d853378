"""演示工单的一生 — what befalls a case, as a line of words; every state, light, round and detour of the life-cycle is somebody's fate.

A word is a verb, with its manner after a colon. Where a word cannot be done yet, the ordinary next step is done first; where it cannot
be done any more, it is left out. A fate that ends early leaves the case where it stands.
"""

from shiyu.cases.lifecycle import LIFECYCLE, S

ASKED = "call_back:good"
DONE = ("sign", "contact", "reply", ASKED)

# fate: share of the cases, words
FATES: dict[str, tuple[int, tuple[str, ...]]] = {
    "plain": (30, ("sign", "contact", "reply", ASKED)),
    "assisted": (14, ("sign", "contact", "assist", "assist", "reply", "call_back:mine")),
    "reviewed": (6, ("sign", "contact", "draft", "reply", ASKED)),
    "revised": (3, ("sign", "contact", "draft", "revise", "draft", "reply", ASKED)),
    "drafted": (2, ("sign", "contact", "draft")),
    "reworked": (4, ("sign", "contact", "reply", "call_back:bad", "contact", "reply", ASKED)),
    "discontent": (2, ("sign", "contact", "reply", "call_back:bad")),
    "reopened": (2, (*DONE, "reopen", "reply", ASKED)),
    "sent_back": (4, ("send_back", "dispatch", *DONE)),
    "returned": (2, ("send_back",)),
    "designated": (1, ("send_back", "dispatch", "send_back", "dispatch", "send_back", "designate", *DONE)),
    "passed_down": (3, ("pass_down", *DONE)),
    "prolonged": (3, ("sign", "contact", "extend", "decide_extension:yes", "reply", ASKED)),
    "held_to_it": (1, ("sign", "contact", "extend", "decide_extension:no", "reply", ASKED)),
    "asking_time": (2, ("sign", "contact", "extend")),
    "suspended": (3, ("sign", "contact", "suspend")),
    "resumed": (2, ("sign", "contact", "suspend", "resume", "reply", ASKED)),
    "transferring": (1, ("transfer",)),
    "transferred": (2, ("transfer", "confirm")),
    "bounced": (1, ("transfer", "bounce", "dispatch", *DONE)),
    "declined": (2, ("decline",)),
    "merged": (3, ("merge",)),
    "unmerged": (1, ("merge", "unmerge", "dispatch", *DONE)),
    "repeated": (2, DONE),
    "split": (1, ("split",)),
    "rejoined": (1, ("split", "rejoin", ASKED)),
    "withdrawn": (2, ("withdraw",)),
    "answered": (3, ("answer", ASKED)),
    "unreached": (2, ("sign", "contact", "reply", "call_back:none", "call_back:none", "call_back:none")),
    "silent": (1, ("sign", "contact", "reply", "call_back:refused", ASKED)),
    "urged": (3, ("urge", "sign", "contact", "urge", "reply", ASKED)),
    "added": (2, ("supplement", "sign", "contact", "note", "reply", ASKED)),
    "corrected": (2, ("relocate", "reclassify", *DONE)),
    "unsigned": (1, ()),
    "stalled": (3, ("sign", "contact")),
    "unasked": (2, ("sign", "contact", "reply")),
}
LEFT_OPEN = ("drafted", "discontent", "returned", "asking_time", "transferring", "unsigned", "unasked")  # so: lately
TWINS = ("merged", "unmerged", "repeated")  # say again what another case says
VAGUE = (
    "declined",
    "split",
    "rejoined",
    "answered",
    "returned",
)  # name only the county, so that a dispatcher must look
SPEECH = {"declined": "decline", "split": "split", "rejoined": "split", "answered": "answer"} | dict.fromkeys(
    ("transferring", "transferred", "bounced"), "transfer"
)

# How long the one whose turn it is takes, in working hours at least and at most; the reporter's are plain hours.
WAITS: dict[str, tuple[float, float]] = {
    "dispatch": (0.1, 1.8), "designate": (0.5, 3), "sign": (0.2, 3.5), "contact": (0.3, 4), "assist": (1, 8), "reply": (3, 30),
    "draft": (3, 24), "revise": (0.5, 3), "call_back": (0.5, 9), "extend": (1, 5), "decide_extension": (0.3, 2), "suspend": (3, 12),
    "resume": (16, 48), "transfer": (0.1, 0.6), "confirm": (0.5, 5), "bounce": (0.5, 5), "decline": (0.2, 1.8), "merge": (0.1, 1.5),
    "unmerge": (1, 8), "split": (0.2, 1.8), "rejoin": (30, 60), "withdraw": (1, 30), "answer": (0.1, 1.2), "send_back": (0.3, 3.5),
    "pass_down": (0.2, 2), "reopen": (4, 30), "urge": (2, 30), "supplement": (0.5, 6), "note": (0.5, 3), "relocate": (0.2, 1),
    "reclassify": (0.1, 0.5),
}  # fmt: skip
BY_REPORTER = ("withdraw", "urge", "supplement")

# What happens to a case next when nothing particular does.
ORDINARY = {
    S.REGISTERED: "dispatch",
    S.DISPATCHED: "sign",
    S.HANDLING: "reply",
    S.REVIEWING: "reply",
    S.REPLIED: ASKED,
    S.SUSPENDED: "resume",
    S.TRANSFERRING: "confirm",
}
# Words that are not worth an ordinary step before them: where they cannot be done at once they are left out.
AT_ONCE = frozenset({"answer", "decline", "split", "merge", "transfer", "send_back", "withdraw", "assist", "urge"})


def next_word(state: str, words: tuple[str, ...]) -> tuple[str, tuple[str, ...]] | None:
    """The word that is done now, and the words left after it; ``None`` at the end."""
    while words:
        verb = words[0].split(":")[0]
        if LIFECYCLE.find(state, verb):
            return words[0], words[1:]
        ordinary = ORDINARY.get(S(state))
        if ordinary and (verb not in AT_ONCE or state == S.REGISTERED) and _comes(state, verb):
            return ordinary, words
        words = words[1:]
    return None


def _comes(state: str, verb: str) -> bool:
    """Whether ordinary steps lead from a state to one in which a verb can be done."""
    seen = {state}
    while (word := ORDINARY.get(S(state))) is not None:
        line = LIFECYCLE.find(state, word.split(":")[0])
        state = S.CLOSED if word == ASKED else line.leads_to(state) if line else state
        if LIFECYCLE.find(state, verb):
            return True
        if state in seen:
            return False
        seen.add(state)
    return False
