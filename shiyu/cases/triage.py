"""研判 — pure: where is it, what is it, whose is it, by when, has it been said before. Values in, suggestions with reasons out."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from math import exp
from operator import add
from typing import Any
from uuid import UUID

from shiyu.directory.coords import distance
from shiyu.directory.gazetteer import Because, Gazetteer, Lineage, Located
from shiyu.directory.spotting import Spot
from shiyu.law.book import LawBook
from shiyu.law.classifier import Guess
from shiyu.law.duties import CENTRE, Owner
from shiyu.law.limits import Due

# Facts of a row that a likeness is made of, and how much each weighs when it can be judged.
WEIGHTS = {"text": 0.55, "place": 0.3, "time": 0.15}
NEAR_METRES = 120.0  # at this distance nearness has fallen to 1/e
SAME_CELL, SAME_GRID, SAME_COMMUNITY, ANOTHER_GRID = 0.9, 0.6, 0.4, 0.2  # nearness where nothing was measured
FRESH_DAYS = 10.0  # after so many days freshness has fallen to 1/e


@dataclass(frozen=True, slots=True)
class Word:
    """What was said, where, and how: the part of a report that triage looks at."""

    text: str
    address: str | None = None
    lon: float | None = None
    lat: float | None = None
    kind: str | None = None
    matter: str | None = None
    urgency: str | None = None


@dataclass(frozen=True, slots=True)
class Candidate:
    """An earlier case that may be the same thing."""

    id: UUID
    no: str
    text: str
    state: str
    matter: str | None
    cell_id: UUID | None
    grid_id: UUID | None
    lon: float | None
    lat: float | None
    accepted_at: datetime


@dataclass(frozen=True, slots=True)
class Likeness:
    """疑似重复 — how like an earlier case is (0 to 1), why, and how far away in metres."""

    candidate: Candidate
    score: float
    because: tuple[Because, ...]
    metres: float | None


@dataclass(frozen=True, slots=True)
class Triage:
    """研判结果 — every suggestion with its reasons. Nothing here is decided; ``direct`` says that nobody need look."""

    kind: str
    urgency: str
    guess: Guess
    located: Located | None
    owner: Owner | None
    due: dict[str, Due] = field(default_factory=dict)
    direct: bool = False

    @property
    def matter(self) -> str | None:
        """The suggested matter, if one was sure enough."""
        return self.guess.matter_code

    @property
    def lineage(self) -> Lineage | None:
        """Where it is."""
        return self.located.lineage if self.located else None

    def kept(self) -> dict[str, Any]:
        """What the case keeps of it: for the desk's *because* and for the auditor."""
        return {
            "matter": self.guess.matter_code,
            "confidence": round(self.guess.confidence, 3),
            "because": [{"code": reason.code, "facts": reason.facts} for reason in self.guess.because],
            "runners": [[code, round(score, 3)] for code, score in self.guess.runners],
            "place": None
            if self.located is None
            else {
                "label": self.located.lineage.name,
                "level": self.located.level,
                "confidence": round(self.located.confidence, 3),
                "because": [{"code": reason.code, "facts": reason.facts} for reason in self.located.because],
            },
            "owner": None if self.owner is None or self.lineage is None else owner_kept(self.owner, self.lineage),
            "direct": self.direct,
        }


def convener_of(owner: Owner, lineage: Lineage) -> str | None:
    """The code of the centre that calls the offices together."""
    node = lineage.at(owner.convener_level)
    return CENTRE.replace("{%s}", node.code) if node else None


def owner_kept(owner: Owner, lineage: Lineage) -> dict[str, Any]:
    """The suggested offices as a case keeps them."""
    return {
        "lead": owner.lead_code,
        "assists": list(owner.assist_codes),
        "convener": convener_of(owner, lineage),
        "unambiguous": owner.unambiguous,
        "because": [{"code": reason.code, "facts": reason.facts} for reason in owner.because],
        "rule": owner.rule_id,
    }


def think(word: Word, book: LawBook, places: Gazetteer, now: datetime) -> Triage:
    """Where, what, whose and by when, for one report. What the reporter or the agent chose himself is not second-guessed."""
    spots = places.spot(word.text)
    located = locate(word, places, spots)
    guess = (
        Guess(word.matter, 1.0, (Because("matter_chosen", {}),), ())
        if word.matter
        else book.classify(unplaced(word.text, spots), word.kind)
    )
    matter = book.matter(guess.matter_code) if guess.matter_code else None
    kind = word.kind or (matter and matter.kind) or "help"
    urgency = word.urgency or (matter and matter.urgency) or "normal"
    owner = (
        book.owner(guess.matter_code, [node.code for node in located.lineage.path])
        if guess.matter_code and located
        else None
    )
    direct = (
        owner is not None
        and owner.unambiguous
        and urgency != "danger"
        and guess.confidence >= book.threshold("direct.confidence", now)
        and located is not None
        and located.lineage.town is not None
    )
    clocks = ("contact", "sign" if direct else "dispatch")
    due = {clock: book.due(guess.matter_code, clock, now, kind=kind, level=urgency) for clock in clocks}
    return Triage(kind, urgency, guess, located, owner, due, direct)


def unplaced(text: str, spots: Iterable[Spot]) -> str:
    """A text with the names of areas blanked out: 岫岩满族自治县 says where it is, not that it is about 民族.

    Named places stay: 烈士山 is a hill, and rubbish on a hill is a matter of its own.
    """
    for spot in spots:
        if any(entry.place is not None for entry in spot.entries):
            continue
        text = text[: spot.start] + "，" * (spot.end - spot.start) + text[spot.end :]
    return text


def locate(word: Word, places: Gazetteer, spots: Sequence[Spot]) -> Located | None:
    """A point first, since it was measured; else the address, and the text where it names something finer inside of it.

    ``spots`` are the names in the text.
    """
    if word.lon is not None and word.lat is not None:
        return places.locate_point(word.lon, word.lat)
    coarse = places.locate_text(word.address) if word.address else None
    within = coarse.lineage.area_id if coarse else None
    fine = places.locate_spots(spots, within)
    if coarse is None or (fine is not None and any(node.id == within for node in fine.lineage.path)):
        return fine
    return coarse


# --- has it been said before ---------------------------------------------------------------------------------------------


def likenesses(
    word: Word, located: Located | None, others: Iterable[Candidate], least: float, now: datetime
) -> list[Likeness]:
    """The candidates that are like enough, likest first. Whose words are too different is not looked at further."""
    grams = shingles(word.text)
    alike = ((other, overlap(grams, shingles(other.text))) for other in others)
    found = [like(word, said, located, other, now) for other, said in alike if _score(said, 1.0, 1.0) >= least]
    return sorted((one for one in found if one.score >= least), key=lambda one: -one.score)


def like(word: Word, said: float, located: Located | None, other: Candidate, now: datetime) -> Likeness:
    """Compare by what was ``said``, where and when. The same grid and the same matter alone are not enough: text must speak too."""
    point = (word.lon, word.lat) if word.lon is not None else (located.point if located else None)
    metres, near = _nearness(point, located, other)
    fresh = exp(-max(0.0, (now - other.accepted_at).total_seconds()) / 86400 / FRESH_DAYS)
    score = _score(said, near, fresh)
    because = [Because("text_alike", {"percent": round(said * 100)})]
    if metres is not None:
        because.append(Because("metres_apart", {"metres": round(metres)}))
    elif near in (SAME_CELL, SAME_GRID):
        because.append(Because("same_grid", {}))
    elif near == SAME_COMMUNITY:
        because.append(Because("same_community", {}))
    because.append(Because("days_apart", {"days": max(0, (now - other.accepted_at).days)}))
    return Likeness(other, score, tuple(because), metres)


def _score(said: float, near: float | None, fresh: float) -> float:
    """The parts that can be judged by their weights, less where the words hardly agree."""
    score, total = WEIGHTS["text"] * said + WEIGHTS["time"] * fresh, WEIGHTS["text"] + WEIGHTS["time"]
    if near is not None:
        score, total = score + WEIGHTS["place"] * near, total + WEIGHTS["place"]
    return score / total * (0.5 + 0.5 * min(1.0, said / 0.35))


@lru_cache(maxsize=4096)  # a neighbourhood's newest texts are compared again and again
def shingles(text: str) -> frozenset[str]:
    """The pairs of neighbouring characters of a text, punctuation and blanks left out."""
    plain = "".join(filter(str.isalnum, text))
    return frozenset(map(add, plain, plain[1:]))


def overlap(one: frozenset[str], other: frozenset[str]) -> float:
    """How much of the shorter text the longer one holds, tempered by their joint size (geometric mean of overlap and Dice)."""
    if not one or not other:
        return 0.0
    common = len(one & other)
    return (common / min(len(one), len(other)) * 2 * common / (len(one) + len(other))) ** 0.5


def _nearness(
    point: tuple[float | None, float | None] | None, located: Located | None, other: Candidate
) -> tuple[float | None, float | None]:
    if point and point[0] is not None and point[1] is not None and other.lon is not None and other.lat is not None:
        metres = distance(point[0], point[1], other.lon, other.lat)
        return metres, exp(-metres / NEAR_METRES)
    if located is None:
        return None, None
    ids = located.lineage.ids()
    if ids["cell_id"] and ids["cell_id"] == other.cell_id:
        return None, SAME_CELL
    if ids["grid_id"] and ids["grid_id"] == other.grid_id:
        return None, SAME_GRID
    # Candidates share the community or the grid; where a grid was not found, another one is not proved either.
    return None, ANOTHER_GRID if ids["grid_id"] and other.grid_id else SAME_COMMUNITY
