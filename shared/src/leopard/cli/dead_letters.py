"""`leopard dead-letters`: inspects, requeues and drops dead letters."""

import asyncio
import json
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from leopard.cli.arguments import BrokerWait, count, reason
from leopard.cli.failures import CommandError

if TYPE_CHECKING:
    from leopard.broker.dead_letters import Choice

T = TypeVar("T")

app = typer.Typer(help="Inspect, requeue or drop dead letters: jobs that failed permanently.", no_args_is_help=True)

All = Annotated[bool, typer.Option("--all", help="All dead letters.")]
Reason = Annotated[
    str | None,
    typer.Option("--reason", parser=reason, metavar="TEXT", help="Dead letters whose reason contains this text."),
]
Number = Annotated[
    int | None,
    typer.Option(
        "--number", parser=count, metavar="NUMBER", help="The dead letter with this number in the output of `show`."
    ),
]


@app.command("list")
def list_reasons(wait_seconds: BrokerWait = 10) -> None:
    """Count the dead letters for each reason."""
    from leopard.broker import dead_letters

    counted = _run(lambda amqp_url: dead_letters.count_by_reason(amqp_url, wait_seconds=wait_seconds))
    for text, number in counted.most_common():
        print(f"{number:>8}  {text}")
    print(f"{counted.total():>8}  in all")


@app.command()
def show(
    limit: Annotated[int, typer.Option(parser=count, metavar="NUMBER", help="How many to show.")] = 20,
    wait_seconds: BrokerWait = 10,
) -> None:
    """Show the first dead letters, one JSON object per line."""
    from leopard.broker import dead_letters

    for dead_letter in _run(lambda amqp_url: dead_letters.show(amqp_url, limit, wait_seconds=wait_seconds)):
        print(json.dumps(dead_letter, ensure_ascii=False))


@app.command()
def requeue(every: All = False, reason: Reason = None, number: Number = None, wait_seconds: BrokerWait = 10) -> None:
    """Put dead letters back into the queues that they came from."""
    from leopard.broker import dead_letters

    chosen = _choice(every, reason, number)
    done = _run(lambda amqp_url: dead_letters.requeue(amqp_url, chosen, wait_seconds=wait_seconds))
    _report(done, "put back", every=every)


@app.command()
def drop(every: All = False, reason: Reason = None, number: Number = None, wait_seconds: BrokerWait = 10) -> None:
    """Drop dead letters permanently."""
    from leopard.broker import dead_letters

    chosen = _choice(every, reason, number)
    done = _run(lambda amqp_url: dead_letters.drop(amqp_url, chosen, wait_seconds=wait_seconds))
    _report(done, "dropped", every=every)


def _report(done: int, what: str, *, every: bool) -> None:
    print(f"{done} {what}")
    if not done and not every:
        raise typer.Exit(1)


def _run(command: Callable[[str], Coroutine[Any, Any, T]]) -> T:
    from leopard.broker.connection import BROKER_UNAVAILABLE
    from leopard.broker.dead_letter_queue import DeadLetterError
    from leopard.settings import BrokerSettings, read_settings
    from leopard.store_errors import describe_broker_error

    amqp_url = read_settings(BrokerSettings).amqp_url.get_secret_value()
    try:
        return asyncio.run(command(amqp_url))
    except DeadLetterError as error:
        raise CommandError(str(error)) from error
    except (*BROKER_UNAVAILABLE, OSError) as error:
        raise CommandError(describe_broker_error(error, amqp_url)) from error


def _choice(every: bool, reason: str | None, number: int | None) -> "Choice":  # noqa: FBT001 a command's option
    if [every, reason is not None, number is not None].count(True) != 1:
        raise typer.BadParameter("give exactly one of --all, --reason and --number", param_hint="--all")
    if number is not None:
        return lambda place, _dead_letter: place == number
    return lambda _place, dead_letter: every or (reason or "") in dead_letter.reason
