"""The `leopard` command: its groups of commands and its exit status.

Commands import what they need when they run, so that `leopard --help` answers at once.
"""

import sys

import typer

from leopard.cli import campaigns, customers, dead_letters, schema, smoke
from leopard.cli.failures import CommandError

app = typer.Typer(
    help="Operate Leopard.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    # scripts and logs get plain lines
    rich_markup_mode="rich" if sys.stderr.isatty() else None,
)
app.command("migrate")(schema.migrate)
app.command("wait-for-schema")(schema.wait_for_schema)
app.command("smoke-test")(smoke.smoke_test)
app.add_typer(campaigns.app, name="campaigns")
app.add_typer(customers.app, name="customers")
app.add_typer(dead_letters.app, name="dead-letters")


@app.callback()
def _configure() -> None:
    from leopard.settings import LogFormat, LogLevel
    from leopard.telemetry.logs import configure_logs

    # standard output is reserved for the results of a command
    configure_logs("leopard", LogFormat.AUTO, LogLevel.WARNING, stream="stderr")


def main(arguments: list[str] | None = None) -> int:
    """Run one command.

    Returns:
        The exit status: 0 for success, 1 for a command that failed, 2 for wrong arguments or settings.
    """
    try:
        app(arguments, prog_name="leopard")
    except CommandError as error:
        print(error, file=sys.stderr)
        return 1
    except SystemExit as end:
        return int(end.code or 0)
    return 0


if __name__ == "__main__":
    sys.exit(main())
