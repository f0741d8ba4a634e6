"""Runs the revisions on the connection that `leopard.db.migration` hands over."""

from alembic import context
from sqlmodel import SQLModel

import leopard.db.tables  # noqa: F401 registers the tables

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=SQLModel.metadata,
    transaction_per_migration=True,
    compare_type=True,
    compare_server_default=True,
)
with context.begin_transaction():
    context.run_migrations()
