import pytest

from shiyu.directory import codes


@pytest.mark.parametrize(
    ("code", "level"),
    [
        ("210300", "city"),
        ("210302", "county"),
        ("210302003", "town"),
        ("210302400", "town"),
        ("210302003004", "community"),
        ("2103020030041007", "grid"),
        ("2103020030042001", "grid"),
        ("210302003004300712", "cell"),
    ],
)
def test_a_code_says_its_level(code, level):
    assert codes.level_of(code) == level


@pytest.mark.parametrize(
    "code",
    ["", "2103", "010302", "21030200", "210300003", "210302000", "210302900", "210302003000", "2103020030043001",
     "2103020030041000", "210302003004300700", "21030200300430071a", "２10302"],
)  # fmt: skip
def test_a_code_of_no_level_is_refused(code):
    assert codes.level_of(code) is None


@pytest.mark.parametrize(
    ("padded", "plain"),
    [
        ("210302003000", "210302003"),
        ("210302000000", "210302"),
        (" 210302003004 ", "210302003004"),
        ("210302", "210302"),
    ],
)
def test_statistical_padding_is_taken_off(padded, plain):
    assert codes.normal(padded) == plain


def test_every_code_knows_the_one_above():
    chain = ["210302003004300712"]
    while above := codes.parent_of(chain[-1]):
        chain.append(above)

    assert chain[1:] == ["2103020030041007", "210302003004", "210302003", "210302", "210300"]


def test_keys_are_made_as_they_are_read():
    grid = codes.grid_code("210302003004", 7)
    exclusive = codes.grid_code("210302003004", 1, "exclusive")

    assert (codes.grid_kind(grid), codes.grid_kind(exclusive)) == ("base", "exclusive")
    assert codes.cell_code(grid, 12) == "210302003004300712"
    assert codes.parent_of(codes.cell_code(grid, 12)) == grid
