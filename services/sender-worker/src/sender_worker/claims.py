"""Claims: a worker claims a message before it sends it, so that duplicate jobs send it only once.

A claim is a lease that ends by itself. No transaction stays open while a message is sent. After the end of a claim
another worker may claim the message again. `claimed_until` is also the claim's token: a later claim always ends later.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from psycopg.rows import class_row

from leopard.db.counts import adding
from leopard.db.message_states import CLAIMABLE
from leopard.db.pool import Connection
from leopard.domain.formats import KNOWN_FORMAT
from leopard.domain.statuses import Channel
from leopard.personalization.model import PersonalizationError
from leopard.personalization.rendering import MessageTemplates
from sender_worker.campaign_texts import CampaignTexts


# not frozen: a frozen object takes three times as long to make
@dataclass(slots=True)
class Claim:
    """A message that this worker holds until `claimed_until`, with all data that is needed to send it."""

    message_id: int
    campaign_id: int
    claimed_until: datetime
    retry_count: int
    outcome_unknown: bool
    """An earlier claim ended without a result: the message may have been sent."""
    channel: Channel
    campaign_version: int
    """The version of the campaign's texts."""
    base_template: str | None
    """Null, as `personalization`, if the worker has the texts of this version already."""
    personalization: str | None
    """As JSON. It is not read here: what one campaign has stored must not fail a batch."""
    variant: int | None
    phone: str
    first_name: str | None
    last_name: str | None
    location: str | None
    preferred_product: str | None
    preferred_language: str | None
    """Read for personalized campaigns only, as all that follows."""
    time_zone: str | None
    created_at: datetime | None
    attributes_json: str | None
    texts: MessageTemplates | PersonalizationError | None = None
    """The texts of the campaign, or why they cannot be read."""

    @property
    def attributes(self) -> dict[str, Any] | None:
        """The further fields of the customer. They are read at each call, because few templates name one.

        Raises:
            ValueError: Python cannot read the JSON.
            RecursionError: The same.
        """
        return None if self.attributes_json is None else json.loads(self.attributes_json)


_COUNT_UNKNOWN: Final = adding(
    ("unknown_outcomes",),
    """
    SELECT campaign_id, %(shard)s, count(*)
      FROM claimed
     WHERE outcome_unknown
     GROUP BY campaign_id
     ORDER BY campaign_id
    """,
)

_PERSONALIZED: Final = "campaigns.personalization IS NOT NULL"

_IS_KEPT: Final = """
(campaigns.id, campaigns.version) IN (
    SELECT kept.id, kept.version
      FROM unnest(%(kept_ids)b::bigint[], %(kept_versions)b::integer[]) AS kept (id, version)
)"""

# A claim that ended without a result costs an attempt. Otherwise a message that crashes workers would crash them all.
_CLAIM: Final = f"""
WITH claimable AS (
    SELECT m.id, m.claimed_until IS NOT NULL AS outcome_unknown, campaigns.channel,
           campaigns.version AS campaign_version,
           CASE WHEN NOT {_IS_KEPT} THEN campaigns.base_template END AS base_template,
           CASE WHEN NOT {_IS_KEPT} THEN campaigns.personalization::text END AS personalization,
           customers.phone, customers.first_name, customers.last_name, customers.location,
           customers.preferred_product,
           CASE WHEN {_PERSONALIZED} THEN customers.preferred_language END AS preferred_language,
           CASE WHEN {_PERSONALIZED} THEN customers.time_zone END AS time_zone,
           CASE WHEN {_PERSONALIZED} THEN customers.created_at END AS created_at,
           CASE WHEN {_PERSONALIZED} THEN customers.attributes::text END AS attributes_json
      FROM outbound_messages AS m
      JOIN campaigns ON campaigns.id = m.campaign_id AND campaigns.status = 'sending'
                    AND campaigns.channel = ANY(%(channels)s) AND campaigns.format <= {KNOWN_FORMAT}
      JOIN customers ON customers.id = m.customer_id
     WHERE m.id = ANY(%(message_ids)b)
       AND {CLAIMABLE}
     ORDER BY m.id
       FOR UPDATE OF m SKIP LOCKED
), claimed AS (
    UPDATE outbound_messages AS m
       SET claimed_until = now() + make_interval(secs => %(lease_seconds)s),
           retry_count = m.retry_count + claimable.outcome_unknown::int
      FROM claimable
     WHERE m.id = claimable.id
    RETURNING m.id AS message_id, m.campaign_id, m.claimed_until, m.retry_count, claimable.outcome_unknown,
              claimable.channel, claimable.campaign_version, claimable.base_template, claimable.personalization,
              m.variant, claimable.phone, claimable.first_name, claimable.last_name, claimable.location,
              claimable.preferred_product, claimable.preferred_language, claimable.time_zone, claimable.created_at,
              claimable.attributes_json
), counted AS (
    {_COUNT_UNKNOWN}
)
SELECT * FROM claimed
"""


async def claim_messages(
    connection: Connection,
    message_ids: Sequence[int],
    lease_seconds: float,
    shard: int,
    channels: Sequence[Channel] = tuple(Channel),
    texts: CampaignTexts | None = None,
) -> list[Claim | None]:
    """Claim messages in one statement; for each id: its claim, or None if there is nothing to send.

    There is nothing to send if the message is finished, waits for its next attempt, or is held by another worker; if
    its campaign is not sending, is in another channel or has a format that this version does not know; or if its
    customer was deleted.
    """
    texts = texts or CampaignTexts()
    kept_ids, kept_versions = texts.versions()
    async with connection.cursor(row_factory=class_row(Claim), binary=True) as cursor:
        await cursor.execute(
            _CLAIM,
            {
                "message_ids": list(message_ids),
                "lease_seconds": lease_seconds,
                "shard": shard,
                "channels": list(channels),
                "kept_ids": kept_ids,
                "kept_versions": kept_versions,
            },
        )
        claims = {claim.message_id: claim for claim in await cursor.fetchall()}
    for claim in claims.values():
        claim.texts = texts.texts(claim.campaign_id, claim.campaign_version, claim.base_template, claim.personalization)
    # a repeated id is claimed once
    return [claims.pop(message_id, None) for message_id in message_ids]
