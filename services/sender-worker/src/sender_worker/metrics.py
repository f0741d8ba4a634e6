"""What sender-worker counts."""

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
_finished: Final = Counter("leopard_messages_final_total", "Messages that are finished.", ["channel", "outcome"])

# looked up here once: finding a label's counter costs more than counting
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
NOT_CLAIMED: Final = Counter("leopard_jobs_without_claim_total", "Jobs for which there was nothing to send.")
UNKNOWN_OUTCOMES: Final = Counter(
    "leopard_unknown_outcomes_total", "Messages that may have been sent: the claim or the answer was lost."
)
PARKED: Final = Counter("leopard_messages_parked_total", "Messages sent back to the tables because a provider is held.")
PROVIDER_HELD: Final = Gauge("leopard_provider_held", "1 while a provider is held for all workers.", ["provider"])
PROVIDER_HOLDS: Final = Counter("leopard_provider_holds_total", "Holds that this worker began, by cause.", ["cause"])
REFUSED_RESULTS: Final = Counter("leopard_refused_results_total", "Results that the database refused as they were.")
LATE_RESULTS: Final = Counter("leopard_late_results_total", "Results that came after their claim had ended.")
DEAD_LETTERED: Final = Counter("leopard_messages_dead_lettered_total", "Jobs that did not parse.")
IN_FLIGHT: Final = Gauge("leopard_inflight_messages", "Messages that a provider has been asked to send.")

for _cause in ("throttled", "unavailable"):
    PROVIDER_HOLDS.labels(_cause)
