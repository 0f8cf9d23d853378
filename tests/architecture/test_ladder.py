"""The ladder: a room reads and calls downward only, in its imports and in its foreign keys."""

import importlib
import pkgutil
import tomllib
from pathlib import Path

import importlinter.cli
import pytest
from sqlalchemy import Column, ForeignKey, Integer, MetaData, Table

import shiyu
from shiyu.kernel.db import Base

ROOT = Path(__file__).parents[2]
CONTRACTS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]["contracts"]
LADDER = CONTRACTS[0]
INSIDE = CONTRACTS[1]


def rungs() -> dict[str, int]:
    """Each room and door with its height; rooms side by side share one. 0 is the ground."""
    lines = [[name.strip(" ()") for name in line.split("|")] for line in reversed(LADDER["layers"])]
    return {name: height for height, line in enumerate(lines) for name in line}


def rooms() -> set[str]:
    """What stands in the house: its folders and its doors."""
    return {module.name for module in pkgutil.iter_modules(shiyu.__path__)}


def upward(metadata: MetaData, height: dict[str, int]) -> list[str]:
    """Foreign keys that leave their room for one that is not below it."""
    return [
        f"{table.fullname}.{key.parent.name} -> {key.target_fullname}"
        for table in metadata.tables.values()
        for key in table.foreign_keys
        if (target := key.target_fullname.split(".")[0]) != table.schema
        and height.get(target, len(height)) >= height[table.schema or ""]
    ]


@pytest.fixture(scope="module")
def metadata() -> MetaData:
    """Every table of the house."""
    for module in pkgutil.walk_packages(shiyu.__path__, "shiyu."):
        importlib.import_module(module.name)
    return Base.metadata


def test_every_contract_of_the_ladder_is_kept(monkeypatch, capsys):
    monkeypatch.chdir(ROOT)

    status = importlinter.cli.lint_imports(no_cache=True, no_logo=True)

    assert status == importlinter.cli.EXIT_STATUS_SUCCESS, capsys.readouterr().out


def test_every_room_has_its_place_on_the_ladder():
    unplaced = rooms() - set(rungs()) - set(LADDER["exhaustive_ignores"])

    assert not unplaced


def test_every_room_with_verbs_keeps_the_order_inside_a_room():
    with_verbs = {f"shiyu.{path.parent.name}" for path in (ROOT / "shiyu").glob("*/actions*")}

    assert with_verbs
    assert with_verbs <= set(INSIDE["containers"])


def test_every_table_stands_in_the_schema_of_a_room(metadata):
    schemas = {table.schema for table in metadata.tables.values()}

    assert "kernel" in schemas
    assert schemas <= rooms()


def test_foreign_keys_point_only_downward(metadata):
    assert upward(metadata, rungs()) == []


@pytest.mark.parametrize("target", ["cases", "lake", "nowhere"])
def test_a_foreign_key_to_a_room_above_or_beside_or_unknown_is_found(target):
    metadata = MetaData()
    Table("far", metadata, Column("id", Integer, primary_key=True), schema=target)
    Table("near", metadata, Column("far_id", ForeignKey(f"{target}.far.id")), schema="law")

    assert upward(metadata, rungs()) == [f"law.near.far_id -> {target}.far.id"]


def test_a_foreign_key_to_a_room_below_is_fine():
    metadata = MetaData()
    Table("area", metadata, Column("id", Integer, primary_key=True), schema="directory")
    Table("case", metadata, Column("area_id", ForeignKey("directory.area.id")), schema="cases")

    assert upward(metadata, rungs()) == []
