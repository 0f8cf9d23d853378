"""演示历史 — some weeks of the synthetic city, replayed: each case is reported at its hour and each step is taken at its own."""

import heapq
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from random import Random

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from shiyu.cases.lifecycle import OPEN
from shiyu.cases.models import Case
from shiyu.demo import photos, voices
from shiyu.demo.acting import perform, picture, tell, wait
from shiyu.demo.fates import FATES, LEFT_OPEN, SPEECH, TWINS, VAGUE, next_word
from shiyu.demo.people import NOBODY, Cast
from shiyu.demo.voices import Spot, Voice
from shiyu.kernel import clock
from shiyu.kernel.auth import Viewer
from shiyu.kernel.clock import BEIJING
from shiyu.kernel.db import transaction
from shiyu.kernel.errors import Refusal
from shiyu.law.book import book

WEEKS = 5
LATELY = 5.0  # days; cases that nobody goes on with are not old, or all lights would be red
PICTURES = 24  # reports that bring a picture
UNFOLDS = 24  # days after which the longest fate has run its course
NEWER = 1.5  # above 1: the newer a day, the more was reported on it
HOURS = (1, 1, 0, 0, 0, 1, 3, 8, 14, 16, 14, 10, 7, 9, 12, 12, 10, 9, 8, 7, 6, 4, 3, 2)
"""How much is reported in each hour of a day, beside the others."""


@dataclass(slots=True)
class Life:
    """一张演示工单 — what it will say, and what is still to befall it."""

    n: int
    fate: str
    words: tuple[str, ...]
    voice: Voice | None = None
    no: str = ""
    twin: str | None = None


@dataclass(slots=True)
class History:
    """The replay: what is to happen next, in the order of its time."""

    cast: Cast
    spots: Sequence[Spot]
    random: Random
    now: datetime
    pictures: int = PICTURES
    told: list[Life] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)
    _next: list[tuple[datetime, int, Life]] = field(default_factory=list)
    _order: Iterator[int] = field(default_factory=count)

    def plan(self, cases: int) -> None:
        """Deal out fates and hours: every fate once and early enough to unfold, then whatever chance deals."""
        names, shares = list(FATES), [share for share, _ in FATES.values()]
        dealt = [(self._moment(0, LATELY if fate in LEFT_OPEN else UNFOLDS), fate) for fate in names]
        more = self.random.choices(names, shares, k=max(0, cases - len(names)))
        dealt += [(self._moment(LATELY if fate in LEFT_OPEN else WEEKS * 7), fate) for fate in more]
        for n, (moment, fate) in enumerate(sorted(dealt)[:cases], 1):
            self.push(moment, Life(n, fate, FATES[fate][1]))

    def push(self, moment: datetime, life: Life) -> None:
        """What happens later than now never happens."""
        if moment <= self.now:
            heapq.heappush(self._next, (moment, next(self._order), life))

    def play(self, step: Callable[[int], None]) -> None:
        """Everything in its order, each step in a transaction at its own moment."""
        done = 0
        while self._next:
            moment, _, life = heapq.heappop(self._next)
            with clock.at(moment), transaction() as s:
                s.execute(text("set local synchronous_commit to off"))  # nobody was promised anything yet
                after = self._go_on(s, life) if life.no else self._report(s, life)
            if after is not None:
                self.push(after, life)
            if len(self.told) > done:
                done = len(self.told)
                step(done)

    def _moment(self, days: float, otherwise: float = 0) -> datetime:
        """Some time within so many days, the newer the likelier; with none, about the other number of days ago."""
        back = self.random.random() ** NEWER * days if days else otherwise + self.random.random()
        day = clock.beijing(self.now - timedelta(days=back)).replace(hour=0, minute=0, second=0, microsecond=0)
        hour = self.random.choices(range(24), HOURS)[0] + self.random.random()
        moment = day.astimezone(BEIJING) + timedelta(hours=hour)
        return moment if moment <= self.now else self.now - timedelta(hours=self.random.uniform(0.05, 6))

    def _report(self, s: Session, life: Life) -> datetime | None:
        random = self.random
        spot = random.choices(self.spots, [spot.weight for spot in self.spots])[0]
        life.voice = voices.speak(random, spot, SPEECH.get(life.fate, ""), vague=life.fate in VAGUE)
        if life.fate in TWINS:
            self._repeat(s, life)
        report = voices.report(random, life.voice, f"{life.n:04d}")
        teller = self._teller(report.channel, life.voice.spot)
        shown = photos.scene_of(report.text)
        if shown and self.pictures > 0:
            self.pictures -= 1
            report = voices.with_picture(report, picture(s, teller, random, shown))
        life.no = tell(s, teller, report)
        self.told.append(life)
        return self._when(s, life, s.scalars(select(Case).where(Case.no == life.no)).one())

    def _repeat(self, s: Session, life: Life) -> None:
        """Say again what a newer case says that is still open."""
        by_no = {told.no: told for told in self.told[-60:] if told.voice and told.voice.lon is not None}
        query = select(Case.no).where(Case.no.in_(by_no), Case.state.in_(OPEN)).order_by(Case.accepted_at.desc())
        twin = s.scalar(query.limit(1))
        if twin and (voice := by_no[twin].voice):
            life.voice, life.twin = voices.again(voice, self.random), twin

    def _teller(self, channel: str, spot: Spot) -> Viewer:
        if channel == "field":
            return self.cast.get(f"grid.{spot.grid}") or NOBODY
        return self.cast.one("agent") if channel in ("hotline", "mailbox") else NOBODY

    def _go_on(self, s: Session, life: Life) -> datetime | None:
        case = s.scalars(select(Case).where(Case.no == life.no)).one()
        found = next_word(case.state, life.words)
        if found is None:
            return None
        word, rest = found
        try:
            with s.begin_nested():
                done = perform(
                    s, self.cast, self.random, case, word, reply=life.voice.reply if life.voice else "", twin=life.twin
                )
        except Refusal as refusal:
            self.skipped.append(f"{life.fate}: {word} {refusal.code}")
            done, rest = None, life.words[1:]
            s.refresh(case)
        if done is None and rest == life.words:
            rest = life.words[1:]
        life.words = rest
        if done is not None and word == "split":
            self._follow_parts(s, case)
        return self._when(s, life, case)

    def _follow_parts(self, s: Session, case: Case) -> None:
        for part in s.scalars(select(Case).where(Case.part_of_id == case.id)):
            life = Life(0, "part", ("sign", "reply"), no=part.no)
            after = self._when(s, life, part)
            if after is not None:
                self.push(after, life)

    def _when(self, s: Session, life: Life, case: Case) -> datetime | None:
        found = next_word(case.state, life.words)
        if found is None:
            return None
        return wait(book(s), self.random, found[0].split(":")[0], clock.now(), case.due_at)
