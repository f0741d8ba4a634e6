"""Writes the SQL of every revision to a folder, a file each: `python -m migration_sql FOLDER`."""

import shutil
import sys
from pathlib import Path

from alembic import command
from alembic.script import ScriptDirectory

from leopard.db.migration import alembic_config


def write_revisions(folder: Path) -> list[Path]:
    """Write the upgrade of each revision to `folder`, which loses what it held before."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    written = []
    for script in ScriptDirectory.from_config(alembic_config()).walk_revisions():
        file = folder / f"{Path(script.path).stem}.sql"
        config = alembic_config()
        with file.open("w") as config.output_buffer:
            command.upgrade(config, f"{script.down_revision or 'base'}:{script.revision}", sql=True)
        written.append(file)
    return written


if __name__ == "__main__":
    write_revisions(Path(sys.argv[1]))
