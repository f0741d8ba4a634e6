"""Metrics of campaign-api, except those of requests."""

from typing import Final

from prometheus_client import Counter, Gauge

SEND_REQUESTS: Final = Counter("leopard_send_requests_total", "Sends that were accepted.")
PREVIEWS: Final = Counter("leopard_template_previews_total", "Messages rendered for a preview.")
IMPORTS: Final = Counter("leopard_imports_total", "Imports of customers that have ended.", ["status"])
IMPORTS_RUNNING: Final = Gauge("leopard_imports_running", "Imports of customers that run in this process.")
DRY_RUNS: Final = Counter("leopard_dry_runs_total", "Dry runs of campaigns that have ended.", ["status"])
DRY_RUNS_RUNNING: Final = Gauge("leopard_dry_runs_running", "Dry runs of campaigns that run in this process.")
DRY_RUN_MESSAGES: Final = Counter("leopard_dry_run_messages_total", "Recipients that dry runs are done with.")
EXPORT_ROWS: Final = Counter("leopard_export_rows_total", "Rows that were exported.", ["export"])
IMPORT_ROWS: Final = Counter("leopard_import_rows_total", "Rows of imports that are done.", ["result"])
