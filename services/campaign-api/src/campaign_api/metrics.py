"""Metrics of campaign-api, except those of requests."""

from typing import Final

from prometheus_client import Counter

SEND_REQUESTS: Final = Counter("leopard_send_requests_total", "Sends that were accepted.")
PREVIEWS: Final = Counter("leopard_template_previews_total", "Messages rendered for a preview.")
