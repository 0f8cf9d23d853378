"""Words and time: every label in both languages, sentences with their facts filled in, one clock."""

import csv
from datetime import UTC, datetime

import pytest

from shiyu.kernel import clock, words
from shiyu.kernel.errors import Refusal, not_found


@pytest.fixture
def tables(tmp_path, monkeypatch):
    """A house with rooms of this test alone: ``tables(cases="identifier,zh,en,basis\\n…")``."""

    def build(**rooms: str) -> None:
        for room, rows in rooms.items():
            (tmp_path / room).mkdir()
            (tmp_path / room / "terms.csv").write_text("identifier,zh,en,basis\n" + rows, encoding="utf-8")
        monkeypatch.setattr(words, "ROOT", tmp_path)
        words.terms.cache_clear()

    yield build
    monkeypatch.undo()
    words.terms.cache_clear()


def test_a_word_in_both_languages():
    assert words.both("model.Account") == {"zh": "账号", "en": "account"}


def test_an_unknown_word_is_shown_as_it_is():
    assert words.say("nowhere.said") == "nowhere.said"


def test_facts_are_filled_in_and_moments_are_told_in_beijing():
    said = words.say("refusal.auth.locked", "en", until=datetime(2026, 3, 2, 1, 30, tzinfo=UTC))

    assert "2026-03-02 09:30" in said


def test_a_missing_fact_does_not_hide_the_sentence():
    assert "{until}" in words.say("refusal.auth.locked", until_when="later")


def test_braces_in_a_fact_are_only_text():
    assert "{0.__class__}" in words.say("refusal.case.no_office", "en", given="{0.__class__}")


def test_a_word_that_two_rooms_claim_is_an_error(tables):
    tables(one="model.Thing,物,thing,\n", two="model.Thing,东西,thing,\n")

    with pytest.raises(ValueError, match="twice"):
        words.terms()


@pytest.mark.parametrize("row", ["model.Thing,,thing,\n", "model.Thing,物,,\n"])
def test_a_word_without_one_of_its_languages_is_an_error(tables, row):
    tables(one=row)

    with pytest.raises(ValueError, match="language"):
        words.terms()


def test_every_row_has_four_columns():
    for path in words.ROOT.glob("*/terms.csv"):
        with path.open(encoding="utf-8", newline="") as file:
            broken = [row for row in csv.reader(file) if len(row) != 4]
        assert broken == [], path


def test_a_refusal_speaks_both_languages_and_carries_its_facts():
    refusal = Refusal("auth.username_taken", 409, field="username", username="li")

    assert "li" in refusal.say("zh")
    assert "用户名" in refusal.say("zh")
    assert "taken" in refusal.say("en")
    assert (refusal.status, refusal.field) == (409, "username")
    assert str(refusal).startswith("auth.username_taken: ")


def test_the_one_answer_for_what_is_not_there():
    assert (not_found("case").code, not_found("case").status) == ("case.not_found", 404)


def test_the_clock_stands_still_inside_at_and_goes_on_after():
    with clock.at("2026-02-24 09:00"):
        assert clock.now() == datetime(2026, 2, 24, 1, 0, tzinfo=UTC)
        with clock.at("2026-02-25 09:00"):
            assert clock.now().day == 25
        assert clock.now().day == 24
    assert abs((clock.now() - datetime.now(UTC)).total_seconds()) < 5


def test_a_time_without_offset_is_a_time_in_beijing():
    assert clock.parse("2026-02-24 09:00") == clock.parse("2026-02-24T01:00+00:00")
    assert clock.beijing(datetime(2026, 2, 23, 20, 0, tzinfo=UTC)).day == 24
