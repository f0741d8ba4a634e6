"""Attributes of customers, the types of attributes, saved segments, and the recipients that a send has fixed.

The version before ignores all of it: every new column has a default, and no column changes.
"""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

CUSTOMERS = """
ALTER TABLE customers
    ADD COLUMN attributes jsonb NOT NULL DEFAULT '{}',
    ADD COLUMN preferred_language text,
    ADD COLUMN time_zone text
"""

FIELDS = """
CREATE TABLE customer_fields (
    name       text PRIMARY KEY,
    type       text NOT NULL CONSTRAINT customer_fields_type_check
               CHECK (type IN ('text', 'number', 'boolean', 'date', 'texts')),
    created_at timestamptz NOT NULL DEFAULT now()
)
"""

SEGMENTS = """
CREATE TABLE segments (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name       text NOT NULL CONSTRAINT segments_name_key UNIQUE,
    filter     jsonb NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
)
"""

RECIPIENTS = """
CREATE TABLE audience_recipients (
    campaign_id  bigint NOT NULL REFERENCES campaigns ON DELETE CASCADE,
    last_id      bigint NOT NULL,
    customer_ids bigint[] NOT NULL,
    PRIMARY KEY (campaign_id, last_id)
)
"""


def upgrade() -> None:
    # a running campaign reads customers all the time: the migration gives way instead of standing in front of it
    op.execute("SET LOCAL lock_timeout = '5s'")
    for statements in (CUSTOMERS, FIELDS, SEGMENTS, RECIPIENTS):
        op.execute(statements)


def downgrade() -> None:
    for table in ("audience_recipients", "segments", "customer_fields"):
        op.execute(f"DROP TABLE {table}")
    op.execute("ALTER TABLE customers DROP COLUMN attributes, DROP COLUMN preferred_language, DROP COLUMN time_zone")
