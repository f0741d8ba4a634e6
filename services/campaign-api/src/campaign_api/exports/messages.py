"""The export of a campaign's messages."""

from typing import Final

from campaign_api.exports.formats import ExportFormat, Layout, Row, cell, csv_layout, json_text

_COLUMNS: Final = (
    "id", "customer_id", "phone", "status", "rendered_content", "last_error", "retry_count", "next_attempt_at",
    "created_at", "updated_at",
)  # fmt: skip

MESSAGES: Final = """
SELECT messages.id, messages.customer_id, customers.phone, messages.status, messages.rendered_content,
       messages.last_error, messages.retry_count, messages.next_attempt_at, messages.created_at, messages.updated_at
  FROM outbound_messages AS messages
  JOIN customers ON customers.id = messages.customer_id
 WHERE messages.campaign_id = %(campaign_id)s AND (%(status)s::text IS NULL OR messages.status = %(status)s)
 ORDER BY messages.customer_id
"""
"""The messages of a campaign with the phone numbers of their customers."""


def messages_layout(file_format: ExportFormat) -> Layout:
    """The layout of exported messages."""
    if file_format is ExportFormat.CSV:
        return csv_layout(_COLUMNS, lambda row: [cell(value) for value in row])
    return Layout("", lambda rows: "".join(map(_line, rows)))


def _line(row: Row) -> str:
    values = [f'"{name}": {json_text(value)}' for name, value in zip(_COLUMNS, row, strict=True)]
    return f"{{{', '.join(values)}}}\n"
