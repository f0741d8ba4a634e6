"""Personalized campaigns: languages, variants, a hold-out and rich content.

The version before ignores the columns. It neither plans nor publishes campaigns of format 3, and a trigger keeps it
from starting one: it would write no variants and leave out nobody.
"""

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

COLUMNS = """
ALTER TABLE campaigns
    ADD COLUMN personalization jsonb,
    ADD COLUMN version         integer NOT NULL DEFAULT 1,
    ADD COLUMN variant_bounds  double precision[],
    ADD COLUMN holdout_share   double precision NOT NULL DEFAULT 0;
ALTER TABLE campaign_counts
    ADD COLUMN held_out bigint NOT NULL DEFAULT 0;
ALTER TABLE outbound_messages
    ADD COLUMN variant smallint,
    ADD COLUMN content jsonb
"""

# Whatever writes a campaign's texts, also a process of the version before: the version follows.
VERSION = """
CREATE FUNCTION count_campaign_versions() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.version := OLD.version + 1;
    RETURN NEW;
END
$$;
CREATE TRIGGER count_campaign_versions BEFORE UPDATE OF base_template, personalization ON campaigns
    FOR EACH ROW
    WHEN (OLD.base_template IS DISTINCT FROM NEW.base_template
          OR OLD.personalization IS DISTINCT FROM NEW.personalization)
    EXECUTE FUNCTION count_campaign_versions()
"""

# Each session says which formats its process knows. The API of the version before answers 503 to this error, so that
# its client tries again.
START = """
CREATE FUNCTION refuse_unknown_format() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.format > COALESCE(NULLIF(current_setting('leopard.known_format', true), ''), '2')::integer THEN
        RAISE EXCEPTION 'campaign % has format %, which this process does not know', NEW.id, NEW.format
              USING ERRCODE = 'lock_not_available', HINT = 'a newer version has written it';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER refuse_unknown_format BEFORE UPDATE OF status ON campaigns
    FOR EACH ROW
    WHEN (NEW.status = 'sending' AND OLD.status IN ('draft', 'scheduled') AND NEW.format > 2)
    EXECUTE FUNCTION refuse_unknown_format()
"""

UNCOUNT = """
CREATE OR REPLACE FUNCTION uncount_deleted_messages() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO campaign_counts AS counts (campaign_id, shard, total, sent, failed, cancelled)
    SELECT gone.campaign_id, {shard}, -count(*), -count(*) FILTER (WHERE gone.status = 'sent'),
           -count(*) FILTER (WHERE gone.status = 'failed' AND gone.next_attempt_at IS NULL),
           -count(*) FILTER (WHERE gone.status = 'cancelled')
      FROM gone JOIN campaigns ON campaigns.id = gone.campaign_id
     GROUP BY 1, 2
     ORDER BY 1, 2
        ON CONFLICT (campaign_id, shard) DO UPDATE
       SET total = counts.total + excluded.total,
           sent = counts.sent + excluded.sent,
           failed = counts.failed + excluded.failed,
           cancelled = counts.cancelled + excluded.cancelled;
    RETURN NULL;
END
$$
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    for statements in (COLUMNS, VERSION, START, UNCOUNT.format(shard="8 * COALESCE(gone.variant, 0)")):
        op.execute(statements)


def downgrade() -> None:
    op.execute(UNCOUNT.format(shard="0"))
    for trigger in ("count_campaign_versions", "refuse_unknown_format"):
        op.execute(f"DROP TRIGGER {trigger} ON campaigns")
        op.execute(f"DROP FUNCTION {trigger}")
    op.execute("ALTER TABLE outbound_messages DROP COLUMN variant, DROP COLUMN content")
    op.execute("ALTER TABLE campaign_counts DROP COLUMN held_out")
    op.execute(
        "ALTER TABLE campaigns DROP COLUMN personalization, DROP COLUMN version, DROP COLUMN variant_bounds,"
        " DROP COLUMN holdout_share"
    )
