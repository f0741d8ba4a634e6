"""Squawk checks every migration, and refuses one that would block a running version."""

import subprocess
import sys
from pathlib import Path

import pytest

from leopard.db.migrations import versions
from migration_sql.__main__ import write_revisions

PROJECT = Path(__file__).parents[2]


def squawk(file: Path) -> subprocess.CompletedProcess[str]:
    program, rules = Path(sys.executable).with_name("squawk"), PROJECT / ".squawk.toml"
    command: list[str | Path] = [program, "--config", rules, "--reporter", "gcc", file]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_each_revision_has_a_file_with_its_sql(tmp_path: Path) -> None:
    revisions = {file.stem for folder in versions.__path__ for file in Path(folder).glob("[0-9]*.py")}
    written = write_revisions(tmp_path / "sql")
    assert {file.stem for file in written} == revisions
    for file in written:
        assert f"-> {file.stem.split('_')[0]}\n" in file.read_text()


@pytest.mark.parametrize(
    ("statement", "rule"),
    [
        ("CREATE INDEX idx ON campaigns (name);", "require-concurrent-index-creation"),
        ("ALTER TABLE campaigns ADD COLUMN owner text NOT NULL;", "adding-required-field"),
        ("ALTER TABLE campaigns RENAME COLUMN name TO title;", "renaming-column"),
        ("ALTER TABLE campaigns DROP COLUMN name;", "ban-drop-column"),
        ("ALTER TABLE campaigns ADD CONSTRAINT named CHECK (name <> '');", "constraint-missing-not-valid"),
    ],
)
def test_a_migration_that_blocks_a_running_version_is_refused(statement: str, rule: str, tmp_path: Path) -> None:
    file = tmp_path / "0099_blocking.sql"
    file.write_text(statement)
    done = squawk(file)
    assert done.returncode == 1
    assert rule in done.stdout
