"""What others hear of the channels: past tense, ids and codes, never personal data."""

from uuid import UUID

from shiyu.kernel.events import event


@event("channel.added")
class ChannelAdded:
    """登记渠道 — a channel stands in the registry."""

    channel_id: UUID
    version: int
    code: str
    kind: str


@event("channel.moved")
class ChannelMoved:
    """渠道状态变更 — paused, resumed or retired; ``verb`` tells which."""

    channel_id: UUID
    version: int
    verb: str
    code: str
    old: str
    new: str
