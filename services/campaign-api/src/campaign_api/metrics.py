"""Metrics of campaign-api, except those of requests."""

from typing import Final

from prometheus_client import Counter, Gauge

SEND_REQUESTS: Final = Counter("leopard_send_requests_total", "Sends that were accepted.")
PREVIEWS: Final = Counter("leopard_template_previews_total", "Messages rendered for a preview.")
IMPORTS: Final = Counter("leopard_imports_total", "Imports of customers that have ended.", ["status"])
IMPORTS_RUNNING: Final = Gauge("leopard_imports_running", "Imports of customers that run in this process.")
EXPORT_ROWS: Final = Counter("leopard_export_rows_total", "Rows that were exported.", ["export"])
IMPORT_ROWS: Final = Counter("leopard_import_rows_total", "Rows of imports that are done.", ["result"])
