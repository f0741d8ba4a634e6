"""Ends dry runs whose processes have ended, and deletes old ones, whose samples hold personal data."""

from typing import Final

from leopard.db.pool import Connection

LOST_SECONDS: Final = 60
"""A process reports on its dry runs every second."""

_END_LOST: Final = """
WITH lost AS (
    SELECT id
      FROM dry_runs
     WHERE status = 'running' AND seen_at < now() - make_interval(secs => %(seconds)s)
     ORDER BY id
       FOR UPDATE SKIP LOCKED
)
UPDATE dry_runs
   SET status = 'interrupted', finished_at = now(), problem = 'The service that rendered it has ended'
  FROM lost
 WHERE dry_runs.id = lost.id
RETURNING dry_runs.id
"""

_DELETE: Final = """
WITH old AS (
    SELECT id
      FROM dry_runs
     WHERE finished_at < now() - make_interval(secs => %(days)s * 86400)
     ORDER BY id
       FOR UPDATE SKIP LOCKED
)
DELETE FROM dry_runs USING old WHERE dry_runs.id = old.id
"""


async def end_lost_dry_runs(connection: Connection) -> list[int]:
    """Mark dry runs as interrupted that no process works on; returns their ids."""
    cursor = await connection.execute(_END_LOST, {"seconds": LOST_SECONDS})
    return [dry_run_id for (dry_run_id,) in await cursor.fetchall()]


async def forget_dry_runs(connection: Connection, *, days: float) -> None:
    """Delete dry runs that ended some days ago."""
    await connection.execute(_DELETE, {"days": days})
