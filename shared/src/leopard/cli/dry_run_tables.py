"""Shows the report of a dry run as tables, and its segments as a bar chart."""

from collections.abc import Mapping
from typing import Any, Final

from rich.bar import Bar
from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from leopard.cli.campaign_tables import printable

_SAMPLE_WIDTH: Final = 300
"""Characters of a sample that are shown."""

_BAR_WIDTH: Final = 40
_MOST_BARS: Final = 12
_NUMBERS: Final = {"messages", "share", "amount", "price", "units"}


def show_report(console: Console, report: Mapping[str, Any]) -> None:
    """Print a report.

    Args:
        console: Where to print.
        report: The report in the form of the API.
    """
    console.print(_totals(report))
    if report["sms"] is not None and report["messages"]:
        console.print(_segments(report["sms"], report["messages"]))
    if report["cost"] is not None:
        console.print(_costs(report["cost"]))
    for noun, shares in (("language", report["languages"]), ("variant", report["variants"])):
        # one language, that of base_template, says nothing
        if len(shares) > 1 or any(share[noun] is not None for share in shares):
            console.print(_shares(noun, shares))
    if report["failures"]:
        console.print(_failures(report["failures"]))
    if report["longest"] is not None:
        console.print(_samples("longest message", [report["longest"]]))
        console.print(_samples("samples", report["samples"]))


def _table(title: str, *columns: str) -> Table:
    table = Table(title=f"\n{title}", title_justify="left", title_style="bold", box=None, padding=(0, 2, 0, 0))
    for column in columns:
        table.add_column(column, justify="right" if column in _NUMBERS else "left", overflow="fold")
    return table


def _totals(report: Mapping[str, Any]) -> Table:
    table = _table("recipients", "", "messages")
    table.show_header = False
    for words, number in (
        ("recipients", report["recipients"]),
        ("in the hold-out", report["held_out"]),
        ("empty, not sent", report["empty"]),
        ("failed", report["failed"]),
        ("to send", report["messages"]),
    ):
        table.add_row(words, f"{number:,}")
    return table


def _segments(sms: Mapping[str, Any], messages: int) -> Group:
    table = _table("SMS segments", "segments", "messages", "share", "")
    listed = sms["distribution"]
    shown = [(str(one["segments"]), one["messages"]) for one in listed[:_MOST_BARS]]
    if rest := listed[_MOST_BARS:]:
        shown.append((f"{rest[0]['segments']} and more", sum(one["messages"] for one in rest)))
    most = max(number for _, number in shown)
    for words, number in shown:
        bar = Bar(most, 0, number, width=_BAR_WIDTH)
        table.add_row(words, f"{number:,}", f"{number / messages:.1%}", bar)
    return Group(table, Text(f"{sms['segments']:,} segments; {sms['gsm7']:,} in gsm7, {sms['ucs2']:,} in ucs2"))


def _costs(cost: Mapping[str, Any]) -> Group:
    table = _table("cost", "prefix", "messages", "units", "price", "amount")
    for one in cost["prefixes"]:
        prefix = f"+{one['prefix']}" if one["prefix"] else "others"
        table.add_row(prefix, f"{one['messages']:,}", f"{one['units']:,}", one["price"], one["amount"])
    lines: list[RenderableType] = [table, Text(f"total: {cost['total']} {cost['currency']}")]
    if cost["without_price"]:
        lines.append(Text(f"{cost['without_price']:,} messages to numbers without a price"))
    return Group(*lines)


def _shares(noun: str, shares: list[Mapping[str, Any]]) -> Table:
    table = _table(f"{noun}s", noun, "messages", "share")
    for one in shares:
        table.add_row(printable(one[noun] or "base_template"), f"{one['messages']:,}", f"{one['share']:.1%}")
    return table


def _failures(failures: list[Mapping[str, Any]]) -> Table:
    table = _table("failures", "messages", "reason", "for example customers")
    for one in failures:
        customers = ", ".join(map(str, one["customer_ids"]))
        table.add_row(f"{one['messages']:,}", printable(one["reason"]), customers)
    return table


def _samples(title: str, samples: list[Mapping[str, Any]]) -> Table:
    table = _table(title, "customer", "language", "variant", "segments", "text")
    for one in samples:
        text = one["text"] if len(one["text"]) <= _SAMPLE_WIDTH else one["text"][:_SAMPLE_WIDTH] + "..."
        segments = "" if one["sms"] is None else str(one["sms"]["segments"])
        row = (str(one["customer_id"]), one["language"] or "", one["variant"] or "", segments, text)
        table.add_row(*map(printable, row))
    return table
