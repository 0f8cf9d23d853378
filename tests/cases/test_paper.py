"""打印工单: a case with its timeline as one PDF."""

import io

import pypdf
from sqlalchemy import select

from shiyu.kernel import clock, papers
from shiyu.kernel.audit import Audit
from shiyu.kernel.db import reading
from tests.cases.cast import LEAD, OFFICE, PHONE

HOSTILE = '#read("/etc/passwd") *粗体* _斜体_ $x^2$ #{ 1 + 1 } \\ <标签> 楼梯扶手缺失'


def read(pdf: bytes) -> str:
    """The words of a PDF, blanks and line ends left out: lines break where the paper ends."""
    return "".join("".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(pdf)).pages).split())


def printed(cast, no, username="dispatcher", status=200, **query):
    answer = cast(username).client.get(f"/api/cases/{no}/paper", params=query)
    assert answer.status_code == status, answer.text
    return answer


def test_the_paper_tells_the_whole_case_and_keeps_the_reporter_masked(cast):
    with clock.at("2026-03-02 09:00"):
        no = cast.in_state("closed")["no"]

        answer = printed(cast, no)

    assert answer.headers["content-type"] == "application/pdf"
    assert answer.content.startswith(b"%PDF-")
    said = read(answer.content)
    for word in (
        no,
        "诉求工单",
        "鞍山市",
        "办结",
        "已办理完毕。",
        "派单",
        "签收",
        "回访",
        "铁东区住房和城乡建设局",
        "2026-03-0209:00",
        "138****0001",
    ):
        assert word in said, word
    assert PHONE not in said


def test_the_paper_speaks_english_too(cast):
    no = cast.in_state("handling")["no"]

    said = read(printed(cast, no, lang="en").content)

    assert "Timelimits" in said
    assert "signedfor" in said
    assert "办理时限" not in said


def test_what_a_citizen_wrote_is_words_and_never_markup(cast):
    no = cast.report(f"铁东区乐雪社区 {HOSTILE}")["no"]

    said = read(printed(cast, no).content)

    assert "".join(HOSTILE.split()) in said
    assert "root:" not in said


def test_each_print_is_kept_with_who_made_it(cast):
    no = cast.in_state("handling")["no"]

    said = read(printed(cast, no, OFFICE).content)

    with reading() as s:
        rows = s.scalars(select(Audit).where(Audit.action == "case.print")).all()
    assert [(row.username, row.subject) for row in rows] == [(OFFICE, f"case:{no}")]
    assert "打印于" in said


def test_who_does_not_see_the_case_gets_no_paper(cast):
    no = cast.in_state("handling")["no"]
    cast.act("dispatcher", no, "bar", org=LEAD, text="须回避。")

    assert printed(cast, no, OFFICE, 404).json()["code"] == "case.not_found"


def test_without_a_chinese_font_no_paper_of_empty_boxes_is_made(cast, monkeypatch):
    no = cast.report()["no"]
    monkeypatch.setattr(papers, "FONTS", ("No such font",))

    refused = printed(cast, no, status=503).json()

    assert refused["code"] == "paper.no_font"
    assert "字体" in refused["message"]["zh"]
