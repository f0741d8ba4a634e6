"""Dry runs of campaigns. The version before ignores the table."""

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

DRY_RUNS = """
CREATE TABLE dry_runs (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    campaign_id bigint NOT NULL REFERENCES campaigns ON DELETE CASCADE,
    status      text NOT NULL DEFAULT 'running' CONSTRAINT dry_runs_status_check
                CHECK (status IN ('running', 'done', 'failed', 'cancelled', 'interrupted')),
    recipients  bigint,
    rendered    bigint NOT NULL DEFAULT 0,
    problem     text,
    report      jsonb,
    created_at  timestamptz NOT NULL DEFAULT now(),
    seen_at     timestamptz NOT NULL DEFAULT now(),
    finished_at timestamptz
)
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute(DRY_RUNS)
    op.execute("CREATE INDEX idx_dry_runs_campaign_id ON dry_runs (campaign_id)")
    op.execute("CREATE INDEX idx_dry_runs_running ON dry_runs (seen_at) WHERE status = 'running'")


def downgrade() -> None:
    op.execute("DROP TABLE dry_runs")
