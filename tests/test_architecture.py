"""The files in docs/architecture.md exist, a message passes through few files, and files are short."""

import re
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[1]
SOURCES: Final = {
    "leopard": ROOT / "shared/src",
    "campaign_api": ROOT / "services/campaign-api/src",
    "dispatcher": ROOT / "services/dispatcher/src",
    "sender_worker": ROOT / "services/sender-worker/src",
}
GUIDE: Final = (ROOT / "docs/architecture.md").read_text()
MAX_FILES_OF_A_MESSAGE: Final = 32
MAX_LINES: Final = 250


def named(text: str) -> set[str]:
    return set(re.findall(rf"`((?:{'|'.join(SOURCES)})/[\w/]+\.py)`", text))


def source(name: str) -> Path:
    return SOURCES[name.split("/", 1)[0]] / name


def test_every_file_in_the_guide_exists() -> None:
    to_come = GUIDE[GUIDE.index("Rooms to come") :]
    missing = [name for name in named(GUIDE) - named(to_come) if not source(name).is_file()]
    assert missing == []


def test_a_message_passes_through_few_files() -> None:
    way = GUIDE[GUIDE.index("## The way of a message") : GUIDE.index("## State machines")]
    assert 20 < len(named(way)) <= MAX_FILES_OF_A_MESSAGE


def test_no_file_of_a_service_is_long() -> None:
    lengths = {path: len(path.read_text().splitlines()) for root in SOURCES.values() for path in root.rglob("*.py")}
    assert {path: length for path, length in lengths.items() if length > MAX_LINES} == {}
