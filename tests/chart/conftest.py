"""A release for each test that asks for one."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from chart.releases import Release, release_by


@pytest.fixture
def release(helm: str, tmp_path: Path) -> Iterator[Release]:
    """Not installed yet, in an empty cluster."""
    with release_by(helm, tmp_path) as made:
        yield made
