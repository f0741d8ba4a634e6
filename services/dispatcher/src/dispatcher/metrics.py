"""Metrics of the dispatcher."""

from typing import Final

from prometheus_client import Counter, Gauge, Histogram

MESSAGES_CREATED: Final = Counter("leopard_messages_created_total", "Message rows written for audiences.")
PUBLISHED: Final = Counter("leopard_publish_total", "Jobs published, by RabbitMQ's confirmation.", ["result"])
PUBLISH_SECONDS: Final = Histogram(
    "leopard_publish_confirm_seconds", "Seconds from publishing a batch of jobs to its last confirm."
)
QUEUE_DEPTH: Final = Gauge("leopard_queue_depth", "Jobs that wait in a queue, as last measured.", ["queue"])
RELEASED: Final = Counter("leopard_retries_released_total", "Messages released because their next attempt was due.")
LOST_FOUND: Final = Counter("leopard_lost_jobs_found_total", "Pending messages whose jobs had to be published again.")
CAMPAIGNS_FINISHED: Final = Counter("leopard_campaigns_finished_total", "Campaigns finished.")

for _result in ("confirmed", "unconfirmed"):
    PUBLISHED.labels(_result)
