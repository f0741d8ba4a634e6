"""Imports of customers, and the rows that they rejected. The version before ignores both tables."""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

IMPORTS = """
CREATE TABLE imports (
    id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    status          text NOT NULL DEFAULT 'running' CONSTRAINT imports_status_check
                    CHECK (status IN ('running', 'done', 'failed', 'cancelled', 'interrupted')),
    mode            text NOT NULL CONSTRAINT imports_mode_check
                    CHECK (mode IN ('upsert', 'create_only', 'update_only')),
    dry_run         boolean NOT NULL,
    default_country text,
    format          text,
    encoding        text,
    columns         jsonb NOT NULL DEFAULT '[]',
    bytes_total     bigint,
    bytes_read      bigint NOT NULL DEFAULT 0,
    rows            bigint NOT NULL DEFAULT 0,
    created         bigint NOT NULL DEFAULT 0,
    updated         bigint NOT NULL DEFAULT 0,
    unchanged       bigint NOT NULL DEFAULT 0,
    rejected        bigint NOT NULL DEFAULT 0,
    duplicates      bigint NOT NULL DEFAULT 0,
    rejects_kept    bigint NOT NULL DEFAULT 0,
    problem         text,
    created_at      timestamptz NOT NULL DEFAULT now(),
    seen_at         timestamptz NOT NULL DEFAULT now(),
    finished_at     timestamptz
)
"""

REJECTS = """
CREATE TABLE import_rejects (
    import_id bigint NOT NULL REFERENCES imports ON DELETE CASCADE,
    first_row bigint NOT NULL,
    rejects   jsonb NOT NULL,
    PRIMARY KEY (import_id, first_row)
)
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute(IMPORTS)
    op.execute("CREATE INDEX idx_imports_running ON imports (seen_at) WHERE status = 'running'")
    op.execute(REJECTS)


def downgrade() -> None:
    op.execute("DROP TABLE import_rejects")
    op.execute("DROP TABLE imports")
