"""Settings of sender-worker."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field, SecretStr, field_validator, model_validator

from leopard.domain.statuses import Channel
from leopard.providers.generic_http import connect_seconds
from leopard.settings import BlankAsUnset, HttpUrl, Seconds, ServiceSettings


class ProviderName(StrEnum):
    """Who carries the messages."""

    MOCK = "mock"
    HTTP = "http"


class UnknownOutcome(StrEnum):
    """What becomes of a message that may have been sent: duplicates are preferred to losses, or losses to them."""

    RETRY = "retry"
    FAIL = "fail"


class WorkerSettings(ServiceSettings):
    """Settings of sender-worker."""

    channel: Channel | None = Field(
        default=None,
        description="Consume only this channel's dedicated queue; LEOPARD_DEDICATED_QUEUES must name it",
    )
    prefetch: int = Field(default=2000, ge=1, le=65_535, description="Maximum number of jobs that a worker holds")
    batch_size: int = Field(default=200, ge=1, le=5_000, description="Messages claimed or recorded by one statement")
    lease_seconds: Seconds = Field(
        default=60,
        description="Seconds until another process may take over a claim; must be longer than a provider call",
    )
    backoff_seconds: Seconds = Field(
        default=10, description="Maximum wait in seconds after the first failure; it doubles with each failure"
    )
    backoff_max_seconds: Seconds = Field(default=900, description="Maximum wait in seconds before any retry")
    on_unknown_outcome: UnknownOutcome = Field(
        default=UnknownOutcome.RETRY,
        description="Whether a message that may have been sent is sent again (retry) or not (fail)",
    )
    provider: ProviderName = Field(default=ProviderName.MOCK, description="Provider of the messages: mock or http")
    http_url: Annotated[HttpUrl | None, BlankAsUnset] = Field(default=None, description="URL of the HTTP provider")
    http_token: Annotated[SecretStr | None, BlankAsUnset] = Field(
        default=None, description="Bearer token of the HTTP provider"
    )
    http_timeout_seconds: Seconds = Field(
        default=10, description="Seconds that the HTTP provider may take to answer, once connected"
    )
    http_connections: int = Field(
        default=500, ge=1, le=10_000, description="Maximum number of connections to the HTTP provider"
    )
    mock_latency_min_seconds: float = Field(
        default=0.05, ge=0, le=60, description="Minimum latency of the mock provider, in seconds"
    )
    mock_latency_max_seconds: float = Field(
        default=0.2, ge=0, le=60, description="Maximum latency of the mock provider, in seconds"
    )
    mock_success_rate: float = Field(
        default=0.95, ge=0, le=1, description="Share of messages that the mock provider accepts"
    )
    mock_seed: int | None = Field(default=None, description="Makes the mock provider's results repeatable")

    @field_validator("http_token")
    @classmethod
    def _fits_a_header(cls, token: SecretStr | None) -> SecretStr | None:
        if token is None:
            return None
        text = token.get_secret_value().strip()
        if not text.isascii() or not text.isprintable():
            msg = "holds characters that no HTTP header can carry"
            raise ValueError(msg)
        return SecretStr(text)

    @model_validator(mode="after")
    def _fits_together(self) -> "WorkerSettings":
        if self.provider is ProviderName.HTTP and not self.http_url:
            msg = "LEOPARD_HTTP_URL is needed where LEOPARD_PROVIDER is http"
            raise ValueError(msg)
        longest = self.http_timeout_seconds + connect_seconds(self.http_timeout_seconds)
        if self.lease_seconds <= longest and self.provider is ProviderName.HTTP:
            msg = f"LEOPARD_LEASE_SECONDS must be above {longest:g}: LEOPARD_HTTP_TIMEOUT_SECONDS, and connecting"
            raise ValueError(msg)
        if self.mock_latency_min_seconds > self.mock_latency_max_seconds:
            msg = "LEOPARD_MOCK_LATENCY_MIN_SECONDS must not be above LEOPARD_MOCK_LATENCY_MAX_SECONDS"
            raise ValueError(msg)
        return self
