"""Campaigns as tables on a terminal, or as plain columns elsewhere."""

import sys
from collections.abc import Mapping, Sequence
from typing import Any, Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

_STATS: Final = ("total", "pending", "sent", "failed", "cancelled", "retries", "unknown_outcomes", "held_out")


def output() -> Console:
    """Standard output; wide enough that no line is broken where it is not a terminal."""
    return Console(width=None if sys.stdout.isatty() else 160, highlight=False)


def printable(written: object) -> Text:
    """A text of a client or a customer: without markup, and without characters that control a terminal."""
    return Text(
        "".join(one if one.isprintable() or one == "\n" else "\N{REPLACEMENT CHARACTER}" for one in str(written))
    )


def show_list(campaigns: Sequence[Mapping[str, Any]]) -> None:
    """Print campaigns, one a line."""
    table = _table("id", "status", "channel", "created", "scheduled", "name")
    for one in campaigns:
        scheduled = str(one["scheduled_at"] or "")[:16]
        row = (one["id"], one["status"], one["channel"], one["created_at"][:16], scheduled, one["name"])
        table.add_row(*map(printable, row))
    output().print(table)


def show_campaign(campaign: Mapping[str, Any]) -> None:
    """Print one campaign with its numbers."""
    console = output()
    table = _table("", "")
    table.show_header = False
    for name in ("id", "name", "channel", "status", "created_at", "scheduled_at", "failure_reason", "base_template"):
        if campaign.get(name) is not None:
            table.add_row(name, printable(campaign[name]))
    if waiting := campaign.get("waiting"):
        table.add_row("waiting", printable(f"{waiting['reason']}, next attempt {waiting['until']}"))
    for warning in campaign["warnings"]:
        table.add_row("warning", printable(warning))
    console.print(table)
    numbers = _table("messages", "")
    numbers.show_header = False
    for name in _STATS:
        if name in campaign["stats"]:
            numbers.add_row(name.replace("_", " "), f"{campaign['stats'][name]:,}")
    console.print(numbers)
    if variants := campaign["stats"].get("variants"):
        console.print(_variants(variants))
        for one in campaign.get("comparisons", ()):
            console.print(printable(_comparison(one)))


def show_failures(failures: Sequence[Mapping[str, Any]]) -> None:
    """Print the reasons of failures."""
    table = _table("messages", "waiting", "reason", "for example messages")
    for one in failures:
        examples = ", ".join(map(str, one["message_ids"]))
        table.add_row(f"{one['messages']:,}", f"{one['waiting']:,}", printable(one["reason"] or ""), examples)
    output().print(table)


def _variants(variants: Sequence[Mapping[str, Any]]) -> Table:
    table = _table("variant", "total", "sent", "failed", "success")
    for one in variants:
        share = "" if one["success_share"] is None else f"{one['success_share']:.1%}"
        table.add_row(printable(one["name"]), f"{one['total']:,}", f"{one['sent']:,}", f"{one['failed']:,}", share)
    return table


def _comparison(one: Mapping[str, Any]) -> str:
    first, second = one["variants"]
    if one["interval"] is None:
        return f"{first} and {second}: {one['verdict']}"
    low, high = one["interval"]
    return f"{first} and {second}: {one['difference']:+.1%} ({low:+.1%} to {high:+.1%}), {one['verdict']}"


def _table(*columns: str) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0))
    for column in columns:
        table.add_column(column, overflow="fold")
    return table
