"""Routes of the cases: the citizen's without an account, the desk's with one. Each is a few lines: parse, one verb or query, schema."""

import csv
import io
from asyncio import wrap_future
from collections.abc import Iterator
from datetime import date
from itertools import chain
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, File, Query, Response, UploadFile
from fastapi.responses import FileResponse, StreamingResponse
from sqlalchemy.orm import Session

from shiyu.cases import actions, papers, policy, queries, schemas, triage
from shiyu.cases.lifecycle import LIFECYCLE, S
from shiyu.cases.models import Case
from shiyu.cases.queries import BOXES, Filters
from shiyu.cases.schemas import (
    BODIES,
    CaseOut,
    CasePage,
    CaseRow,
    Counts,
    DeskReportIn,
    FileOut,
    PublicAnswersIn,
    PublicCase,
    PublicWordsIn,
    Receipt,
    ReportIn,
    ReportOut,
    RevealIn,
    RevealOut,
    SaidIn,
    Speaker,
    TokenIn,
    TrackIn,
)
from shiyu.cases.triage import Word
from shiyu.directory import names, orgs
from shiyu.directory.gazetteer import gazetteer
from shiyu.kernel import clock, files, words
from shiyu.kernel.auth import PUBLIC, Viewer
from shiyu.kernel.config import settings
from shiyu.kernel.db import reading as reading_session
from shiyu.kernel.errors import Refusal, not_found
from shiyu.kernel.web import Bucket, Input, Output, anyone, limited, reading, signed_in, tx
from shiyu.law.book import book

router = APIRouter(prefix="/api")
# Four digits can be tried through; so one case answers to them only so often, from wherever they come.
GUESSES, GUESS_SECONDS = 10, 3600
_guesses = Bucket(GUESSES, GUESS_SECONDS)
DESK_ROLES = ("agent", "dispatcher")


# --- the citizen -----------------------------------------------------------------------------------------------------------


class Kind(Output):
    """诉求类型."""

    code: str
    label: dict[str, str]
    hint: dict[str, str]


class PublicSettings(Output):
    """What the citizen's page needs to know of this city."""

    city: dict[str, str]
    hotline: str
    max_upload_mb: int
    max_photos: int
    centre: schemas.Point | None
    bounds: list[float] | None
    kinds: list[Kind]


@router.get("/public/settings", tags=["public"])
def public_settings(viewer: Viewer = anyone, s: Session = reading) -> PublicSettings:
    """网上受理设置"""
    city = next((node for node in gazetteer(s).nodes if node.level == "city"), None)
    boundary = gazetteer(s).boundary(city.id) if city else None
    return PublicSettings(
        city={"zh": city.name, "en": names.latin(city.name, "city")} if city else words.both("city.name"),
        hotline="12345",
        max_upload_mb=settings().max_upload_bytes // 2**20,
        max_photos=6,
        centre=schemas.Point(lon=city.lon, lat=city.lat)
        if city and city.lon is not None and city.lat is not None
        else None,
        bounds=list(boundary.bounds) if boundary is not None else None,
        kinds=[
            Kind(code=kind, label=words.both(f"kind.{kind}"), hint=words.both(f"kind.{kind}.hint"))
            for kind in ("help", "complaint", "suggest", "consult", "report")
        ],
    )


@router.post("/public/files", tags=["public"], dependencies=[limited(60, 600)], status_code=201)
def public_upload(file: Annotated[UploadFile, File()], viewer: Viewer = anyone, s: Session = tx) -> FileOut:
    """上传附件"""
    return FileOut.of(files.keep(s, viewer, file.file, file.filename or ""), "/api/public/files")


@router.get("/public/files/{file_id}", tags=["public"])
@router.get("/public/files/{file_id}/{size}", tags=["public"])
def public_fresh_file(
    file_id: UUID, size: Literal["thumb"] | None = None, viewer: Viewer = anyone, s: Session = reading
) -> FileResponse:
    """预览刚上传的附件 — only until a case has taken it; the id is a secret of who uploaded it."""
    file = files.load(s, file_id)
    if file.claimed_at is not None:
        raise not_found("file")
    return _sent(file, thumb=size == "thumb")


@router.post("/public/suggest", tags=["public"], dependencies=[limited(120, 60)])
def public_suggest(body: SaidIn, viewer: Viewer = anyone, s: Session = reading) -> dict[str, Any]:
    """识别诉求事项 — what we understood, so that it can be corrected before it is sent."""
    thought = triage.think(_word(body), book(s), gazetteer(s), clock.now())
    kept = schemas.suggestion(s, thought, [])
    return {name: kept[name] for name in ("matter", "confidence", "runners", "kind", "place")}


@router.post("/public/reports", tags=["public"], dependencies=[limited(30, 600)], status_code=201)
async def public_report(body: ReportIn, response: Response, viewer: Viewer = anyone) -> ReportOut:
    """提交诉求"""
    if not body.anonymous and not body.phone:
        raise Refusal("case.phone_or_anonymous", 422, field="phone")
    told: ReportOut = await wrap_future(actions.accept_gathered(viewer, body.report("portal"), schemas.report_out))
    response.status_code = 200 if told.known else 201
    return told


@router.post("/public/track", tags=["public"], dependencies=[limited(20, 60)])
def public_track(body: TrackIn, viewer: Viewer = anyone, s: Session = reading) -> PublicCase:
    """查询进度"""
    if body.phone_last4 and not body.token and not _guesses.take(body.no.strip().upper()):
        raise Refusal("web.too_often", 429, seconds=GUESS_SECONDS // GUESSES)
    case = queries.by_token(s, body.no, body.token, body.phone_last4)
    return schemas.public_case(s, _reporter(case), queries.whole(s, case))


@router.post("/public/call_back", tags=["public"], dependencies=[limited(20, 60)])
def public_call_back(body: PublicAnswersIn, viewer: Viewer = anyone, s: Session = tx) -> PublicCase:
    """满意度评价"""
    answers = {"result": "reached", "solved": body.solved, "satisfied": body.satisfied, "text": body.comment}
    return _as_reporter(s, body, "call_back", answers)


@router.post("/public/withdraw", tags=["public"], dependencies=[limited(20, 60)])
def public_withdraw(body: PublicWordsIn, viewer: Viewer = anyone, s: Session = tx) -> PublicCase:
    """撤回诉求"""
    return _as_reporter(s, body, "withdraw", {"text": body.text})


@router.post("/public/supplement", tags=["public"], dependencies=[limited(20, 60)])
def public_supplement(body: PublicWordsIn, viewer: Viewer = anyone, s: Session = tx) -> PublicCase:
    """补充情况"""
    return _as_reporter(s, body, "supplement", {"text": body.text, "files": body.files})


@router.post("/public/urge", tags=["public"], dependencies=[limited(10, 600)])
def public_urge(body: PublicWordsIn, viewer: Viewer = anyone, s: Session = tx) -> PublicCase:
    """催办"""
    return _as_reporter(s, body, "urge", {"text": body.text})


@router.get("/public/cases/{no}/files/{file_id}", tags=["public"])
@router.get("/public/cases/{no}/files/{file_id}/{size}", tags=["public"])
def public_file(
    no: str,
    file_id: UUID,
    token: str,
    size: Literal["thumb"] | None = None,
    viewer: Viewer = anyone,
    s: Session = reading,
) -> FileResponse:
    """查看附件 — the reporter's own and what the offices showed him."""
    whole = queries.whole(s, queries.by_token(s, no, token, None))
    found = next((file for link, file in whole.files if link.public and file.id == file_id), None)
    if found is None:
        raise not_found("file")
    return _sent(found, thumb=size == "thumb")


# --- the desk --------------------------------------------------------------------------------------------------------------


@router.post("/files", tags=["files"], status_code=201)
def upload(file: Annotated[UploadFile, File()], viewer: Viewer = signed_in, s: Session = tx) -> FileOut:
    """上传附件"""
    return FileOut.of(files.keep(s, viewer, file.file, file.filename or ""), "/api/files")


@router.get("/files/{file_id}", tags=["files"])
@router.get("/files/{file_id}/{size}", tags=["files"])
def download(
    file_id: UUID, size: Literal["thumb"] | None = None, viewer: Viewer = signed_in, s: Session = reading
) -> FileResponse:
    """查看附件 — of a case that the viewer may see, or one he has just uploaded."""
    file = files.load(s, file_id)
    fresh = file.claimed_at is None and file.created_by == viewer.id
    if not fresh and not queries.may_see_file(s, viewer, file_id):
        raise not_found("file")
    return _sent(file, thumb=size == "thumb")


@router.post("/triage", tags=["cases"])
def suggest(body: SaidIn, viewer: Viewer = signed_in, s: Session = reading) -> dict[str, Any]:
    """研判建议 — class, place, offices, limits and likely duplicates with their reasons, while the form is being filled in."""
    viewer.need(*policy.BY_AREA, *policy.BY_OFFICE)
    word, now = _word(body), clock.now()
    thought = triage.think(word, book(s), gazetteer(s), now)
    like = queries.visible_likenesses(s, viewer, actions.find_like(s, [(word, thought)], book(s), now)[0])
    return schemas.suggestion(s, thought, like)


@router.post("/reports", tags=["cases"], status_code=201)
async def report(body: DeskReportIn, response: Response, viewer: Viewer = signed_in) -> Receipt:
    """诉求登记"""
    viewer.need(*DESK_ROLES)
    told: Receipt = await wrap_future(actions.accept_gathered(viewer, body.written(), schemas.receipt))
    response.status_code = 200 if told.known else 201
    return told


class BatchIn(Input):
    """A hundred reports in one request."""

    reports: list[DeskReportIn]


@router.post("/reports/batch", tags=["cases"], status_code=201)
def report_batch(body: BatchIn, viewer: Viewer = signed_in, s: Session = tx) -> list[dict[str, Any]]:
    """批量登记 — all or none; answered in their order."""
    viewer.need(*DESK_ROLES)
    if not 1 <= len(body.reports) <= 500:  # noqa: PLR2004 - a transaction stays short
        raise Refusal("case.batch_size", 422, field="reports", most=500)
    accepted = actions.accept_many(s, viewer, [one.written() for one in body.reports])
    return [{"no": one.no, "known": one.known} for one in accepted]


def asked(
    s: Session = reading,
    box: Literal[tuple(BOXES)] | None = None,  # type: ignore[valid-type]
    state: S | None = None,
    kind: schemas.Kind | None = None,
    matter: Annotated[str | None, Query(pattern=r"^\d{2,6}$")] = None,
    area: Annotated[str | None, Query(max_length=30)] = None,
    org: Annotated[str | None, Query(max_length=60)] = None,
    channel: Annotated[str | None, Query(max_length=30)] = None,
    light: Literal["green", "amber", "red"] | None = None,
    urgency: schemas.Urgency | None = None,
    q: Annotated[str | None, Query(max_length=100)] = None,
    since: Annotated[date | None, Query(alias="from")] = None,
    until: Annotated[date | None, Query(alias="to")] = None,
) -> Filters:
    """The filters of a list, codes turned into ids."""
    at = gazetteer(s).by_code(area) if area else None
    if area and at is None:
        raise Refusal("case.no_area", 422, field="area", given=area)
    org_id = orgs.ids(s).get(org) if org else None
    if org and org_id is None:
        raise Refusal("case.no_office", 422, field="org", given=org)
    where = (at.level, at.area_id) if at else None
    return Filters(box, state, kind, matter, where, org_id, channel, light, urgency, q or None, since, until)


Asked = Annotated[Filters, Depends(asked)]


@router.get("/cases", tags=["cases"])
def listing(
    filters: Asked,
    sort: Literal["new", "due"] = "new",
    after: str | None = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    viewer: Viewer = signed_in,
    s: Session = reading,
) -> CasePage:
    """工单列表"""
    page = queries.listing(s, viewer, filters, sort=sort, after=after, limit=limit)
    return CasePage(rows=Speaker(s).rows(page.rows), next=page.next)


@router.get("/cases/counts", tags=["cases"])
def counts(filters: Asked, viewer: Viewer = signed_in, s: Session = reading) -> Counts:
    """各箱数量"""
    return Counts(**queries.counts(s, viewer, filters))


@router.get("/cases/export", tags=["cases"])
def export(filters: Asked, viewer: Viewer = signed_in) -> StreamingResponse:
    """导出清单 — CSV for a spreadsheet; without personal data."""
    name = f"cases-{clock.beijing(clock.now()):%Y%m%d-%H%M}.csv"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    lines = _csv(viewer, filters)
    first = next(lines)  # what must be refused is refused before the answer begins
    return StreamingResponse(chain([first], lines), media_type="text/csv; charset=utf-8", headers=headers)


@router.get("/cases/{no}", tags=["cases"])
def one(no: str, viewer: Viewer = signed_in, s: Session = reading) -> CaseOut:
    """一张工单"""
    return schemas.case_out(s, viewer, queries.one(s, viewer, no))


@router.get("/cases/{no}/paper", tags=["cases"], response_class=Response)
def paper(no: str, lang: Literal["zh", "en"] = "zh", viewer: Viewer = signed_in, s: Session = tx) -> Response:
    """打印工单 — the case with its timeline as one PDF; the reporter masked, the print recorded."""
    pdf = papers.case_paper(s, viewer, queries.one(s, viewer, no), lang)
    headers = {"Content-Disposition": f'inline; filename="{no}.pdf"'}
    return Response(pdf, media_type="application/pdf", headers=headers)


@router.get("/callers", tags=["cases"])
def caller(
    phone: Annotated[str, Query(min_length=7, max_length=20)], viewer: Viewer = signed_in, s: Session = reading
) -> list[CaseRow]:
    """来电人历史工单"""
    viewer.need(*DESK_ROLES, "caller")
    return Speaker(s).rows(queries.earlier_of(s, viewer, phone))


@router.post("/cases/{no}/reveal", tags=["cases"])
def reveal(no: str, body: RevealIn, viewer: Viewer = signed_in, s: Session = tx) -> RevealOut:
    """还原诉求人信息"""
    return RevealOut(**actions.reveal(s, viewer, no, body.reason))


def _route(verb: str) -> None:
    model = BODIES.get(verb, schemas.VerbIn)

    def take(no: str, body: Any, viewer: Viewer = signed_in, s: Session = tx) -> CaseOut:
        brought = body.model_dump(exclude={"version"})
        try:
            case = actions.act(s, viewer, no, verb, brought, body.version)
        except Refusal as refusal:
            raise _with_present(refusal, viewer, no) from refusal
        return schemas.case_out(s, viewer, queries.whole(s, case))

    take.__annotations__["body"] = model
    take.__name__ = verb
    take.__doc__ = words.say(f"verb.{verb}")
    needs = "、".join(dict.fromkeys(need for line in LIFECYCLE.moves if line.verb == verb for need in line.needs))
    router.post(
        f"/cases/{{no}}/{verb}",
        tags=["cases"],
        description=f"{words.say(f'verb.{verb}')} / {words.say(f'verb.{verb}', 'en')}"
        + (f" — {needs}" if needs else ""),
    )(take)


for _verb in LIFECYCLE.verbs:
    if _verb not in {"close", "rework"}:  # they follow from the answers of a call-back
        _route(_verb)


# --- helpers ---------------------------------------------------------------------------------------------------------------


def _with_present(refusal: Refusal, viewer: Viewer, no: str) -> Refusal:
    """A stale screen is given the case as it now is, so that nothing typed is lost and nothing asked twice."""
    if refusal.status != 409:  # noqa: PLR2004
        return refusal
    with reading_session() as s:
        present = schemas.case_out(s, viewer, queries.one(s, viewer, no))
    refusal.now = present.model_dump(mode="json")
    return refusal


def _word(body: SaidIn) -> Word:
    lon, lat = body.position.wgs84() if body.position else (None, None)
    return Word(body.text, body.address or None, lon, lat, body.kind)


def _reporter(case: Case) -> Viewer:
    return Viewer(PUBLIC.id, reporter_of=case.id)


def _as_reporter(s: Session, body: TokenIn, verb: str, brought: dict[str, Any]) -> PublicCase:
    case = queries.by_token(s, body.no, body.token, None)
    actions.act_as_reporter(s, _reporter(case), verb, brought)
    return schemas.public_case(s, _reporter(case), queries.whole(s, case))


def _sent(file: files.File, *, thumb: bool) -> FileResponse:
    path = files.thumb_of(file) if thumb and file.kind == "image" else files.path_of(file)
    inline = file.kind in {"image", "audio", "video"}
    return FileResponse(
        path,
        media_type="image/jpeg" if thumb and file.kind == "image" else file.media_type,
        filename=file.name,
        content_disposition_type="inline" if inline else "attachment",
        headers={"Cache-Control": "private, max-age=86400"},
    )


_COLUMNS = ("no", "state", "kind", "urgency", "matter", "area_name", "address", "lead_org", "channel", "accepted_at", "due_at", "light", "text")  # fmt: skip


def _csv(viewer: Viewer, filters: Filters) -> Iterator[str]:
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow([words.say(f"column.{name}") for name in _COLUMNS])
    with reading_session() as s:
        say, cases = Speaker(s), queries.export(s, viewer, filters)
        first = next(cases, None)
        yield "\ufeff" + out.getvalue()
        for case in chain([first] if first else [], cases):
            out.seek(0)
            out.truncate()
            writer.writerow([_cell(name, say.row(case)) for name in _COLUMNS])
            yield out.getvalue()


def _cell(name: str, row: dict[str, Any]) -> str:
    value = row[name]
    if value is None:
        return ""
    if name in {"matter", "lead_org"}:
        return value.name
    if name in {"accepted_at", "due_at"}:
        return f"{clock.beijing(value):%Y-%m-%d %H:%M}"
    if name in {"state", "kind", "urgency", "light"}:
        return words.say(
            {"state": "case.state", "kind": "kind", "urgency": "urgency", "light": "light"}[name] + f".{value}"
        )
    text = str(value)
    return (
        "'" + text if text[:1] in tuple("=+-@＝＋－＠\t\r\n") else text
    )  # a spreadsheet must not run what a citizen wrote
