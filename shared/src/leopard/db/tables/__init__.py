"""The tables as SQLModel classes. `alembic check` verifies that the migrations produce them. Runs no SQL.

SQL that reads or writes a table is in the module of its subject, and runs through psycopg.
"""

from leopard.db.tables.campaigns import AudienceRecipients, Campaign, CampaignCount, IdempotencyKey, PostponedRecipient
from leopard.db.tables.customers import Customer, CustomerField, CustomerFieldCount, Segment
from leopard.db.tables.deliveries import Installation, ProviderState, QueueProgress
from leopard.db.tables.dry_runs import DryRun
from leopard.db.tables.imports import Import, ImportRejects
from leopard.db.tables.messages import Chunk, OutboundMessage

__all__ = [
    "AudienceRecipients",
    "Campaign",
    "CampaignCount",
    "Chunk",
    "Customer",
    "CustomerField",
    "CustomerFieldCount",
    "DryRun",
    "IdempotencyKey",
    "Import",
    "ImportRejects",
    "Installation",
    "OutboundMessage",
    "PostponedRecipient",
    "ProviderState",
    "QueueProgress",
    "Segment",
]
