"""Indexes for filters of customers: attributes, location.

They are built without blocking writers. A build that fails leaves an invalid index, which the next run drops.
"""

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

INDEXES = {
    # half the size of the default operator class; supports @>, to which equal, in and contains are compiled
    "idx_customers_attributes": "customers USING gin (attributes jsonb_path_ops)",
    "idx_customers_location": "customers (location)",
}


def upgrade() -> None:
    with op.get_context().autocommit_block():
        for name, columns in INDEXES.items():
            op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")
            op.execute(f"CREATE INDEX CONCURRENTLY IF NOT EXISTS {name} ON {columns}")


def downgrade() -> None:
    for name in INDEXES:
        op.execute(f"DROP INDEX {name}")
