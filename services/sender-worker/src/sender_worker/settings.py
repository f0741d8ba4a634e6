"""What sender-worker can be told."""

from enum import StrEnum

from pydantic import Field

from leopard.settings import Seconds, ServiceSettings


class ProviderName(StrEnum):
    """Who carries the messages."""

    MOCK = "mock"


class WorkerSettings(ServiceSettings):
    """Settings of sender-worker."""

    prefetch: int = Field(
        default=1000, ge=1, le=65_535, description="Jobs that a worker holds at a time, waiting or in flight"
    )
    batch_size: int = Field(default=200, ge=1, le=5_000, description="Messages claimed or recorded by one statement")
    lease_seconds: Seconds = Field(
        default=60, description="How long a claimed message is nobody else's; longer than the provider may take"
    )
    backoff_seconds: Seconds = Field(
        default=10, description="A retry waits up to this long after the first failure, up to twice after the second"
    )
    backoff_max_seconds: Seconds = Field(default=900, description="A retry never waits longer than this")
    provider: ProviderName = Field(default=ProviderName.MOCK, description="Who carries the messages: mock")
    mock_latency_min_seconds: float = Field(default=0.05, ge=0, le=60, description="The mock's quickest answer")
    mock_latency_max_seconds: float = Field(default=0.2, ge=0, le=60, description="The mock's slowest answer")
    mock_success_rate: float = Field(default=0.95, ge=0, le=1, description="The share that the mock accepts")
    mock_seed: int | None = Field(default=None, description="Makes the mock's luck repeatable")
