"""演示诉求 — what citizens of the synthetic city say, and where: written sentences with the city's own places filled in."""

import csv
import re
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from random import Random
from typing import Any
from uuid import UUID

import shapely
from sqlalchemy import select
from sqlalchemy.orm import Session

from shiyu.cases.actions import Report
from shiyu.demo import people
from shiyu.directory.gazetteer import gazetteer
from shiyu.directory.places import Area, Place

KEY = "演示数据/"  # every case of the demonstration is known by its key
CHANNELS = {"hotline": 52, "portal": 22, "wechat": 14, "field": 8, "mailbox": 4}
PINNED = 0.6  # share of the reports that come with a position
NAMELESS = 0.12


@dataclass(frozen=True, slots=True)
class Said:
    """诉求文本 — a sentence with blanks, and what the office will answer. ``fate``: this sentence is for one fate alone."""

    fate: str
    zone: str
    kind: str
    text: str
    reply: str


@cache
def sentences() -> tuple[Said, ...]:
    """The table beside this file."""
    with (Path(__file__).parent / "texts.csv").open(encoding="utf-8", newline="") as file:
        return tuple(Said(**row) for row in csv.DictReader(file))


@dataclass(frozen=True, slots=True)
class Spot:
    """A base grid to speak from: the names around it and its ground."""

    grid: str
    county: str
    town: str
    community: str
    estates: tuple[str, ...]
    road: str | None
    ground: Any
    weight: int

    @property
    def zone(self) -> str:
        """Whether one speaks of estates or of fields."""
        return "urban" if self.community.endswith("社区") else "rural"


@dataclass(frozen=True, slots=True)
class Voice:
    """A report as it will be made, and what is answered in the end."""

    text: str
    kind: str | None
    reply: str
    address: str | None
    lon: float | None
    lat: float | None
    spot: Spot


def spots(s: Session) -> list[Spot]:
    """Every base grid of the city."""
    places = gazetteer(s)
    estates: dict[str, list[str]] = {}
    roads: dict[Any, str] = {}
    for place in s.execute(select(Place.name, Place.kind, Place.lon, Place.lat, Place.area_id).order_by(Place.name)):
        if place.kind == "estate" and place.lon is not None:
            found = places.locate_point(place.lon, place.lat)
            if found and found.lineage.community:
                estates.setdefault(found.lineage.community.code, []).append(place.name)
        elif place.kind == "road" and place.area_id:
            roads[place.area_id] = place.name
    people_of = dict(s.execute(select(Area.id, Area.population).where(Area.level == "grid")).all())
    found = []
    for node in sorted((node for node in places.nodes if node.level == "grid"), key=lambda node: node.code):
        at = places.lineage(node.id)
        if at.county and at.town and at.community and places.boundary(node.id) is not None:
            names = tuple(estates.get(at.community.code, ()))
            ground, weight = places.boundary(node.id), people_of.get(node.id) or 1
            road = roads.get(at.town.id)
            found.append(Spot(node.code, at.county.name, at.town.name, at.community.name, names, road, ground, weight))
    return found


def speak(random: Random, spot: Spot, fate: str = "", *, vague: bool = False) -> Voice:
    """One report from a place. ``vague``: only the county is named, so that a dispatcher must look."""
    fitting = [one for one in sentences() if one.fate in ("", fate) and one.zone in (spot.zone, "any")]
    own = [one for one in fitting if one.fate == fate]
    said = random.choice(own or fitting)
    phrase = _said(spot.county) if vague else _phrase(random, spot)
    words = {"n": random.randint(1, 28), "u": random.randint(1, 5), "road": spot.road or "村口大路", "at": phrase}
    ordinary = [one for one in fitting if not one.fate and "{at}" in one.text and "{road}" not in one.text]
    words |= {part: random.choice(ordinary).text.format(**words | {"at": "门前"}) for part in ("one", "two")}
    text = said.text.format(**words)
    if vague or random.random() > PINNED:
        return Voice(text, said.kind or None, said.reply, None, None, None, spot)
    lon, lat = point_in(random, spot.ground)
    return Voice(text, said.kind or None, said.reply, phrase, lon, lat, spot)


@cache
def _endings() -> tuple[tuple[str, str], ...]:
    """The longest piece of each sentence between its blanks, with the answer to it."""
    return tuple((max(re.split(r"\{\w+\}", said.text), key=len), said.reply) for said in sentences() if said.reply)


def reply_to(text: str) -> str:
    """What the office answers to a text of ours; nothing for any other."""
    return next((reply for piece, reply in _endings() if piece in text), "")


def again(voice: Voice, random: Random) -> Voice:
    """Somebody else says the same thing from nearly the same place."""
    begin = random.choice(("也反映一下，", "同样的问题，", "我是另一户，"))
    text = begin + voice.text.removesuffix("。") + random.choice(("，一直没人来。", "，麻烦再看看。", "，盼回复。"))
    lon, lat = voice.lon, voice.lat
    if lon is not None and lat is not None:
        lon, lat = lon + random.uniform(-0.0001, 0.0001), lat + random.uniform(-0.0001, 0.0001)
        if not voice.spot.ground.contains(shapely.Point(lon, lat)):
            lon, lat = voice.lon, voice.lat
    return Voice(text, voice.kind, voice.reply, voice.address, lon, lat, voice.spot)


def report(random: Random, voice: Voice, key: str, **more: Any) -> Report:
    """The voice as a report through one of the doors."""
    channel = random.choices(list(CHANNELS), list(CHANNELS.values()))[0]
    name, phone = people.citizen(random)
    nameless = channel == "field" or random.random() < NAMELESS
    return Report(
        key=KEY + key,
        channel=channel,
        text=voice.text,
        kind=voice.kind,
        address=voice.address,
        lon=voice.lon,
        lat=voice.lat,
        name=None if nameless else name,
        phone=None if nameless else phone,
        anonymous=nameless and channel != "field",
        confidential=voice.kind == "report" and random.random() < NAMELESS,
        **more,
    )


def with_picture(report: Report, file_id: UUID) -> Report:
    """The same report with a picture."""
    return replace(report, file_ids=(file_id,))


def point_in(random: Random, ground: Any) -> tuple[float, float]:
    """A point by chance within a ground, in WGS-84 degrees."""
    west, south, east, north = ground.bounds
    for _ in range(50):
        lon, lat = random.uniform(west, east), random.uniform(south, north)
        if ground.contains(shapely.Point(lon, lat)):
            return round(lon, 6), round(lat, 6)
    inside = ground.representative_point()
    return inside.x, inside.y


def _phrase(random: Random, spot: Spot) -> str:
    if spot.zone == "rural":
        return f"{_said(spot.county)}{spot.town}{spot.community}"
    if not spot.estates:
        return f"{_said(spot.county)}{spot.community}"
    place = random.choice(spot.estates)
    return f"{_said(spot.county)}{spot.community}{place}" if random.random() < PINNED else f"{spot.community}{place}"


def _said(county: str) -> str:
    """As people say it: nobody writes 岫岩满族自治县 into a complaint."""
    return county.replace("满族自治县", "县")
