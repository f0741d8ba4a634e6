"""What sender-worker counts."""

from typing import Final

from prometheus_client import Counter, Gauge, Histogram

from leopard.domain.statuses import Channel, MessageStatus

ATTEMPTS: Final = Counter("leopard_send_attempts_total", "Messages handed to a provider.", ["channel", "outcome"])
SEND_SECONDS: Final = Histogram(
    "leopard_send_duration_seconds",
    "How long a provider took to answer.",
    ["channel"],
    buckets=(0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
FINISHED: Final = Counter("leopard_messages_final_total", "Messages that are finished.", ["channel", "outcome"])
NOT_CLAIMED: Final = Counter("leopard_jobs_without_claim_total", "Jobs for which there was nothing to send.")
UNKNOWN_OUTCOMES: Final = Counter(
    "leopard_unknown_outcomes_total", "Messages that may have been sent: the claim or the answer was lost."
)
LATE_RESULTS: Final = Counter("leopard_late_results_total", "Results that came after their claim had ended.")
DEAD_LETTERED: Final = Counter("leopard_messages_dead_lettered_total", "Jobs that did not parse.")
IN_FLIGHT: Final = Gauge("leopard_inflight_messages", "Messages that a provider has been asked to send.")

for _channel in Channel:
    for _outcome in ("success", "retryable", "permanent", "throttled", "unknown"):
        ATTEMPTS.labels(_channel, _outcome)
    for _status in (MessageStatus.SENT, MessageStatus.FAILED):
        FINISHED.labels(_channel, _status)
