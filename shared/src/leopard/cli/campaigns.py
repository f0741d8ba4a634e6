"""`leopard campaigns dry-run`: renders a whole campaign without sending it, and shows the report."""

import json
import sys
from typing import Annotated, Any

import typer

from leopard.cli.arguments import ApiUrl, count, json_object
from leopard.cli.failures import CommandError

app = typer.Typer(help="Try campaigns.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Try campaigns."""


@app.command("dry-run")
def dry_run(
    campaign_id: Annotated[int, typer.Argument(metavar="ID", parser=count, help="The id of the campaign.")],
    url: ApiUrl = "http://localhost:8000",
    audience: Annotated[
        dict[str, Any] | None,
        typer.Option(parser=json_object, metavar="JSON", help='The recipients, {"all": true}; else the campaign\'s.'),
    ] = None,
    customers: Annotated[
        list[int], typer.Option("--customer", parser=count, metavar="ID", help="A recipient; may be repeated.")
    ] = [],  # noqa: B006 typer copies it
    prices: Annotated[
        dict[str, Any] | None,
        typer.Option(
            parser=json_object,
            metavar="JSON",
            help='{"currency": "KES", "prefixes": {"+254": "0.80"}, "default": "6"}; else those of the settings.',
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the dry run as JSON.")] = False,
) -> None:
    """Render the message of every recipient of the campaign ID, and show segments, cost and samples.

    Nothing is sent. Ctrl-C cancels it.
    """
    from rich.console import Console

    from leopard.cli.dry_run_tables import show_report
    from leopard.cli.dry_runs import DryRunError, run_to_end

    given = {"audience": audience, "customer_ids": customers or None, "prices": prices}
    try:
        found = run_to_end(url.rstrip("/"), campaign_id, {name: value for name, value in given.items() if value})
    except DryRunError as error:
        raise CommandError(f"campaign {campaign_id}: {error}") from error
    if found["report"] is None:
        raise CommandError(f"dry run {found['id']} is {found['status']}: {found['problem']}")
    if as_json:
        json.dump(found, sys.stdout, indent=2)
        print()
        return
    print(f"dry run {found['id']} of campaign {campaign_id}; nothing is sent")
    # not on a terminal: wide enough that no line is broken
    show_report(Console(width=None if sys.stdout.isatty() else 160, highlight=False), found["report"])
