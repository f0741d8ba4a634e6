"""The statuses of campaigns and messages, and the allowed moves between them. Reads no database."""

from enum import StrEnum
from typing import Final


class Channel(StrEnum):
    """How messages are sent."""

    SMS = "sms"
    WHATSAPP = "whatsapp"


class CampaignStatus(StrEnum):
    """Status of a campaign.

    A campaign can be changed while it is `draft` or `scheduled`. `sent`, `failed` and `cancelled` are final.
    """

    DRAFT = "draft"
    SCHEDULED = "scheduled"
    SENDING = "sending"
    PAUSED = "paused"
    SENT = "sent"
    FAILED = "failed"
    CANCELLED = "cancelled"


class MessageStatus(StrEnum):
    """Status of a message.

    A message is finished when it is `sent` or `cancelled`, or `failed` without a next attempt.
    """

    PENDING = "pending"
    SENT = "sent"
    FAILED = "failed"
    CANCELLED = "cancelled"


CAMPAIGN_MOVES: Final[dict[CampaignStatus, frozenset[CampaignStatus]]] = {
    CampaignStatus.DRAFT: frozenset({CampaignStatus.SCHEDULED, CampaignStatus.SENDING}),
    # failed: its stored audience cannot be read
    CampaignStatus.SCHEDULED: frozenset({CampaignStatus.DRAFT, CampaignStatus.SENDING, CampaignStatus.FAILED}),
    CampaignStatus.SENDING: frozenset(
        {CampaignStatus.PAUSED, CampaignStatus.SENT, CampaignStatus.FAILED, CampaignStatus.CANCELLED}
    ),
    CampaignStatus.PAUSED: frozenset({CampaignStatus.SENDING, CampaignStatus.CANCELLED}),
    CampaignStatus.SENT: frozenset(),
    CampaignStatus.FAILED: frozenset(),
    CampaignStatus.CANCELLED: frozenset(),
}

MESSAGE_MOVES: Final[dict[MessageStatus, frozenset[MessageStatus]]] = {
    MessageStatus.PENDING: frozenset({MessageStatus.SENT, MessageStatus.FAILED, MessageStatus.CANCELLED}),
    # only while another attempt is planned
    MessageStatus.FAILED: frozenset({MessageStatus.PENDING, MessageStatus.CANCELLED}),
    MessageStatus.SENT: frozenset(),
    MessageStatus.CANCELLED: frozenset(),
}

EDITABLE: Final = frozenset({CampaignStatus.DRAFT, CampaignStatus.SCHEDULED})
"""The statuses in which a campaign may be changed, deleted or sent."""

OUTCOME_UNKNOWN: Final = "outcome unknown"
"""The start of the error text of a message that may have been sent."""

MAX_ATTEMPTS: Final = 3
"""The number of attempts after which a message is finished as failed."""


def can_move(source: CampaignStatus, target: CampaignStatus) -> bool:
    """Whether a campaign may move from `source` to `target`."""
    return target in CAMPAIGN_MOVES[source]


def sources_of(target: CampaignStatus) -> list[CampaignStatus]:
    """The statuses from which a campaign may move to `target`."""
    return [source for source in CampaignStatus if can_move(source, target)]
