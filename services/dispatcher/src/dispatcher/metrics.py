"""What dispatcher counts."""

from typing import Final

from prometheus_client import Counter, Gauge, Histogram

MESSAGES_CREATED: Final = Counter("leopard_messages_created_total", "Message rows written for audiences.")
PUBLISHED: Final = Counter("leopard_publish_total", "Jobs published, by what the broker said.", ["result"])
PUBLISH_SECONDS: Final = Histogram("leopard_publish_confirm_seconds", "From a batch of jobs to its last confirm.")
QUEUE_DEPTH: Final = Gauge("leopard_queue_depth", "Jobs ready in a queue, as last seen.", ["queue"])
RELEASED: Final = Counter("leopard_retries_released_total", "Messages whose next attempt came due.")
LOST_FOUND: Final = Counter("leopard_lost_jobs_found_total", "Pending messages whose jobs had to be published again.")
CAMPAIGNS_FINISHED: Final = Counter("leopard_campaigns_finished_total", "Campaigns that came to their end.")

for _result in ("confirmed", "unconfirmed"):
    PUBLISHED.labels(_result)
