"""The installation's id, the state of providers, what a campaign needs to be read, and where a queue stands.

The version before ignores all of it: every new column has a default, and no column changes.
"""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

# Two installations that share a provider account must never use the same idempotency key.
INSTALLATION = """
CREATE TABLE installation (
    one boolean PRIMARY KEY DEFAULT true CONSTRAINT installation_one_check CHECK (one),
    id  uuid NOT NULL DEFAULT gen_random_uuid()
);
INSERT INTO installation DEFAULT VALUES
"""

PROVIDERS = """
CREATE TABLE provider_states (
    provider          text PRIMARY KEY,
    channels          text[] NOT NULL,
    held_since        timestamptz,
    held_until        timestamptz,
    reason            text,
    holds_in_a_row    integer NOT NULL DEFAULT 0,
    probe_until       timestamptz,
    rate_per_second   double precision,
    rate_threshold    double precision,
    tokens            double precision NOT NULL DEFAULT 0,
    tokens_at         timestamptz NOT NULL DEFAULT now(),
    updated_at        timestamptz NOT NULL DEFAULT now()
) WITH (fillfactor = 50)
"""

CAMPAIGNS = """
ALTER TABLE campaigns ADD COLUMN failure_reason text;
ALTER TABLE campaigns ADD COLUMN format smallint NOT NULL DEFAULT 1
"""

POSTPONED = """
CREATE TABLE postponed_recipients (
    campaign_id bigint NOT NULL REFERENCES campaigns ON DELETE CASCADE,
    customer_id bigint NOT NULL,
    PRIMARY KEY (campaign_id, customer_id)
)
"""

QUEUES = """
ALTER TABLE campaign_chunks ADD COLUMN published_at timestamptz;
CREATE TABLE queue_progress (
    queue           text PRIMARY KEY,
    delivered_up_to timestamptz NOT NULL
) WITH (fillfactor = 50)
"""


def upgrade() -> None:
    # a running campaign reads these tables all the time: the migration gives way instead of standing in front of it
    op.execute("SET LOCAL lock_timeout = '5s'")
    for statements in (INSTALLATION, PROVIDERS, CAMPAIGNS, POSTPONED, QUEUES):
        op.execute(statements)


def downgrade() -> None:
    for table in ("queue_progress", "postponed_recipients", "provider_states", "installation"):
        op.execute(f"DROP TABLE {table}")
    op.execute("ALTER TABLE campaign_chunks DROP COLUMN published_at")
    op.execute("ALTER TABLE campaigns DROP COLUMN format, DROP COLUMN failure_reason")
