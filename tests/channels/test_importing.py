"""批量导入 — a file becomes cases, every row accounted for, the same row never twice."""

import csv
import gzip
import re
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from shiyu.cases.models import Case, Clock
from shiyu.channels import importing, mapping, reading
from shiyu.channels.importing import Tally
from shiyu.kernel import clock, events
from shiyu.kernel.auth import SYSTEM
from shiyu.kernel.db import reading as looking
from shiyu.kernel.errors import Refusal
from tests.kit.people import staff

HEAD = ["工单编号", "标题", "诉求内容", "受理时间", "诉求人", "联系电话", "事发地址", "诉求类型", "经度", "纬度"]
LAMP = [
    "H-1",
    "路灯",
    "铁东区乐雪社区门口的路灯坏了三天，晚上看不见路。",
    "2026-03-02 08:15",
    "李梅",
    "13804120001",
    "",
    "求助",
    "",
    "",
]
DOG = ["H-2", "", "有人养大狗不拴绳，昨天扑到老人身上。", "2026/3/1 19:40", "", "", "铁东区乐雪社区", "投诉", "", ""]
LOST = ["H-3", "", "有一件事想说清楚，请给我回个电话。", "2026-03-01", "", "0412-5500001", "", "", "", ""]


def written(path: Path, rows: list[list[str]], encoding: str = "utf-8", head: list[str] = HEAD) -> Path:
    """A CSV file of these rows."""
    opened: Any = gzip.open if path.suffix == ".gz" else open
    with opened(path, "wt", encoding=encoding, newline="") as file:
        csv.writer(file).writerows([head, *rows])
    return path


def imported(path: Path, **how: Any) -> Tally:
    """Import with the mapping that the headers speak of."""
    source = reading.look(path)
    given = how.pop("given", None) or mapping.guess(source.columns)
    to = path.with_name(f"{path.name}.refused.csv")
    return importing.run(SYSTEM, source, given, how.pop("channel", "hotline"), refused_to=to, **how)


def cases() -> list[Case]:
    """All cases, oldest first."""
    with looking() as s:
        return list(s.scalars(select(Case).order_by(Case.accepted_at)))


def test_rows_become_cases_with_their_time_place_and_kind(city: str, tmp_path: Path) -> None:
    file = written(tmp_path / "三月.csv", [LAMP, DOG, LOST])

    with clock.at("2026-03-02 09:00"):
        tally = imported(file)

    lost, dog, lamp = cases()
    assert tally == Tally(rows=3, imported=3, no_place=1)
    assert lamp.text.startswith("路灯\n铁东区乐雪社区")
    assert clock.beijing(lamp.accepted_at).isoformat() == "2026-03-02T08:15:00+08:00"
    assert (lamp.kind, dog.kind, lamp.channel) == ("help", "complaint", "hotline")
    assert lamp.community_id == dog.community_id
    assert lost.community_id is None
    assert not list(tmp_path.glob("*.refused*"))


@pytest.mark.parametrize(
    ("name", "encoding", "known_as"),
    [
        ("a.csv", "utf-8", "utf-8"),
        ("a.csv", "utf-8-sig", "utf-8-sig"),
        ("a.csv", "gb18030", "gb18030"),
        ("a.csv.gz", "gbk", "gb18030"),
    ],
)
def test_the_encoding_is_found_out(tmp_path: Path, name: str, encoding: str, known_as: str) -> None:
    source = reading.look(written(tmp_path / name, [LAMP, DOG], encoding))

    assert (source.encoding, source.rows, source.columns) == (known_as, 2, tuple(HEAD))
    assert next(reading.rows(source)).cells == LAMP


def test_the_same_file_twice_makes_no_second_case(city: str, tmp_path: Path) -> None:
    file = written(tmp_path / "a.csv", [LAMP, DOG, DOG])
    with clock.at("2026-03-02 09:00"):
        first = imported(file)
        again = imported(file)
        elsewhere = imported(file, channel="mailbox")

    assert (first.imported, first.known) == (2, 1)
    assert (again.imported, again.known) == (0, 3)
    assert elsewhere.imported == 2  # another channel counts its own keys
    assert len(cases()) == 4


def test_a_row_without_a_key_is_known_by_what_it_says(city: str, tmp_path: Path) -> None:
    rows = [["", *LAMP[1:]], ["", *DOG[1:]], ["", *LAMP[1:]]]
    file = written(tmp_path / "a.csv", rows)

    with clock.at("2026-03-02 09:00"):
        tally = imported(file)

    assert (tally.imported, tally.known) == (2, 1)


def test_refused_rows_go_to_a_file_with_number_and_reasons_in_both_languages(city: str, tmp_path: Path) -> None:
    wrong = {
        "H-4": ("import.no_text", {2: ""}),
        "H-5": ("import.bad_time", {3: "昨天晚上"}),
        "H-6": ("import.future", {3: "2031-01-01 08:00"}),
        "H-7": ("import.bad_phone", {5: "请打座机"}),
        "H-8": ("import.bad_kind", {7: "牢骚"}),
        "H-9": ("case.outside_city", {8: "116.39", 9: "39.9"}),
        "H-10": ("import.bad_position", {8: "东经", 9: "39.9"}),
        "H-11": ("import.too_long", {6: "路" * 201}),
    }
    rows = [
        [key, *[change.get(place, cell) for place, cell in enumerate(DOG)][1:]] for key, (_, change) in wrong.items()
    ]
    file = written(tmp_path / "a.csv", [LAMP, *rows, ["H-12", "少了好几格"], DOG])

    with clock.at("2026-03-02 09:00"):
        tally = imported(file)

    with (tmp_path / "a.csv.refused.csv").open(encoding="utf-8-sig", newline="") as kept:
        refused = list(csv.DictReader(kept))
    assert (tally.rows, tally.imported, tally.refused) == (11, 2, 9)
    assert [row["行号 row"] for row in refused] == [str(number) for number in range(3, 12)]
    assert [row["原因代码 code"] for row in refused] == [code for code, _ in wrong.values()] + ["import.cells"]
    assert all(row["原因"] and row["reason"] and row["原因"] != row["reason"] for row in refused)
    assert refused[0]["工单编号"] == "H-4"


def test_mended_rows_can_be_given_again_from_the_file_of_refusals(city: str, tmp_path: Path) -> None:
    file = written(tmp_path / "a.csv", [LAMP, [*DOG[:5], "没有电话", *DOG[6:]]])
    with clock.at("2026-03-02 09:00"):
        imported(file)
        mended = tmp_path / "a.csv.refused.csv"
        mended.write_text(mended.read_text(encoding="utf-8-sig").replace("没有电话", ""), encoding="utf-8")
        tally = imported(mended)

    assert (tally.imported, tally.refused) == (1, 0)
    assert len(cases()) == 2


def test_a_case_of_the_past_starts_no_clock_and_is_told_to_nobody(city: str, tmp_path: Path) -> None:
    old = [*LAMP[:3], "2017-06-08 17:31:20", *LAMP[4:]]
    file = written(tmp_path / "a.csv", [old, ["H-9", "", "没有时间的旧工单，说不清是哪天的。", *[""] * 7]])

    with clock.at("2026-03-02 09:00"):
        tally = imported(file, historic=True)

    (case,) = cases()
    with looking() as s:
        kinds = set(s.scalars(select(events.Event.kind)))
        clocks = s.scalar(select(func.count()).select_from(Clock))
    assert (tally.imported, tally.refused) == (1, 1)
    assert (case.state, case.historic, case.due_at, case.lead_org_id) == ("closed", True, None, None)
    assert clock.beijing(case.accepted_at).year == 2017
    assert case.matter is not None
    assert kinds == {"case.recorded"}
    assert clocks == 0


def test_the_past_is_not_likened_to_the_present(city: str, tmp_path: Path) -> None:
    with clock.at("2026-03-02 09:00"):
        imported(written(tmp_path / "now.csv", [LAMP]))
        imported(written(tmp_path / "then.csv", [["Z-1", *LAMP[1:3], "2019-05-01", *LAMP[4:]]]), historic=True)

    then, now = cases()
    assert (then.duplicates, now.duplicates) == (0, 0)


def test_a_dry_run_judges_every_row_and_writes_no_case(city: str, tmp_path: Path) -> None:
    file = written(tmp_path / "a.csv", [LAMP, LOST, ["H-6", "", "", *[""] * 7]])

    with clock.at("2026-03-02 09:00"):
        tally = imported(file, dry=True)

    assert tally == Tally(rows=3, imported=2, refused=1, no_place=1)
    assert cases() == []
    assert (tmp_path / "a.csv.refused.csv").exists()


def test_rows_without_a_place_wait_in_a_box_of_their_own(city: str, tmp_path: Path) -> None:
    imported(written(tmp_path / "a.csv", [LAMP, LOST]))
    imported(
        written(tmp_path / "b.csv", [["Z-1", "", "想不起在哪里了，反正路不好走。", "2019-05-01", *[""] * 6]]),
        historic=True,
    )

    desk = staff("dispatcher")
    waiting = desk.get("/api/cases", box="no_place")["rows"]

    assert {row["text"] for row in waiting} == {LOST[2], "想不起在哪里了，反正路不好走。"}
    assert desk.get("/api/cases/counts")["boxes"]["no_place"] == {"n": 2, "more": False}


MAPPED = """
[columns]
key = "号"
text = ["说的话", "补充"]
at = "何时"
lon = "x"
lat = "y"
address = ["路", "门牌"]
[formats]
at = ["%d.%m.%Y %H:%M"]
[constants]
kind = "投诉"
frame = "gcj02"
"""


def test_a_mapping_says_which_column_is_what(city: str, tmp_path: Path) -> None:
    head = ["号", "说的话", "补充", "何时", "x", "y", "路", "门牌"]
    row = ["1", "路灯不亮", "已经一周", "01.03.2026 20:10", "122.9908", "41.1043", "园林路", "3号"]
    file, toml = written(tmp_path / "a.csv", [row], head=head), tmp_path / "map.toml"
    toml.write_text(MAPPED, encoding="utf-8")

    imported(file, given=mapping.load(toml, head))

    (case,) = cases()
    assert (case.text, case.address, case.kind) == ("路灯不亮\n已经一周", "园林路\n3号", "complaint")
    assert clock.beijing(case.accepted_at).strftime("%F %R") == "2026-03-01 20:10"
    assert case.lon is not None
    assert 0.002 < 122.9908 - case.lon < 0.01  # GCJ-02 lies east of WGS-84 here
    assert case.community_id is not None


def test_the_mappings_of_the_handbook_can_be_loaded(tmp_path: Path) -> None:
    page = (Path(__file__).parents[2] / "docs" / "import.md").read_text(encoding="utf-8")
    examples = re.findall(r"```toml\n(.*?)```", page, re.DOTALL)

    for example in examples:
        (tmp_path / "map.toml").write_text(example, encoding="utf-8")
        named = [name for line in example.splitlines() for name in re.findall(r'"([^"]+)"', line.split("#")[0])]
        found = mapping.load(tmp_path / "map.toml", list(dict.fromkeys(named)))
        assert found.columns["text"]
        assert found.constants["kind"] == "help"
    assert len(examples) == 2


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ("[columns]\ntext = '没有的列'", "import.no_such_column"),
        ("[columns]\nkey = '号'", "import.no_text_column"),
        ("[columns]\nwords = '说的话'", "import.mapping_words"),
        ("[columns]\ntext = 3", "import.mapping_words"),
        ("[columns]\ntext = '说的话'\nkey = ['号', '说的话']", "import.mapping_words"),
        ("text = ", "import.mapping_unreadable"),
    ],
)
def test_a_mapping_that_is_wrong_is_refused_with_what_is_wrong(tmp_path: Path, said: str, code: str) -> None:
    toml = tmp_path / "map.toml"
    toml.write_text(said, encoding="utf-8")

    with pytest.raises(Refusal) as refused:
        mapping.load(toml, ["号", "说的话"])

    assert refused.value.code == code
    assert "{" not in refused.value.say("zh") + refused.value.say("en")


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "import.no_columns"),
        ("编号,内容\n1,没有编码".encode("utf-16"), "import.encoding"),
        (b"\xff\xff\xff\n1,2", "import.encoding"),
        ("内容,内容\n1,2".encode(), "import.columns_twice"),
        ('内容\n"引号没有关上\n下一行'.encode(), "import.broken"),
        (b"\x1f\x8b\x08not a gzip", "import.unreadable"),
    ],
)
def test_a_file_that_cannot_be_read_to_its_end_is_refused_whole(tmp_path: Path, content: bytes, code: str) -> None:
    file = tmp_path / "a.csv"
    file.write_bytes(content)

    with pytest.raises(Refusal) as refused:
        reading.look(file)

    assert refused.value.code == code


def test_a_channel_has_a_plain_name_that_is_not_one_of_the_houses_own(city: str, tmp_path: Path) -> None:
    file = written(tmp_path / "a.csv", [LAMP])

    for channel in ("split", "热线", "", "x" * 40):
        with pytest.raises(Refusal) as refused:
            imported(file, channel=channel)
        assert refused.value.code == "import.bad_channel"
