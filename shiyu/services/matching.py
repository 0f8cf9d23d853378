"""知识匹配 — from words to entries, while somebody types: pairs of characters shared, phrases found, the matter guessed.

A ``Catalogue`` holds every readable version of one edition of the shelf, with for each pair the entries in which it stands. Rare pairs
weigh more. A score lies between 0 and 1: half of it is the share of the question that an entry explains, half the best phrase (title
or keyword) of the entry that stands in the question; an entry of the guessed matter gets a little more. Nothing here asks a database.
"""

import math
import re
import threading
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from heapq import nlargest, nsmallest
from uuid import UUID

from shiyu.directory.located import Because

_RUNS = re.compile(r"[\u3400-\u9fff]+|[a-z0-9]+")
_SAID_EVERYWHERE = """
怎么办理 怎么办 怎么 什么时候 什么 如何 请问 哪里 哪儿 多少 多久 时候 可以 需要 应该 问题 咨询 询问 一下 办理 我想 想问 能不能 有没有
是不是 我家 我们 你们 工作人员 现在 今年 知道 告诉 希望 谢谢 您好 你好 的 了 吗 呢 啊 吧 么 呀 我 你 您 他 她 们 是
"""
_EMPTY = re.compile("|".join(_SAID_EVERYWHERE.split()))
"""Words that stand in every second question and say nothing of what it is about; what stands beside them is no pair."""
_MOST_TEXT = 400  # characters of a question that are looked at
_MOST_PAIRS = 40  # pairs of a question that are looked up: the rarest
_ANSWER_PART = 800  # characters of an answer that are looked up
_FINALISTS = 24
_IN_ANSWER = 0.5  # a pair found only in the answer
_WHOLE_PHRASE = 3  # pairs from which a phrase found whole says all it can
_OF_MATTER = 0.15
_LEAST = 0.12  # below this nothing is told
_SNIPPET = 90  # characters


@dataclass(frozen=True, slots=True)
class Item:
    """A readable version as the catalogue knows it. ``prefix`` is the part of the matter's code that counts, "" for none."""

    no: str
    number: int
    title: str
    answer: str
    steps: tuple[str, ...]
    keywords: tuple[str, ...]
    prefix: str
    public: bool
    valid_from: date
    valid_to: date | None
    org_id: UUID

    def holds(self, day: date) -> bool:
        """Whether it is in force on a day."""
        return self.valid_from <= day and (self.valid_to is None or day < self.valid_to)


@dataclass(frozen=True, slots=True)
class Hit:
    """命中 — an entry with its score (0 to 1), the reasons, and what to mark: places (begin, end) in the title and in a snippet."""

    item: Item
    score: float
    because: tuple[Because, ...]
    title_marks: tuple[tuple[int, int], ...]
    snippet: str
    snippet_marks: tuple[tuple[int, int], ...]


def plain(text: str) -> str:
    """Half width and lower case, every character in its place (one that would become several stays)."""
    level = unicodedata.normalize("NFKC", text).lower()
    if len(level) == len(text):
        return level
    return "".join(low if len(low := unicodedata.normalize("NFKC", one).lower()) == 1 else one for one in text)


def pairs(text: str) -> set[str]:
    """字对 — pairs of neighbouring Chinese characters, and whole words of letters or digits."""
    bare = _bare(text)
    return {bare[begin:end] for begin, end in _places(bare)}


def _bare(text: str) -> str:
    """The text with blanks where it says nothing, every character in its place."""
    return _EMPTY.sub(lambda found: " " * len(found.group()), plain(text))


def _places(bare: str) -> Iterator[tuple[int, int]]:
    """Where the pairs stand."""
    for run in _RUNS.finditer(bare):
        begin, end = run.span()
        if run.group() < "\u3400":
            yield begin, end
        else:
            yield from ((at, at + 2) for at in range(begin, end - 1))


def likeness(one: set[str], other: set[str]) -> float:
    """相似度 — of two questions by their pairs, 0 to 1 (Dice)."""
    return 2 * len(one & other) / (len(one) + len(other)) if one and other else 0.0


@dataclass
class Catalogue:
    """知识目录 — entries and their pairs. Grows and shrinks entry by entry; a lock keeps who reads from who changes."""

    _items: dict[str, Item] = field(default_factory=dict)
    _near: dict[str, set[str]] = field(default_factory=dict)  # in title or keywords
    _far: dict[str, set[str]] = field(default_factory=dict)  # only in answer or steps
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def numbers(self) -> dict[str, int]:
        """Which version of which entry is held."""
        with self._lock:
            return {item.no: item.number for item in self._items.values()}

    def change(self, gone: Iterable[str], come: Iterable[Item]) -> None:
        """Take entries out and put others in; one that is held already is replaced."""
        prepared = [(item, *_spread(item)) for item in come]
        with self._lock:
            for no in (*gone, *(item.no for item, _, _ in prepared)):
                if old := self._items.pop(no, None):
                    self._shift(old, *_spread(old), set.discard)
            for item, near, far in prepared:
                self._items[item.no] = item
                self._shift(item, near, far, set.add)

    def _shift(self, item: Item, near: set[str], far: set[str], how: Callable[[set[str], str], None]) -> None:
        no = item.no
        for index, words in ((self._near, near), (self._far, far)):
            for pair in words:
                held = index.get(pair)
                if held is None:
                    held = index[pair] = set()
                how(held, no)

    def search(
        self,
        text: str,
        day: date,
        *,
        public: bool,
        guess: str | None = None,
        sure: float = 0.0,
        matter_name: str = "",
        limit: int = 5,
    ) -> list[Hit]:
        """The entries in force on a day that fit a text best. ``guess`` is the code of the matter that was guessed, ``sure`` how surely."""
        asked = text[:_MOST_TEXT]
        with self._lock:
            weights = self._weigh(pairs(asked))
            whole = sum(weights.values())
            if not whole:
                return []
            shares = self._shares(weights)
        finals = nlargest(_FINALISTS, shares.items(), key=lambda one: one[1])
        hits = []
        for no, share in finals:
            item = self._items.get(no)
            if item is None or not item.holds(day) or (public and not item.public):
                continue
            phrase, found = _best_phrase(item, weights)
            fits = bool(item.prefix and guess and guess.startswith(item.prefix))
            score = 0.5 * share / whole + 0.5 * found + (_OF_MATTER * sure if fits else 0.0)
            if score >= _LEAST:
                hits.append((min(1.0, score), item, phrase if found > 0.5 else "", fits))  # noqa: PLR2004 - more found than not
        best = sorted(hits, key=lambda one: (-one[0], one[1].no))[:limit]
        return [_hit(item, score, phrase, matter_name if fits else "", weights) for score, item, phrase, fits in best]

    def _weigh(self, asked: set[str]) -> dict[str, float]:
        count = len(self._items)
        spread = {pair: len(self._near.get(pair, ())) + len(self._far.get(pair, ())) for pair in asked}
        rarest = nsmallest(_MOST_PAIRS, sorted(asked), key=lambda pair: spread[pair] or count)
        return {pair: math.log1p(max(count, 10) / max(spread[pair], 1)) for pair in rarest}

    def _shares(self, weights: Mapping[str, float]) -> dict[str, float]:
        found: dict[str, float] = {}
        for pair, weight in weights.items():
            for no in self._near.get(pair, ()):
                found[no] = found.get(no, 0.0) + weight
            for no in self._far.get(pair, ()):
                found[no] = found.get(no, 0.0) + weight * _IN_ANSWER
        return found


def _spread(item: Item) -> tuple[set[str], set[str]]:
    near = set().union(*(pairs(text) for text in (item.title, *item.keywords)))
    far = set().union(*(pairs(text) for text in (item.answer[:_ANSWER_PART], *item.steps)))
    return near, far - near


def _best_phrase(item: Item, weights: Mapping[str, float]) -> tuple[str, float]:
    """The phrase of an entry that stands most wholly in the question, and how wholly; a short one says less."""
    best, found = "", 0.0
    for phrase in (item.title, *item.keywords):
        own = pairs(phrase)
        if own:
            share = sum(pair in weights for pair in own) / len(own) * min(1.0, len(own) / _WHOLE_PHRASE)
            if share > found:
                best, found = phrase, share
    return best, found


def _hit(item: Item, score: float, phrase: str, matter_name: str, weights: Mapping[str, float]) -> Hit:
    title_marks = _marks(item.title, weights)
    snippet, snippet_marks = _snippet(item.answer, weights)
    because: list[Because] = []
    if phrase:
        because.append(Because("knowledge_phrase", {"phrase": phrase}))
    if matter_name:
        because.append(Because("knowledge_matter", {"matter": matter_name}))
    words = dict.fromkeys(item.title[begin:end] for begin, end in title_marks)
    words |= dict.fromkeys(snippet[begin:end] for begin, end in snippet_marks)
    if words and not phrase:
        because.append(Because("knowledge_words", {"words": "、".join(list(words)[:4])}))
    return Hit(item, round(score, 3), tuple(because), title_marks, snippet, snippet_marks)


def _marks(text: str, weights: Mapping[str, float]) -> tuple[tuple[int, int], ...]:
    """Where pairs of the question stand, neighbours joined."""
    bare, found = _bare(text), []
    for begin, end in _places(bare):
        if bare[begin:end] not in weights:
            continue
        if found and found[-1][1] >= begin:
            found[-1] = (found[-1][0], end)
        else:
            found.append((begin, end))
    return tuple(found)


def _snippet(answer: str, weights: Mapping[str, float]) -> tuple[str, tuple[tuple[int, int], ...]]:
    """The piece of an answer in which most of the question stands."""
    if len(answer) <= _SNIPPET:
        return answer, _marks(answer, weights)
    marks = _marks(answer, weights)
    starts = [begin for begin, _ in marks] or [0]
    best = max(
        starts, key=lambda start: sum(end - begin for begin, end in marks if start <= begin and end <= start + _SNIPPET)
    )
    begin = max(0, min(best - 8, len(answer) - _SNIPPET))
    piece = answer[begin : begin + _SNIPPET]
    shown = ("…" if begin else "") + piece + ("…" if begin + _SNIPPET < len(answer) else "")
    return shown, _marks(shown, weights)
