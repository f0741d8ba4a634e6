"""Runs the revisions on the connection that `leopard.db.migration` provides, or prints their SQL without one."""

from typing import Any

from alembic import context
from sqlmodel import SQLModel

import leopard.db.tables  # noqa: F401 registers the tables

if context.is_offline_mode():
    target: dict[str, Any] = {"dialect_name": "postgresql"}
else:
    target = {"connection": context.config.attributes["connection"]}
context.configure(
    **target,
    target_metadata=SQLModel.metadata,
    transaction_per_migration=True,
    compare_type=True,
    compare_server_default=True,
)
with context.begin_transaction():
    context.run_migrations()
