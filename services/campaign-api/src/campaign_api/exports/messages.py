"""The export of a campaign's messages."""

from typing import Final

from campaign_api.exports.formats import ExportFormat, Layout, Row, cell, csv_layout, json_text
from campaign_api.messages.queries import VARIANT_NAME

_COLUMNS: Final = (
    "id", "customer_id", "phone", "status", "rendered_content", "last_error", "retry_count", "next_attempt_at",
    "created_at", "updated_at", "variant", "content",
)  # fmt: skip

MESSAGES: Final = f"""
SELECT m.id, m.customer_id, customers.phone, m.status, m.rendered_content, m.last_error, m.retry_count,
       m.next_attempt_at, m.created_at, m.updated_at, {VARIANT_NAME} AS variant, m.content::text AS content
  FROM outbound_messages AS m
  JOIN campaigns ON campaigns.id = m.campaign_id
  JOIN customers ON customers.id = m.customer_id
 WHERE m.campaign_id = %(campaign_id)s AND (%(status)s::text IS NULL OR m.status = %(status)s)
 ORDER BY m.customer_id
"""
"""The messages of a campaign with the phone numbers of their customers, and their rich content as JSON."""


def messages_layout(file_format: ExportFormat) -> Layout:
    """The layout of exported messages."""
    if file_format is ExportFormat.CSV:
        return csv_layout(_COLUMNS, lambda row: [cell(value) for value in row])
    return Layout("", lambda rows: "".join(map(_line, rows)))


def _line(row: Row) -> str:
    *values, content = row
    written = [f'"{name}": {json_text(value)}' for name, value in zip(_COLUMNS[:-1], values, strict=True)]
    return f'{{{", ".join(written)}, "content": {content or "null"}}}\n'
