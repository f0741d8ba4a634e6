"""Customers, campaigns, their chunks, messages and counts."""

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

CUSTOMERS = """
CREATE TABLE customers (
    id                bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    phone             text NOT NULL CONSTRAINT customers_phone_key UNIQUE,
    first_name        text,
    last_name         text,
    location          text,
    preferred_product text,
    created_at        timestamptz NOT NULL DEFAULT now(),
    updated_at        timestamptz NOT NULL DEFAULT now()
)
"""

CAMPAIGNS = """
CREATE TABLE campaigns (
    id                  bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name                text NOT NULL,
    channel             text NOT NULL CONSTRAINT campaigns_channel_check CHECK (channel IN ('sms', 'whatsapp')),
    status              text NOT NULL DEFAULT 'draft' CONSTRAINT campaigns_status_check
                        CHECK (status IN ('draft', 'scheduled', 'sending', 'paused', 'sent', 'failed', 'cancelled')),
    base_template       text NOT NULL,
    scheduled_at        timestamptz,
    created_at          timestamptz NOT NULL DEFAULT now(),
    updated_at          timestamptz NOT NULL DEFAULT now(),
    audience            jsonb,
    audience_last_id    bigint,
    audience_planned_to bigint NOT NULL DEFAULT 0,
    audience_unplanned  bigint NOT NULL DEFAULT 0,
    served_at           timestamptz,
    traceparent         text
);
CREATE INDEX idx_campaigns_status ON campaigns (status);
CREATE INDEX idx_campaigns_created_at ON campaigns (created_at DESC);
CREATE INDEX idx_campaigns_channel ON campaigns (channel)
"""

CHUNKS = """
CREATE TABLE campaign_chunks (
    id                bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    campaign_id       bigint NOT NULL REFERENCES campaigns ON DELETE CASCADE,
    first_customer_id bigint NOT NULL,
    last_customer_id  bigint NOT NULL,
    claimed_until     timestamptz,
    check_at          timestamptz
);
CREATE INDEX idx_campaign_chunks_campaign_id ON campaign_chunks (campaign_id);
CREATE INDEX idx_campaign_chunks_check_at ON campaign_chunks (check_at)
"""

# Half of each page stays free for the claim and the result, which then touch no index (heap-only updates).
MESSAGES = """
CREATE TABLE outbound_messages (
    id               bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    campaign_id      bigint NOT NULL REFERENCES campaigns ON DELETE CASCADE,
    customer_id      bigint NOT NULL REFERENCES customers ON DELETE CASCADE,
    status           text NOT NULL DEFAULT 'pending' CONSTRAINT outbound_messages_status_check
                     CHECK (status IN ('pending', 'sent', 'failed', 'cancelled')),
    rendered_content text,
    last_error       text,
    retry_count      integer NOT NULL DEFAULT 0,
    created_at       timestamptz NOT NULL DEFAULT now(),
    updated_at       timestamptz NOT NULL DEFAULT now(),
    claimed_until    timestamptz,
    next_attempt_at  timestamptz,
    CONSTRAINT outbound_messages_campaign_id_customer_id_key UNIQUE (campaign_id, customer_id)
) WITH (fillfactor = 50);
CREATE INDEX idx_outbound_messages_customer_id ON outbound_messages (customer_id);
CREATE INDEX idx_outbound_messages_next_attempt_at ON outbound_messages (next_attempt_at)
    WHERE next_attempt_at IS NOT NULL
"""

COUNTS = """
CREATE TABLE campaign_counts (
    campaign_id      bigint NOT NULL REFERENCES campaigns ON DELETE CASCADE,
    shard            smallint NOT NULL,
    total            bigint NOT NULL DEFAULT 0,
    sent             bigint NOT NULL DEFAULT 0,
    failed           bigint NOT NULL DEFAULT 0,
    cancelled        bigint NOT NULL DEFAULT 0,
    retries          bigint NOT NULL DEFAULT 0,
    unknown_outcomes bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (campaign_id, shard)
) WITH (fillfactor = 50)
"""

# A customer who is deleted takes messages along; a process that adds to the counts knows nothing of it, so they are
# corrected where it happens. A campaign that is being deleted itself has its counts deleted as well.
UNCOUNT = """
CREATE FUNCTION uncount_deleted_messages() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO campaign_counts AS counts (campaign_id, shard, total, sent, failed, cancelled)
    SELECT gone.campaign_id, 0, -count(*), -count(*) FILTER (WHERE gone.status = 'sent'),
           -count(*) FILTER (WHERE gone.status = 'failed' AND gone.next_attempt_at IS NULL),
           -count(*) FILTER (WHERE gone.status = 'cancelled')
      FROM gone JOIN campaigns ON campaigns.id = gone.campaign_id
     GROUP BY gone.campaign_id
     ORDER BY gone.campaign_id
        ON CONFLICT (campaign_id, shard) DO UPDATE
       SET total = counts.total + excluded.total,
           sent = counts.sent + excluded.sent,
           failed = counts.failed + excluded.failed,
           cancelled = counts.cancelled + excluded.cancelled;
    RETURN NULL;
END
$$;
CREATE TRIGGER uncount_deleted_messages AFTER DELETE ON outbound_messages
    REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION uncount_deleted_messages()
"""


IDEMPOTENCY_KEYS = """
CREATE TABLE idempotency_keys (
    key          text NOT NULL,
    endpoint     text NOT NULL,
    request_hash bytea NOT NULL,
    answer       jsonb,
    created_at   timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (key, endpoint)
);
CREATE INDEX idx_idempotency_keys_created_at ON idempotency_keys (created_at)
"""


def upgrade() -> None:
    for statements in (CUSTOMERS, CAMPAIGNS, CHUNKS, MESSAGES, COUNTS, UNCOUNT, IDEMPOTENCY_KEYS):
        op.execute(statements)


def downgrade() -> None:
    for table in (
        "idempotency_keys",
        "campaign_counts",
        "outbound_messages",
        "campaign_chunks",
        "campaigns",
        "customers",
    ):
        op.execute(f"DROP TABLE {table}")
    op.execute("DROP FUNCTION uncount_deleted_messages")
