"""Routes of the registry: for the system administrator who keeps it, and for dispatchers and supervisors who read it."""

from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Query
from sqlalchemy.orm import Session

from shiyu.channels import actions, queries, schemas
from shiyu.channels.lifecycle import S
from shiyu.channels.open311 import services as open311
from shiyu.channels.queries import Filters
from shiyu.channels.schemas import (
    ChannelActIn,
    ChannelDayOut,
    ChannelEditIn,
    ChannelErrorPage,
    ChannelIn,
    ChannelKeyIn,
    ChannelKeyMade,
    ChannelKeyOut,
    ChannelOut,
    ChannelPage,
    ChannelSummaryOut,
    KindName,
    MappingIn,
    MappingOut,
    MigrationConfirmIn,
    MigrationIn,
    MigrationOut,
    MigrationPage,
    OfferIn,
    OfferOut,
)
from shiyu.directory.orgs import org_by_code
from shiyu.kernel.auth import Viewer
from shiyu.kernel.web import reading, signed_in, tx

router = APIRouter(prefix="/api", tags=["channels"])
Limit = Annotated[int, Query(ge=1, le=200)]
After = Annotated[str | None, Query(max_length=500)]


@router.get("/channels")
def listing(
    q: Annotated[str, Query(max_length=60)] = "",
    kind: KindName | None = None,
    state: S | None = None,
    silent: bool = False,
    org: str | None = None,
    after: After = None,
    limit: Limit = 50,
    viewer: Viewer = signed_in,
    s: Session = reading,
) -> ChannelPage:
    """渠道一览 — the silent ones first."""
    filters = Filters(q, kind, state, silent, org_by_code(s, org).id if org else None)
    found = queries.channels(s, viewer, filters, after, limit)
    return ChannelPage(rows=schemas.rows_out(s, found.rows), next=found.next)


@router.get("/channels/summary")
def summary(viewer: Viewer = signed_in, s: Session = reading) -> ChannelSummaryOut:
    """渠道概况"""
    return ChannelSummaryOut(**queries.summary(s, viewer))


@router.post("/channels", status_code=201)
def add(body: ChannelIn, viewer: Viewer = signed_in, s: Session = tx) -> ChannelOut:
    """登记渠道"""
    return schemas.channel_out(s, viewer, actions.add(s, viewer, body.code, body.entry()))


@router.get("/channels/{code}")
def one(code: str, viewer: Viewer = signed_in, s: Session = reading) -> ChannelOut:
    """一个渠道"""
    return schemas.channel_out(s, viewer, queries.channel(s, viewer, code))


@router.post("/channels/{code}")
def edit(code: str, body: ChannelEditIn, viewer: Viewer = signed_in, s: Session = tx) -> ChannelOut:
    """修改渠道"""
    return schemas.channel_out(s, viewer, actions.edit(s, viewer, code, body.entry(), body.version))


@router.get("/channels/{code}/counts")
def counts(
    code: str, days: Annotated[int, Query(ge=1, le=366)] = 30, viewer: Viewer = signed_in, s: Session = reading
) -> list[ChannelDayOut]:
    """渠道日计"""
    row = queries.channel(s, viewer, code)
    return [ChannelDayOut.model_validate(day) for day in queries.days(s, [row.id], days)[row.id]]


@router.get("/channels/{code}/errors")
def errors(
    code: str, after: After = None, limit: Limit = 50, viewer: Viewer = signed_in, s: Session = reading
) -> ChannelErrorPage:
    """渠道差错"""
    row = queries.channel(s, viewer, code)
    found, prefixes = queries.errors(s, row, after, limit), queries.prefixes(s, row)
    return ChannelErrorPage(rows=[schemas.error_out(one, prefixes) for one in found.rows], next=found.next)


@router.get("/channels/{code}/keys")
def keys(code: str, viewer: Viewer = signed_in, s: Session = reading) -> list[ChannelKeyOut]:
    """接口密钥"""
    return [schemas.key_out(key) for key in queries.keys(s, viewer, queries.channel(s, viewer, code))]


@router.post("/channels/{code}/keys", status_code=201)
def make_key(code: str, body: ChannelKeyIn, viewer: Viewer = signed_in, s: Session = tx) -> ChannelKeyMade:
    """发放密钥 — its secret is told this once."""
    return schemas.key_made(*actions.make_key(s, viewer, code, body.name, body.rate))


@router.post("/channels/{code}/keys/{key_id}/revoke")
def revoke_key(code: str, key_id: UUID, viewer: Viewer = signed_in, s: Session = tx) -> ChannelKeyOut:
    """吊销密钥"""
    return schemas.key_out(actions.revoke_key(s, viewer, code, key_id))


@router.get("/channels/{code}/mappings")
def mappings(code: str, viewer: Viewer = signed_in, s: Session = reading) -> list[MappingOut]:
    """事项对照"""
    return [schemas.mapping_out(s, row) for row in queries.mappings(s, queries.channel(s, viewer, code))]


@router.post("/channels/{code}/mappings")
def map_matter(code: str, body: MappingIn, viewer: Viewer = signed_in, s: Session = tx) -> MappingOut:
    """设置对照"""
    return schemas.mapping_out(s, actions.map_matter(s, viewer, code, body.theirs, body.matter, body.name))


@router.delete("/channels/{code}/mappings/{mapping_id}", status_code=204)
def unmap(code: str, mapping_id: UUID, viewer: Viewer = signed_in, s: Session = tx) -> None:
    """删除对照"""
    actions.unmap(s, viewer, code, mapping_id)


@router.get("/channels/{code}/migrations")
def migrations(
    code: str, after: After = None, limit: Limit = 50, viewer: Viewer = signed_in, s: Session = reading
) -> MigrationPage:
    """归并台账"""
    found = queries.migrations(s, queries.channel(s, viewer, code), after, limit)
    return MigrationPage(rows=[schemas.migration_out(viewer, row) for row in found.rows], next=found.next)


@router.post("/channels/{code}/migrations", status_code=201)
def add_migration(code: str, body: MigrationIn, viewer: Viewer = signed_in, s: Session = tx) -> MigrationOut:
    """归并记账"""
    added = actions.add_migration(s, viewer, code, body.source, body.counts(), body.old_total)
    return schemas.migration_out(viewer, added)


@router.post("/channels/{code}/migrations/{migration_id}/confirm")
def confirm_migration(
    code: str, migration_id: UUID, body: MigrationConfirmIn, viewer: Viewer = signed_in, s: Session = tx
) -> MigrationOut:
    """归并确认"""
    return schemas.migration_out(viewer, actions.confirm_migration(s, viewer, code, migration_id, body.old_total))


@router.post("/channels/{code}/{verb}")
def act(
    code: str,
    verb: Literal["pause", "resume", "retire"],
    body: ChannelActIn,
    viewer: Viewer = signed_in,
    s: Session = tx,
) -> ChannelOut:
    """暂停 恢复启用 停用"""
    return schemas.channel_out(s, viewer, actions.act(s, viewer, code, verb, body.reason))


@router.get("/open311/services/{matter}")
def service(matter: str, viewer: Viewer = signed_in, s: Session = reading) -> OfferOut:
    """开放事项"""
    return schemas.service_out(*open311.kept(s, viewer, matter))


@router.post("/open311/services/{matter}")
def offer(matter: str, body: OfferIn, viewer: Viewer = signed_in, s: Session = tx) -> OfferOut:
    """设置开放事项"""
    actions.offer(s, viewer, matter, body.offer())
    return schemas.service_out(*open311.kept(s, viewer, matter))
