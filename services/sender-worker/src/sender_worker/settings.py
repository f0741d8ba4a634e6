"""What sender-worker can be told."""

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
        description="Consume only this channel's dedicated queue; LEOPARD_DEDICATED_QUEUES of dispatcher must name it",
    )
    prefetch: int = Field(
        default=2000, ge=1, le=65_535, description="Jobs that a worker holds at a time, waiting or in flight"
    )
    batch_size: int = Field(default=200, ge=1, le=5_000, description="Messages claimed or recorded by one statement")
    lease_seconds: Seconds = Field(
        default=60, description="How long a claimed message is nobody else's; longer than the provider may take"
    )
    backoff_seconds: Seconds = Field(
        default=10, description="A retry waits up to this long after the first failure, up to twice after the second"
    )
    backoff_max_seconds: Seconds = Field(default=900, description="A retry never waits longer than this")
    on_unknown_outcome: UnknownOutcome = Field(
        default=UnknownOutcome.RETRY,
        description="A message whose worker died, or whose answer was lost, is sent again (retry) or not (fail)",
    )
    provider: ProviderName = Field(default=ProviderName.MOCK, description="Who carries the messages: mock or http")
    http_url: Annotated[HttpUrl | None, BlankAsUnset] = Field(default=None, description="Where the http provider is")
    http_token: Annotated[SecretStr | None, BlankAsUnset] = Field(
        default=None, description="What the http provider knows us by"
    )
    http_timeout_seconds: Seconds = Field(
        default=10, description="How long the http provider may take to answer, once connected"
    )
    http_connections: int = Field(default=500, ge=1, le=10_000, description="Connections to the http provider")
    mock_latency_min_seconds: float = Field(default=0.05, ge=0, le=60, description="The mock's quickest answer")
    mock_latency_max_seconds: float = Field(default=0.2, ge=0, le=60, description="The mock's slowest answer")
    mock_success_rate: float = Field(default=0.95, ge=0, le=1, description="The share that the mock accepts")
    mock_seed: int | None = Field(default=None, description="Makes the mock's luck repeatable")

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
