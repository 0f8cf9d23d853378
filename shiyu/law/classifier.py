"""事项识别 — free text to a matter with reasons: an untrained scorer over the names and phrases of the matters. May say unknown.

Each phrase is cut into words once. A text is scanned for these words, wherever they stand; a phrase counts by the weight of its words
that were found and by the share of it that was found, a matter by its best phrase. Rare and long words weigh most. Pure.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from heapq import nlargest

import rjieba
from sqlalchemy.orm import Session

from shiyu.directory.located import Because
from shiyu.law import edition, matters
from shiyu.law.matters import Entry

_PAIR = 2
_LONGER = 0.3  # weight added for each character of a word beyond two
_WHOLE = 1.25  # a phrase found in one piece, of three characters or more
_NAME = 0.9  # official names are seldom what people say, their words are often general
_ALONE = 0.85  # a phrase that is a single word
_BESIDE = 0.5  # share of the weight of words of the matter found outside its best phrase
_KIND = 1.06  # the kind of demand is the usual one of this matter
_ENOUGH = 6.5  # score at which a guess is as likely right as its lead over the next allows
_LEAST = 3.0  # below this score nothing is guessed
_CLOSE = 0.85  # share of the best score from which the next is named as close
_RUNNERS = 5
_FINALISTS = 12
_EMPTY = frozenset("了的被把在有没是人就给让里上到都很太还着要和与从对个也又等中其")
"""Single characters that say nothing when they stand alone."""
_HEARD_EVERYWHERE = """
什么 什么时候 怎么 怎么办 几点 哪里 晚上 早上 白天 现在 今天 昨天 今年 三年 多年 好几
好几天 根本 全都 整个 没有 没人 不让 不给 不能 看不见 太多 太少 太大 太长 时候 时间
工作 人员 工作人员 老人 孩子 小区 我家 家里 问题 反映 咨询 查询 申请 办理 投诉 举报
建议 希望 附近 路上 门口 马路 一直 不行 需要 可以 政策 上学 不合理 不管 都说 说了
打电话 电话 东西 地方 有人 别人 不好 不来
"""
_GENERAL = frozenset(_HEARD_EVERYWHERE.split())
"""Words that stand in every second request: heard, but worth little."""
_LITTLE = 0.35
_MARKS = frozenset(" \t\r\n，。、；：？！,.;:?!()（）“”\"'《》【】…—-")


@dataclass(frozen=True, slots=True)
class Guess:
    """识别结果 — the matter or ``None`` (unknown), how sure (0 to 1), why, and the next best with their scores."""

    matter_code: str | None
    confidence: float
    because: tuple[Because, ...]
    runners: tuple[tuple[str, float], ...]


UNKNOWN = Guess(None, 0.0, (Because("matter_unknown", {}),), ())


class Scorer:
    """事项识别器 — built once from the third-level matters in force; immutable afterwards."""

    def __init__(self, entries: Iterable[Entry]) -> None:
        self._entries = list(entries)
        self._words: list[str] = []
        self._phrases: list[tuple[int, str, frozenset[int], float]] = []
        self._heard: list[frozenset[int]] = []
        numbers: dict[str, int] = {}
        spread: dict[int, int] = {}
        drafts: list[tuple[int, str, frozenset[int], float]] = []
        for index, entry in enumerate(self._entries):
            own: set[int] = set()
            for phrase in (entry.name, *entry.synonyms):
                words = frozenset(numbers.setdefault(word, len(numbers)) for word in words_of(plain(phrase)))
                own |= words
                if words:
                    drafts.append((index, plain(phrase), words, _NAME if phrase == entry.name else 1.0))
            for word in own:
                spread[word] = spread.get(word, 0) + 1
            self._heard.append(frozenset(own))
        self._words = list(numbers)
        count = len(self._entries)
        self._weight = [
            math.log1p(count / spread[number])
            * (1 + _LONGER * (len(word) - _PAIR))
            * (_LITTLE if word in _GENERAL else 1.0)
            for number, word in enumerate(self._words)
        ]
        self._phrases = drafts
        self._share = [
            trust * (_ALONE if len(words) == 1 else 1.0) / sum(self._weight[word] for word in words)
            for _, _, words, trust in drafts
        ]
        self._where: list[list[int]] = [[] for _ in self._words]
        for number, (_, _, words, _) in enumerate(drafts):
            for word in words:
                self._where[word].append(number)
        self._starts: dict[str, list[tuple[str, int]]] = {}
        for number, word in enumerate(self._words):
            self._starts.setdefault(word[:_PAIR], []).append((word, number))

    def classify(self, text: str, kind: str | None = None) -> Guess:
        """The most likely matter of a text; ``kind`` is the kind of demand if it is known."""
        said = plain(text)
        heard = self._hear(said)
        best = self._best(heard)
        if not best:
            return UNKNOWN
        finals = nlargest(_FINALISTS, best.items(), key=lambda one: one[1][0])
        scored = sorted(
            ((self._final(said, kind, index, score, phrase, heard), index) for index, (score, phrase) in finals),
            reverse=True,
        )
        top, index = scored[0]
        if top < _LEAST:
            return UNKNOWN
        second = scored[1][0] if len(scored) > 1 else 0.0
        confidence = min(1.0, top / _ENOUGH) * (1 - 0.5 * second / top)
        runners = tuple((self._entries[i].code, round(score, 3)) for score, i in scored[1 : _RUNNERS + 1])
        return Guess(self._entries[index].code, round(confidence, 3), self._why(text, scored, heard), runners)

    def _hear(self, said: str) -> dict[int, int]:
        """Words found, each with the place where it first stands."""
        heard: dict[int, int] = {}
        starts = self._starts
        for at in range(len(said) - 1):
            for word, number in starts.get(said[at : at + 2], ()):
                if number not in heard and (len(word) == _PAIR or said.startswith(word, at)):
                    if word.isdigit() and _inside_number(said, at, at + len(word)):
                        continue
                    heard[number] = at
        return heard

    def _best(self, heard: dict[int, int]) -> dict[int, tuple[float, int]]:
        """The best phrase of each matter of which a word was heard, with its score."""
        found: dict[int, float] = {}
        weight, where = self._weight, self._where
        for word in heard:
            worth = weight[word]
            for phrase in where[word]:
                found[phrase] = found.get(phrase, 0.0) + worth
        best: dict[int, tuple[float, int]] = {}
        phrases, share = self._phrases, self._share
        for phrase, worth in found.items():
            score = worth * worth * share[phrase]
            index = phrases[phrase][0]
            if index not in best or best[index][0] < score:
                best[index] = (score, phrase)
        return best

    def _final(
        self, said: str, kind: str | None, index: int, score: float, phrase: int, heard: dict[int, int]
    ) -> float:
        _, wording, words, _ = self._phrases[phrase]
        if len(wording) > _PAIR and wording in said:
            score *= _WHOLE
        beside = sum(self._weight[word] for word in self._heard[index] & heard.keys() if word not in words)
        score += _BESIDE * beside
        return score * _KIND if kind and kind == self._entries[index].kind else score

    def _why(self, text: str, scored: list[tuple[float, int]], heard: dict[int, int]) -> tuple[Because, ...]:
        index = scored[0][1]
        name = self._entries[index].name
        words = self._heard[index] & heard.keys()
        spans = _joined((heard[word], heard[word] + len(self._words[word])) for word in words)
        because = [
            Because("matter_word", {"text": text[begin:end], "start": begin, "end": end, "matter": name})
            for begin, end in spans
        ]
        if len(scored) > 1 and scored[1][0] >= _CLOSE * scored[0][0]:
            because.append(Because("matter_close", {"matter": self._entries[scored[1][1]].name}))
        return tuple(because)


def plain(text: str) -> str:
    """Lower case where that keeps every character in its place."""
    low = text.lower()
    return low if len(low) == len(text) else text


def words_of(phrase: str) -> list[str]:
    """The words of a phrase, each at least two characters long; single characters are joined to what stands beside them."""
    parts = [part for part in rjieba.cut(phrase) if part not in _MARKS]
    words: list[str] = []
    single = ""
    for place, part in enumerate([*parts, ""]):
        if len(part) == 1:
            single += part
            continue
        if single:
            words.extend(_of_singles(single, parts, place - len(single)))
        single = ""
        if len(part) >= _PAIR:
            words.append(part)
    return words


def _of_singles(run: str, parts: list[str], place: int) -> list[str]:
    if len(run) >= _PAIR:
        return [run]
    if run in _EMPTY:
        return []
    before = parts[place - 1][-1] + run if place > 0 else ""
    after = run + parts[place + 1][0] if place + 1 < len(parts) else ""
    return [pair for pair in (after or before,) if pair]


def _inside_number(said: str, begin: int, end: int) -> bool:
    return (begin > 0 and said[begin - 1].isdigit()) or said[end : end + 1].isdigit()


def _joined(spans: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    joined: list[tuple[int, int]] = []
    for begin, end in sorted(spans):
        if joined and begin <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(joined[-1][1], end))
        else:
            joined.append((begin, end))
    return joined


def read(s: Session) -> Scorer:
    """The scorer of the matters in force today."""
    return Scorer(edition.held(s, matters.read).leaves(edition.today()))


def classify(text: str, kind: str | None = None, *, s: Session | None = None) -> Guess:
    """识别事项 — the most likely matter of a text; see ``Guess``. Needs no session after the first use."""
    return edition.held(s, read).classify(text, kind)
