"""Metrics of the sender-worker."""

from typing import Final

from prometheus_client import Counter, Gauge, Histogram

from leopard.domain.statuses import Channel, MessageStatus

OUTCOMES: Final = ("success", "retryable", "permanent", "throttled", "unavailable", "unknown")

_attempts: Final = Counter("leopard_send_attempts_total", "Messages handed to a provider.", ["channel", "outcome"])
_send_seconds: Final = Histogram(
    "leopard_send_duration_seconds",
    "How long a provider took to answer.",
    ["channel"],
    buckets=(0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
_finished: Final = Counter(
    "leopard_messages_final_total", "Messages finished, by channel and outcome.", ["channel", "outcome"]
)

# looked up once, because a lookup by labels costs more than an increment
ATTEMPTS: Final = {
    (channel, outcome): _attempts.labels(channel, outcome) for channel in Channel for outcome in OUTCOMES
}
"""By channel and outcome."""
SEND_SECONDS: Final = {channel: _send_seconds.labels(channel) for channel in Channel}
"""By channel."""
FINISHED: Final = {
    (channel, status): _finished.labels(channel, status)
    for channel in Channel
    for status in (MessageStatus.SENT, MessageStatus.FAILED)
}
"""By channel and status."""
NOT_CLAIMED: Final = Counter("leopard_jobs_without_claim_total", "Jobs without a message to send.")
UNKNOWN_OUTCOMES: Final = Counter(
    "leopard_unknown_outcomes_total", "Messages that may have been sent: the claim or the answer was lost."
)
PARKED: Final = Counter(
    "leopard_messages_parked_total", "Messages returned to PostgreSQL because their provider is held."
)
PROVIDER_HELD: Final = Gauge("leopard_provider_held", "1 while a provider is held for all workers.", ["provider"])
PROVIDER_HOLDS: Final = Counter("leopard_provider_holds_total", "Holds that this worker started, by cause.", ["cause"])
REFUSED_RESULTS: Final = Counter("leopard_refused_results_total", "Results that the database refused with their texts.")
LATE_RESULTS: Final = Counter("leopard_late_results_total", "Results that came after the end of their claim.")
DEAD_LETTERED: Final = Counter("leopard_messages_dead_lettered_total", "Jobs that this worker dead-lettered.")
IN_FLIGHT: Final = Gauge("leopard_inflight_messages", "Messages that are being sent now.")

for _cause in ("throttled", "unavailable"):
    PROVIDER_HOLDS.labels(_cause)
