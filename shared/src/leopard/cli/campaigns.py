"""`leopard campaigns`: lists, shows, tries, sends, follows and controls campaigns through the API."""

import json
import sys
from collections.abc import Mapping
from typing import Annotated, Any

import typer

from leopard.cli.arguments import ApiUrl, count, json_object
from leopard.cli.failures import CommandError

app = typer.Typer(help="List, show, try, send, follow and control campaigns.", no_args_is_help=True)


CampaignId = Annotated[int, typer.Argument(metavar="ID", parser=count, help="The id of the campaign.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print the answer of the API as JSON.")]
Recipients = Annotated[
    dict[str, Any] | None,
    typer.Option("--audience", parser=json_object, metavar="JSON", help='The recipients, such as {"all": true}.'),
]
Customers = Annotated[
    list[int], typer.Option("--customer", parser=count, metavar="ID", help="A recipient; may be repeated.")
]


@app.command("list")
def list_campaigns(
    url: ApiUrl = "http://localhost:8000",
    status: Annotated[str | None, typer.Option(help="Only campaigns with this status.")] = None,
    channel: Annotated[str | None, typer.Option(help="Only campaigns of this channel.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=100, help="How many, the newest first.")] = 20,
    as_json: AsJson = False,
) -> None:
    """List campaigns, the newest first."""
    from urllib.parse import urlencode

    from leopard.cli.campaign_tables import show_list

    given = {"status": status, "channel": channel, "page_size": str(limit)}
    found = _call(url, f"/campaigns?{urlencode({name: value for name, value in given.items() if value})}")
    if as_json:
        _print_json(found["campaigns"])
    else:
        show_list(found["campaigns"])


@app.command("show")
def show(campaign_id: CampaignId, url: ApiUrl = "http://localhost:8000", as_json: AsJson = False) -> None:
    """Show the campaign ID with its numbers."""
    _show(_call(url, f"/campaigns/{campaign_id}"), as_json=as_json)


@app.command("failures")
def failures(campaign_id: CampaignId, url: ApiUrl = "http://localhost:8000", as_json: AsJson = False) -> None:
    """Show why messages of the campaign ID failed."""
    from leopard.cli.campaign_tables import show_failures

    found = _call(url, f"/campaigns/{campaign_id}/failures")["failures"]
    if as_json:
        _print_json(found)
    else:
        show_failures(found)


@app.command("watch")
def watch(campaign_id: CampaignId, url: ApiUrl = "http://localhost:8000", as_json: AsJson = False) -> None:
    """Show the progress of the campaign ID until it ends. Ctrl-C ends the command, not the campaign."""
    _watch(url, campaign_id, as_json=as_json)


@app.command("send")
def send(
    campaign_id: CampaignId,
    url: ApiUrl = "http://localhost:8000",
    audience: Recipients = None,
    customers: Customers = [],  # noqa: B006 typer copies it
    follow: Annotated[bool, typer.Option("--watch", help="Show the progress until the campaign ends.")] = False,
    as_json: AsJson = False,
) -> None:
    """Send the campaign ID to an audience, or to customers."""
    given = {"audience": audience, "customer_ids": customers or None}
    answer = _call(url, f"/campaigns/{campaign_id}/send", {name: value for name, value in given.items() if value})
    if not (follow or as_json):
        print(f"campaign {campaign_id} is {answer['status']}, {answer['messages_queued']:,} messages to send")
    if follow:
        _watch(url, campaign_id, as_json=as_json)
    elif as_json:
        _print_json(answer)


@app.command("pause")
def pause(campaign_id: CampaignId, url: ApiUrl = "http://localhost:8000") -> None:
    """Stop sending the campaign ID until it is resumed."""
    _control(url, campaign_id, "pause")


@app.command("resume")
def resume(campaign_id: CampaignId, url: ApiUrl = "http://localhost:8000") -> None:
    """Continue to send the campaign ID."""
    _control(url, campaign_id, "resume")


@app.command("cancel")
def cancel(campaign_id: CampaignId, url: ApiUrl = "http://localhost:8000") -> None:
    """Stop sending the campaign ID for good."""
    _control(url, campaign_id, "cancel")


@app.command("dry-run")
def dry_run(
    campaign_id: CampaignId,
    url: ApiUrl = "http://localhost:8000",
    audience: Recipients = None,
    customers: Customers = [],  # noqa: B006 typer copies it
    prices: Annotated[
        dict[str, Any] | None,
        typer.Option(
            parser=json_object,
            metavar="JSON",
            help='{"currency": "KES", "prefixes": {"+254": "0.80"}, "default": "6"}; else those of the settings.',
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Render the message of every recipient of the campaign ID, and show segments, cost and samples.

    Nothing is sent. Ctrl-C cancels it.
    """
    from leopard.cli.api_calls import ApiCallError
    from leopard.cli.campaign_tables import output
    from leopard.cli.dry_run_tables import show_report
    from leopard.cli.dry_runs import run_to_end

    given = {"audience": audience, "customer_ids": customers or None, "prices": prices}
    try:
        found = run_to_end(url.rstrip("/"), campaign_id, {name: value for name, value in given.items() if value})
    except ApiCallError as error:
        raise CommandError(f"campaign {campaign_id}: {error}") from error
    if found["report"] is None:
        raise CommandError(f"dry run {found['id']} is {found['status']}: {found['problem']}")
    if as_json:
        _print_json(found)
        return
    print(f"dry run {found['id']} of campaign {campaign_id}; nothing is sent")
    show_report(output(), found["report"])


def _watch(url: str, campaign_id: int, *, as_json: bool) -> None:
    from leopard.cli.api_calls import ApiCallError
    from leopard.cli.campaign_progress import follow_campaign

    try:
        campaign = follow_campaign(url.rstrip("/"), campaign_id)
    except ApiCallError as error:
        raise CommandError(f"campaign {campaign_id}: {error}") from error
    _show(campaign, as_json=as_json)


def _show(campaign: Mapping[str, Any], *, as_json: bool) -> None:
    from leopard.cli.campaign_tables import show_campaign

    if as_json:
        _print_json(campaign)
    else:
        show_campaign(campaign)


def _control(url: str, campaign_id: int, wish: str) -> None:
    campaign = _call(url, f"/campaigns/{campaign_id}/{wish}", {})
    print(f"campaign {campaign_id} is {campaign['status']}")


def _call(url: str, path: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
    from leopard.cli.api_calls import ApiCallError, call_api

    try:
        return call_api(f"{url.rstrip('/')}{path}", body)
    except ApiCallError as error:
        raise CommandError(str(error)) from error


def _print_json(value: object) -> None:
    json.dump(value, sys.stdout, indent=2)
    print()
