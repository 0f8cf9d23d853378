"""演示的一天 — the synthetic city lives on: every few seconds somebody reports, signs, answers or is asked.

Only cases of the demonstration are touched, so what a visitor reports is his to play with. The choices follow a seed; what there is
to choose from is whatever the database holds.
"""

import threading
from random import Random
from uuid import uuid4

import structlog
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from shiyu.cases.actions import accept
from shiyu.cases.lifecycle import LIFECYCLE, OPEN, S
from shiyu.cases.models import Case
from shiyu.demo import people, photos, voices
from shiyu.demo.acting import perform, picture
from shiyu.demo.fates import ORDINARY
from shiyu.demo.people import NOBODY, Cast
from shiyu.demo.voices import Spot
from shiyu.kernel.db import reading, transaction
from shiyu.kernel.errors import Refusal

PACE = 4.0  # seconds between two acts, on the average
MANY = 2000  # cases of the demonstration from which on it goes slower
SLOWER = 15.0
NEW = 0.3  # share of the acts that are new reports
REPEATED = 0.06
PICTURED = 0.15
NEAREST = 40  # open cases of which one is chosen, the soonest due first

# What else than the ordinary next step may happen in a state.
DETOURS: dict[str, dict[str, float]] = {
    S.REGISTERED: {"urge": 0.03},
    S.DISPATCHED: {"send_back": 0.03, "pass_down": 0.03, "contact": 0.15},
    S.HANDLING: {"contact": 0.15, "assist": 0.2, "draft": 0.1, "extend": 0.03, "suspend": 0.02, "urge": 0.05},
    S.REPLIED: {"call_back:bad": 0.08, "call_back:none": 0.08, "call_back:mine": 0.3},
}

log = structlog.get_logger(__name__)


def live(stop: threading.Event, seed: int, pace: float = PACE) -> None:
    """Until told to stop: one act, a pause, another act."""
    random = Random(seed)
    with reading() as s:
        cast, spots = people.cast(s), voices.spots(s)
        cases = s.scalar(select(func.count()).where(Case.key.startswith(voices.KEY, autoescape=True))) or 0
    while not stop.wait(random.uniform(0.4, 1.6) * pace * (SLOWER if cases > MANY else 1.0)):
        try:
            cases += turn(cast, spots, random)
        except Exception as error:  # noqa: BLE001 - a database that restarts must not end the day
            log.warning("the day stumbled", error=repr(error))


def turn(cast: Cast, spots: list[Spot], random: Random) -> bool:
    """One act, in one transaction; whether it was a new report."""
    with transaction() as s:
        open_ones = _open_cases(s)
        if not open_ones or random.random() < NEW:
            _report(s, cast, spots, random, open_ones)
            return True
        case = random.choice(open_ones)
        word = _word(random, case.state)
        if word is None:
            return False
        try:
            with s.begin_nested():
                perform(s, cast, random, case, word, reply=voices.reply_to(case.text))
        except Refusal as refusal:  # what cannot be done is not done
            log.debug("not done", word=word, refusal=refusal.code)
    return False


def _open_cases(s: Session) -> list[Case]:
    query = select(Case).where(Case.key.startswith(voices.KEY, autoescape=True), Case.state.in_(OPEN))
    query = query.where(Case.state != S.SUSPENDED).order_by(Case.due_at, Case.id)
    return list(s.scalars(query.limit(NEAREST)))


def _word(random: Random, state: str) -> str | None:
    dice = random.random()
    for word, share in DETOURS.get(state, {}).items():
        dice -= share
        if dice < 0 and LIFECYCLE.find(state, word.split(":")[0]):
            return word
    return ORDINARY.get(S(state))


def _report(s: Session, cast: Cast, spots: list[Spot], random: Random, open_ones: list[Case]) -> None:
    spot = random.choices(spots, [spot.weight for spot in spots])[0]
    voice = voices.speak(random, spot)
    twin = next((case for case in open_ones if case.lon is not None), None)
    if twin and random.random() < REPEATED:
        same = voices.Voice(twin.text, twin.kind, "", twin.address, twin.lon, twin.lat, spot)
        voice = voices.again(same, random)
    report = voices.report(random, voice, str(uuid4()))
    teller = cast.get(f"grid.{spot.grid}") or NOBODY if report.channel == "field" else NOBODY
    shown = photos.scene_of(report.text)
    if shown and random.random() < PICTURED:
        report = voices.with_picture(report, picture(s, teller, random, shown))
    accept(s, teller, report)
