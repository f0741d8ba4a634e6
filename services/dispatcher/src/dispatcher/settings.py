"""Settings of dispatcher."""

from typing import Annotated

from pydantic import Field, field_validator
from pydantic_settings import NoDecode

from leopard.domain.statuses import Channel
from leopard.settings import Seconds, ServiceSettings


class DispatcherSettings(ServiceSettings):
    """Environment variables of the dispatcher, with the prefix LEOPARD_."""

    chunk_size: int = Field(default=1000, ge=1, le=100_000, description="Messages that a dispatcher claims at a time")
    window: int = Field(
        default=5_000, ge=1, le=10_000_000, description="Jobs in a queue above which the dispatcher stops publishing"
    )
    poll_seconds: Seconds = Field(default=1, description="Seconds between two checks for due work")
    lease_seconds: Seconds = Field(
        default=60,
        description="Seconds until another process may take over a claim; must be longer than a provider call",
    )
    sweep_seconds: Seconds = Field(default=5, description="Seconds between two checks of overdue messages")
    publish_concurrency: int = Field(
        default=500, ge=1, le=10_000, description="Maximum number of jobs that await a confirm"
    )
    import_reject_days: float = Field(
        default=7, gt=0, le=3650, description="Days after which the rejected rows of an import are deleted"
    )
    dry_run_days: float = Field(default=7, gt=0, le=3650, description="Days after which a dry run is deleted")
    dedicated_queues: Annotated[frozenset[Channel], NoDecode] = Field(
        default=frozenset(),
        description="Channels with a dedicated queue, such as campaign_sends.sms; a list: sms,whatsapp",
    )

    @field_validator("dedicated_queues", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        if isinstance(value, str):
            return [channel.strip() for channel in value.split(",") if channel.strip()]
        return value
