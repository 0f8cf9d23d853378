"""What comes over the wire: a report, the reporter's key, and what each verb may bring."""

from datetime import date
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field, model_validator

from shiyu.cases.actions.intake import Report
from shiyu.directory.coords import Frame, to_wgs84
from shiyu.kernel.errors import Refusal
from shiyu.kernel.web import Input
from shiyu.law.limits import KINDS, URGENCIES

Said = Annotated[str, Field(min_length=1, max_length=5000)]
Kind = Literal["consult", "inquiry", "suggest", "opinion", "help", "complaint", "report", "praise"]
Urgency = Literal["normal", "urgent", "danger"]
FileIds = Annotated[list[UUID], Field(max_length=6)]
assert set(KINDS) == set(Kind.__args__)
assert set(URGENCIES) == set(Urgency.__args__)


class Position(Input):
    """位置 — degrees, and in which frame they were measured: wgs84, cgcs2000, gcj02 or bd09."""

    lon: float = Field(ge=-180, le=180, allow_inf_nan=False)
    lat: float = Field(ge=-90, le=90, allow_inf_nan=False)
    accuracy: float | None = Field(None, ge=0, allow_inf_nan=False, description="metres")
    frame: Frame = Frame.WGS84

    def wgs84(self) -> tuple[float, float]:
        """Longitude and latitude in WGS-84."""
        return to_wgs84(self.lon, self.lat, self.frame)


class SaidIn(Input):
    """What was said and where: enough for suggestions."""

    text: Said
    kind: Kind | None = None
    address: str | None = Field(None, max_length=200)
    position: Position | None = None


class ReportIn(SaidIn):
    """诉求 — a report as it is sent. ``key`` is made by the sender: the same key is the same case."""

    key: UUID
    text: str = Field(min_length=5, max_length=5000)
    matter: str | None = Field(None, pattern=r"^\d{6}$")
    name: str | None = Field(None, max_length=50)
    phone: str | None = Field(None, pattern=r"^\+?[0-9](?:[\- ]*[0-9]){6,}[\- ]*$", max_length=20)
    anonymous: bool = False
    confidential: bool = False
    files: FileIds = Field(default_factory=list)

    def report(self, channel: str, **more: Any) -> Report:
        """The same for the verb."""
        lon, lat = self.position.wgs84() if self.position else (None, None)
        return Report(
            key=str(self.key),
            channel=channel,
            text=self.text,
            kind=self.kind,
            matter=self.matter,
            address=self.address or None,
            lon=lon,
            lat=lat,
            name=None if self.anonymous else self.name,
            phone=None if self.anonymous else self.phone,
            anonymous=self.anonymous,
            confidential=self.confidential,
            file_ids=tuple(self.files),
            **more,
        )


class DeskReportIn(ReportIn):
    """诉求登记 — as an agent writes it down."""

    channel: str = Field("hotline", pattern=r"^[a-z0-9_]{2,30}$")
    urgency: Urgency | None = None
    against: list[Annotated[str, Field(max_length=60)]] = Field(default_factory=list, max_length=5)

    def written(self) -> Report:
        """The same for the verb, with what only an agent may say."""
        return self.report(self.channel, urgency=self.urgency, against=tuple(self.against))


class VerbIn(Input):
    """What every verb brings: ``version`` of the case that the screen showed, and words."""

    version: int | None = Field(None, ge=1)
    text: Annotated[str, Field(max_length=5000)] | None = None


class OfficesIn(VerbIn):
    """派单."""

    lead_org: str = Field(max_length=60)
    assist_orgs: list[Annotated[str, Field(max_length=60)]] = Field(default_factory=list, max_length=20)
    urgency: Urgency | None = None


class LeadIn(VerbIn):
    """转派."""

    lead_org: str = Field(max_length=60)


class GroundIn(VerbIn):
    """With a lawful ground."""

    ground: str = Field(max_length=60)


class TransferIn(VerbIn):
    """移送."""

    to: Literal["110", "119", "120", "122", "province", "other"]


class ReceiptIn(VerbIn):
    """移送确认."""

    receipt: str = Field(min_length=1, max_length=100)


class MergeIn(VerbIn):
    """并案."""

    into: str = Field(max_length=30)


class PartIn(Input):
    """One of the demands of a report."""

    text: str = Field(min_length=5, max_length=5000)
    matter: str | None = Field(None, pattern=r"^\d{6}$")


class SplitIn(VerbIn):
    """拆分."""

    parts: list[PartIn] = Field(min_length=2, max_length=8)


class FilesIn(VerbIn):
    """Words and files."""

    files: FileIds = Field(default_factory=list)


class ContactIn(VerbIn):
    """首次联系."""

    reached: bool = True


class SuspendIn(GroundIn):
    """挂账."""

    review_on: date


class DecideIn(VerbIn):
    """审批延期."""

    extension: UUID
    approve: bool


class AnswersIn(VerbIn):
    """回访 — ``solved`` and ``satisfied`` (1 to 5) when reached."""

    result: Literal["reached", "unreachable", "refused"]
    solved: bool | None = None
    satisfied: int | None = Field(None, ge=1, le=5)

    @model_validator(mode="after")
    def _both(self) -> "AnswersIn":
        if self.result == "reached" and (self.solved is None or self.satisfied is None):
            raise Refusal("case.two_questions", 422, field="solved" if self.solved is None else "satisfied")
        return self


class MatterIn(VerbIn):
    """更改事项."""

    matter: str = Field(pattern=r"^\d{6}$")


class BarIn(VerbIn):
    """责令回避 — an office by its code or a person by the user name; ``accused``: the case is about this office."""

    org: str | None = Field(None, max_length=60)
    account: str | None = Field(None, max_length=60)
    accused: bool = False


class UnbarIn(VerbIn):
    """解除回避."""

    bar: UUID


class PlaceIn(VerbIn):
    """更正地点 — one of area, position, address."""

    area: str | None = Field(None, max_length=30)
    position: Position | None = None
    address: str | None = Field(None, max_length=200)


BODIES: dict[str, type[VerbIn]] = {
    "dispatch": OfficesIn,
    "designate": OfficesIn,
    "pass_down": LeadIn,
    "decline": GroundIn,
    "send_back": GroundIn,
    "bounce": GroundIn,
    "extend": GroundIn,
    "suspend": SuspendIn,
    "transfer": TransferIn,
    "confirm": ReceiptIn,
    "merge": MergeIn,
    "split": SplitIn,
    "contact": ContactIn,
    "decide_extension": DecideIn,
    "call_back": AnswersIn,
    "reclassify": MatterIn,
    "relocate": PlaceIn,
    "bar": BarIn,
    "unbar": UnbarIn,
    **dict.fromkeys(("assist", "draft", "reply", "note", "supplement", "rejoin", "answer"), FilesIn),
}


class TokenIn(Input):
    """The reporter's key to his case."""

    no: str = Field(max_length=30)
    token: str = Field(min_length=8, max_length=64)


class TrackIn(Input):
    """查询 — the number with the token, or with the telephone's last four digits."""

    no: str = Field(max_length=30)
    token: str | None = Field(None, max_length=64)
    phone_last4: str | None = Field(None, pattern=r"^\d{4}$")


class PublicAnswersIn(TokenIn):
    """满意度评价 — the two questions."""

    solved: bool
    satisfied: int = Field(ge=1, le=5)
    comment: str | None = Field(None, max_length=1000)


class PublicWordsIn(TokenIn):
    """Words of the reporter."""

    text: str | None = Field(None, max_length=2000)
    files: FileIds = Field(default_factory=list)


class RevealIn(Input):
    """还原 — why it is needed; kept for the auditor."""

    reason: str = Field(min_length=5, max_length=300)
