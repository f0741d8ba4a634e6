"""Fixtures of the tests of the local tools."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture
def folder() -> Iterator[Path]:
    """An empty folder that PostgreSQL can enter as another user."""
    with tempfile.TemporaryDirectory(prefix="leopard-local-") as name:
        Path(name).chmod(0o755)
        yield Path(name)
