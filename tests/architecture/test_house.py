"""House rules that no linter knows: each route names its viewer, events hold no person, one clock, verbs never commit."""

import ast
import importlib
import pkgutil
import types
import typing
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from fastapi.routing import APIRoute

import shiyu
from shiyu.api import create
from shiyu.kernel import events, web

ROOT = Path(shiyu.__path__[0])
TELLS_TIME = {"kernel/clock.py", "kernel/db.py"}  # the clock itself; ids carry the real time
TELLS_SECONDS = {"kernel/events.py", "kernel/web.py"}


@pytest.fixture(scope="module", autouse=True)
def house() -> None:
    """Every module of the house is known."""
    for module in pkgutil.walk_packages(shiyu.__path__, "shiyu."):
        importlib.import_module(module.name)


def calls(dependant: Any) -> set[Any]:
    """Everything a route depends on, however deep."""
    found = {dependant.call}
    for one in dependant.dependencies:
        found |= calls(one)
    return found


def routes() -> list[APIRoute]:
    found: list[APIRoute] = []

    def walk(several: Any) -> None:
        for one in several:
            if isinstance(one, APIRoute):
                found.append(one)
            else:
                walk(getattr(getattr(one, "original_router", None) or one, "routes", None) or ())

    walk(create().routes)
    return found


def test_every_route_names_its_viewer_or_is_a_face():
    named = {web.signed_in.dependency, web.anyone.dependency}
    doors = [
        one for one in routes() if one.path.startswith(("/api/", "/healthz", "/readyz", "/metrics"))
    ]  # the rest are faces
    without = [route.path for route in doors if not calls(route.dependant) & named]

    assert len([route for route in routes() if route.path.startswith("/api/")]) > 40
    assert without == []


def test_what_needs_no_account_is_a_short_list():
    public = {route.path for route in routes() if web.anyone.dependency in calls(route.dependant)}
    watch = {"/healthz", "/readyz", "/metrics"}
    law = {"/api/matters", "/api/matters/{code}", "/api/limits", "/api/grounds", "/api/calendar/{year}"}
    places = {"/api/locate", "/api/areas", "/api/areas/{code}", "/api/areas.geojson"}
    known = watch | law | places | {"/api/sign-in", "/api/words"}

    assert {path for path in public if not path.startswith(("/api/public/", "/open311/"))} <= known


def test_every_route_says_what_it_is():
    assert [
        route.path
        for route in routes()
        if route.path.startswith("/api/") and not (route.description or route.endpoint.__doc__)
    ] == []


# --- events ------------------------------------------------------------------------------------------------------------

LAWFUL = (UUID, str, bool, int, type(None))
PERSONAL = {"name", "phone", "text", "address", "lon", "lat", "position", "username", "email", "by_name", "reporter"}


def kinds_of(annotation: Any) -> set[type]:
    if isinstance(annotation, types.UnionType) or typing.get_origin(annotation) is typing.Union:
        return {kind for one in typing.get_args(annotation) for kind in kinds_of(one)}
    if typing.get_origin(annotation) in (list, tuple):
        return {kind for one in typing.get_args(annotation) if one is not Ellipsis for kind in kinds_of(one)}
    return {annotation}


def test_events_hold_ids_codes_numbers_and_truth_values_but_no_person():
    wrong = []
    for name, cls in events.kinds().items():
        if cls.__module__.startswith("shiyu."):
            for field, annotation in typing.get_type_hints(cls).items():
                if field in PERSONAL or not kinds_of(annotation) <= set(LAWFUL):
                    wrong.append(f"{name}.{field}: {annotation}")

    assert wrong == []


# --- how we write ------------------------------------------------------------------------------------------------------


def dotted(node: ast.expr) -> str:
    return f"{dotted(node.value)}.{node.attr}" if isinstance(node, ast.Attribute) else getattr(node, "id", "?")


def called(*names: str) -> list[tuple[str, int]]:
    found = []
    for path in sorted(ROOT.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and dotted(node.func) in names:
                found += [(str(path.relative_to(ROOT)), node.lineno)]
    return found


def test_nobody_but_the_clock_asks_for_the_time():
    asked = called(
        "datetime.now",
        "datetime.utcnow",
        "datetime.today",
        "date.today",
        "datetime.datetime.now",
        "datetime.date.today",
        "time.time",
        "time.time_ns",
    )

    assert [
        one for one in asked if one[0] not in TELLS_TIME and not one[0].startswith(("kernel/embedded/", "demo/"))
    ] == []


def test_no_verb_commits():
    committing = called("s.commit", "session.commit", "act.s.commit", "s.rollback")

    assert committing == []


def test_no_drawer_for_everything():
    assert [
        str(path)
        for path in ROOT.rglob("*.py")
        if path.stem in {"utils", "helpers", "common", "misc", "service", "services_base"}
    ] == []


def test_relations_never_load_by_themselves():
    from shiyu.kernel.db import Base

    lazy = [
        f"{mapper.class_.__name__}.{one.key}"
        for mapper in Base.registry.mappers
        for one in mapper.relationships
        if one.lazy not in ("raise", "raise_on_sql")
    ]
    assert lazy == []
