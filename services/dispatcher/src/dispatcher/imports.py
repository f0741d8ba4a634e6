"""Ends imports whose processes have ended, and deletes rejected rows, which hold personal data, after some days."""

from typing import Final

from leopard.db.pool import Connection

LOST_SECONDS: Final = 60
"""A process reports on its imports every few seconds."""

_END_LOST: Final = """
WITH lost AS (
    SELECT id
      FROM imports
     WHERE status = 'running' AND seen_at < now() - make_interval(secs => %(seconds)s)
     ORDER BY id
       FOR UPDATE SKIP LOCKED
)
UPDATE imports
   SET status = 'interrupted', finished_at = now(), problem = 'The service that read the upload has ended'
  FROM lost
 WHERE imports.id = lost.id
RETURNING imports.id
"""

_DELETE_REJECTS: Final = """
DELETE FROM import_rejects
 USING imports
 WHERE imports.id = import_rejects.import_id
   AND imports.finished_at < now() - make_interval(secs => %(days)s * 86400)
"""


async def end_lost_imports(connection: Connection) -> list[int]:
    """Mark imports as interrupted that no process works on; returns their ids."""
    cursor = await connection.execute(_END_LOST, {"seconds": LOST_SECONDS})
    return [import_id for (import_id,) in await cursor.fetchall()]


async def forget_rejects(connection: Connection, *, days: float) -> None:
    """Delete the rejected rows of imports that ended some days ago."""
    await connection.execute(_DELETE_REJECTS, {"days": days})
