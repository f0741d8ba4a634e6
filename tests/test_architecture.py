"""docs/architecture.md names files that exist, and the way of a message stays short."""

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
MOST_FILES_ON_THE_WAY: Final = 32
MOST_LINES: Final = 250


def named(text: str) -> set[str]:
    return set(re.findall(rf"`((?:{'|'.join(SOURCES)})/[\w/]+\.py)`", text))


def source(name: str) -> Path:
    return SOURCES[name.split("/", 1)[0]] / name


def test_every_file_that_the_guide_names_exists() -> None:
    to_come = GUIDE[GUIDE.index("Rooms to come") :]
    missing = [name for name in named(GUIDE) - named(to_come) if not source(name).is_file()]
    assert missing == []


def test_the_way_of_a_message_stays_short() -> None:
    way = GUIDE[GUIDE.index("## The way of a message") : GUIDE.index("## State machines")]
    assert 20 < len(named(way)) <= MOST_FILES_ON_THE_WAY


def test_no_file_of_a_service_is_long() -> None:
    lengths = {path: len(path.read_text().splitlines()) for root in SOURCES.values() for path in root.rglob("*.py")}
    assert {path: length for path, length in lengths.items() if length > MOST_LINES} == {}
