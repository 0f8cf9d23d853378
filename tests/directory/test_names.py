import pytest

from shiyu.directory import names


def test_names_are_ordered_by_pinyin():
    counties = ["铁西区", "海城市", "千山区", "台安县", "立山区", "铁东区"]

    assert sorted(counties, key=names.sort_key) == ["海城市", "立山区", "千山区", "台安县", "铁东区", "铁西区"]


def test_a_name_has_pinyin_and_initials():
    assert (names.sort_key("铁东区"), names.initials("铁东区")) == ("tie dong qu", "tdq")


@pytest.mark.parametrize(
    ("name", "level", "spoken"),
    [
        ("山南街道", "town", "山南"),
        ("岫岩满族自治县", "county", "岫岩"),
        ("乐雪社区", "community", "乐雪"),
        ("红旗营子乡", "town", "红旗营子"),
        ("王村", "community", None),
        ("乐雪社区第1网格", "grid", None),
    ],
)
def test_people_leave_the_suffix_out_when_two_characters_are_left(name, level, spoken):
    assert names.stem(name, level) == spoken
