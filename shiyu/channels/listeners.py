"""The registry hears of every accepted case, by whichever door it came: counts a day, when the channel was last heard."""

from collections.abc import Sequence
from datetime import date, datetime

from sqlalchemy.orm import Session

from shiyu.cases.events import CaseAccepted
from shiyu.channels import actions
from shiyu.kernel import clock
from shiyu.kernel.events import News, listens


@listens(CaseAccepted)
def count_channels(s: Session, news: Sequence[News]) -> None:
    """渠道计数 — cases of a drill are not counted: a channel that is only drilled with has fallen silent all the same."""
    told: dict[tuple[str, date], tuple[int, datetime]] = {}
    for row in news:
        if row.exercise_id is None:
            at = row.data["channel"], clock.beijing(row.at).date()
            accepted, newest = told.get(at, (0, row.at))
            told[at] = accepted + 1, max(newest, row.at)
    if told:
        actions.heard(s, told)
