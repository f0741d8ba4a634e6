"""Write the SQL of every revision to a file in a folder: `python -m migration_sql FOLDER`."""

import shutil
import sys
from pathlib import Path

from alembic import command
from alembic.script import ScriptDirectory

from leopard.db.migration import alembic_config


def write_revisions(folder: Path) -> list[Path]:
    """Delete `folder`, and write the upgrade of each revision to a file in it. Return the files."""
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
