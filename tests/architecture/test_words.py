"""The words are honest: every table, event, state, verb, role and refusal has its term in both languages, and its docstring opens in Chinese."""

import ast
import importlib
import inspect
import pkgutil
import re
import string
from collections.abc import Iterator
from pathlib import Path

import pytest

import shiyu
from shiyu.kernel import events, words
from shiyu.kernel.db import Base
from shiyu.kernel.lifecycle import Lifecycle

ROOT = Path(shiyu.__path__[0])
CHINESE = re.compile(r"^[\u4e00-\u9fff]")


@pytest.fixture(scope="module", autouse=True)
def house() -> None:
    """Every module of the house is known."""
    for module in pkgutil.walk_packages(shiyu.__path__, "shiyu."):
        importlib.import_module(module.name)


def models() -> list[type]:
    return [mapper.class_ for mapper in Base.registry.mappers if mapper.class_.__module__.startswith("shiyu.")]


def lives() -> list[tuple[str, Lifecycle]]:
    """Every life's table, with the room it stands in."""
    found = {}
    for path in ROOT.glob("*/lifecycle*.py"):
        module = importlib.import_module(f"shiyu.{path.parent.name}.{path.stem}")
        for value in vars(module).values():
            if isinstance(value, Lifecycle):
                found[id(value)] = (path.parent.name, value)
    return list(found.values())


def opens_in_chinese(thing: object) -> bool:
    return bool(CHINESE.match((inspect.getdoc(thing) or "").lstrip()))


def sources() -> Iterator[tuple[Path, ast.Module]]:
    for path in sorted(ROOT.rglob("*.py")):
        yield path, ast.parse(path.read_text(encoding="utf-8"))


# --- models, events, lives ---------------------------------------------------------------------------------------------


def test_every_table_has_a_chinese_term():
    missing = [model.__name__ for model in models() if f"model.{model.__name__}" not in words.terms()]

    assert models()
    assert missing == []


def test_every_table_says_in_chinese_what_it_is():
    assert [model.__name__ for model in models() if not opens_in_chinese(model)] == []


def test_every_event_has_a_term_and_opens_in_chinese():
    ours = {name: cls for name, cls in events.kinds().items() if cls.__module__.startswith("shiyu.")}

    assert ours
    assert [name for name in ours if f"event.{name}" not in words.terms()] == []
    assert [name for name, cls in ours.items() if not opens_in_chinese(cls)] == []


def test_every_state_verb_and_role_of_a_life_has_its_word():
    missing = []
    for _, life in lives():
        named = [f"{life.subject}.state.{state}" for state in life.states]
        named += [f"verb.{verb}" for verb in life.verbs]
        named += [f"role.{role}" for line in life.moves for role in line.who]
        missing += [one for one in named if one not in words.terms() and f"{life.subject}.{one}" not in words.terms()]

    assert lives()
    assert sorted(set(missing)) == []


def test_the_refusals_of_every_life_have_their_sentences():
    kinds = ("not_found", "unknown_verb", "not_yours", "wrong_state", "needs")

    assert [
        f"{life.subject}.{kind}"
        for _, life in lives()
        for kind in kinds
        if f"refusal.{life.subject}.{kind}" not in words.terms()
    ] == []


def test_every_state_can_be_reached_and_every_unfinished_one_can_end():
    for _, life in lives():
        ways = {(state, line.leads_to(state)) for line in life.moves for state in line.source}

        def from_(start: set[str], ways: set[tuple[str, str]]) -> set[str]:
            seen = set(start)
            while more := {b for a, b in ways if a in seen} - seen:
                seen |= more
            return seen

        states = set(life.states)
        assert from_({life.first}, ways) == states, life.subject
        assert from_(set(life.final), {(b, a) for a, b in ways}) == states, life.subject


# --- refusals ----------------------------------------------------------------------------------------------------------


def codes() -> dict[str, tuple[Path, set[str] | None]]:
    """Every refusal code in the code, with the facts it is given (``None`` where they cannot be read)."""
    found: dict[str, tuple[Path, set[str] | None]] = {}
    for path, tree in sources():
        for node in ast.walk(tree):
            if (
                isinstance(node, ast.Call)
                and getattr(node.func, "id", getattr(node.func, "attr", "")) == "Refusal"
                and node.args
            ):
                given: set[str] | None = {word.arg for word in node.keywords if word.arg}
                if any(word.arg is None for word in node.keywords):
                    given = None
                for one in ast.walk(node.args[0]):
                    if isinstance(one, ast.Constant) and isinstance(one.value, str) and "." in one.value[1:-1]:
                        found[one.value] = path, given
            if isinstance(node, ast.FunctionDef) and any(
                getattr(getattr(d, "func", None), "id", "") == "guard" for d in node.decorator_list
            ):
                returned = [
                    one
                    for part in ast.walk(node)
                    if isinstance(part, ast.Return) and part.value
                    for one in ast.walk(part.value)
                ]
                found |= {
                    one.value: (path, None)
                    for one in returned
                    if isinstance(one, ast.Constant) and isinstance(one.value, str) and "." in one.value
                }
            if (
                isinstance(node, ast.Call)
                and getattr(node.func, "id", "") == "not_found"
                and node.args
                and isinstance(node.args[0], ast.Constant)
            ):
                found[f"{node.args[0].value}.not_found"] = path, set()
    return found


def test_every_refusal_has_its_sentence():
    told = codes()

    assert len(told) > 40
    assert {code: str(path) for code, (path, _) in told.items() if f"refusal.{code}" not in words.terms()} == {}


def test_every_sentence_is_given_its_facts():
    lacking = {}
    for code, (path, given) in codes().items():
        term = words.terms().get(f"refusal.{code}")
        if term and given is not None:
            wanted = {name for text in (term.zh, term.en) for _, name, _, _ in string.Formatter().parse(text) if name}
            if wanted - given:
                lacking[code] = (path.name, wanted - given)

    assert lacking == {}


def test_both_languages_speak_of_the_same_facts():
    def facts(text: str) -> set[str]:
        return {name for _, name, _, _ in string.Formatter().parse(text) if name}

    # "ground" is told by its name in each language.
    assert [
        one.identifier
        for one in words.terms().values()
        if {f.removesuffix("_en") for f in facts(one.zh)} != {f.removesuffix("_en") for f in facts(one.en)}
    ] == []


def test_every_refusal_speaks_chinese_in_chinese_and_english_in_english():
    refusals = [one for one in words.terms().values() if one.identifier.startswith("refusal.")]

    assert [one.identifier for one in refusals if not re.search(r"[\u4e00-\u9fff]", one.zh)] == []
    assert [one.identifier for one in refusals if re.search(r"[\u4e00-\u9fff]", one.en)] == []


def test_every_term_has_both_languages():
    assert [one.identifier for one in words.terms().values() if not one.zh.strip() or not one.en.strip()] == []
