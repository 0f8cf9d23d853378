"""A refusal speaks: it carries its HTTP status, a sentence in Chinese and English, and the field it is about."""

from typing import Any

from shiyu.kernel import words


class Refusal(Exception):  # noqa: N818 - a refusal is an answer, not a fault
    """拒绝 — the answer "no", with the reason and the way out.

    ``code``   names the sentence ``refusal.<code>`` in a room's ``terms.csv``; its ``{facts}`` are filled in.
    ``status`` is the HTTP status: 404 unseen, 403 not yours to do, 409 wrong state or stale, 422 malformed, 429 too often.
    ``field``  is the name of the input that is at fault, as on the wire.
    ``now``    is the present state of the subject, for a screen that was stale.
    """

    def __init__(self, code: str, status: int, *, field: str | None = None, now: Any = None, **facts: Any) -> None:
        super().__init__(code)
        self.code, self.status, self.field, self.now, self.facts = code, status, field, now, facts

    def say(self, lang: str = "zh") -> str:
        """The sentence in the language asked for."""
        return words.say(f"refusal.{self.code}", lang, **self.facts)

    def __str__(self) -> str:
        return f"{self.code}: {self.say('en')}"


def not_found(what: str = "thing") -> Refusal:
    """The one answer for a thing that is not there and for a thing the viewer may not see."""
    return Refusal(f"{what}.not_found", 404)
