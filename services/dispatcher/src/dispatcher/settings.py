"""What dispatcher can be told."""

from typing import Annotated

from pydantic import Field, field_validator
from pydantic_settings import NoDecode

from leopard.domain.statuses import Channel
from leopard.settings import Seconds, ServiceSettings


class DispatcherSettings(ServiceSettings):
    """Settings of dispatcher."""

    chunk_size: int = Field(default=1000, ge=1, le=100_000, description="Messages taken at a time")
    window: int = Field(
        default=5_000, ge=1, le=10_000_000, description="Jobs that may wait in a queue before publishing rests"
    )
    poll_seconds: Seconds = Field(default=1, description="How often the database is asked for what is due")
    lease_seconds: Seconds = Field(
        default=60, description="How long a chunk or a message may take before somebody else may take it"
    )
    sweep_seconds: Seconds = Field(default=5, description="How often messages that are overdue are looked after again")
    publish_concurrency: int = Field(
        default=500, ge=1, le=10_000, description="Jobs that may wait for their confirms at a time"
    )
    dedicated_queues: Annotated[frozenset[Channel], NoDecode] = Field(
        default=frozenset(),
        description="Channels with a dedicated queue, such as campaign_sends.sms: sms,whatsapp",
    )

    @field_validator("dedicated_queues", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        if isinstance(value, str):
            return [channel.strip() for channel in value.split(",") if channel.strip()]
        return value
