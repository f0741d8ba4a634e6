"""docs/kubernetes.md as data: its sections, its commands, its tables."""

import re
from pathlib import Path

PAGE = Path(__file__).resolve().parents[2] / "docs/kubernetes.md"
_STARTS = ("kubectl ", "helm ", "make ", "deploy/kind/", "kind ", "curl ", "cp ", "tilt ")


def section(title: str) -> str:
    """The text of a section.

    Raises:
        ValueError: There is no such section.
    """
    for part in re.split(r"^## ", PAGE.read_text(), flags=re.MULTILINE):
        if part.startswith(f"{title}\n"):
            return part
    raise ValueError(f"docs/kubernetes.md has no section {title!r}")


def commands(title: str) -> list[str]:
    """The commands of a section in their order: what is indented as code and begins with a tool's name."""
    joined = re.sub(r"\\\n\s+", "", section(title))
    lines = [line.strip() for line in joined.splitlines() if line.startswith("    ")]
    return [line for line in lines if line.startswith(_STARTS)]


def table(title: str, first: str) -> list[list[str]]:
    """The rows of the section's table whose first heading is `first`, cell by cell."""
    lines = section(title).splitlines()
    [start] = [number for number, line in enumerate(lines) if line.startswith(f"| {first} |")]
    rows = []
    for line in lines[start + 2 :]:
        if not line.startswith("|"):
            break
        rows.append([cell.strip() for cell in line.strip("|").split("|")])
    return rows
