"""`python -m leopard_local demo|up|samples|campaign|clean`."""

import argparse
import shutil
import sys
import time
from pathlib import Path

import httpx2

from leopard_local.children import ChildDiedError
from leopard_local.demo import run_demo, send_demo_campaign
from leopard_local.environment import forget_settings
from leopard_local.http_client import http_client
from leopard_local.log_audit import LogAuditError
from leopard_local.postgres import PostgresUnavailableError
from leopard_local.rabbitmq import RabbitMQUnavailableError
from leopard_local.sample_data import load_samples
from leopard_local.stack import StackError, running_stack
from leopard_local.stores import ExternalStores, MigrationError

ROOT = Path(__file__).resolve().parents[3]
LOCAL = ROOT / ".local"
PACKAGES = LOCAL / "rabbitmq-packages"


def main() -> int:
    """Run one command. Return 0 if it succeeded."""
    parser = argparse.ArgumentParser(prog="leopard_local", description="Run Leopard on one machine.")
    commands = parser.add_subparsers(dest="command", required=True)
    demo = commands.add_parser("demo", help="send a campaign and show its progress")
    demo.add_argument("--customers", type=_count, default=1000)
    demo.add_argument("--workers", type=_count, default=1)
    _add_stores(demo)
    up = commands.add_parser("up", help="run the stack until Ctrl-C")
    up.add_argument("--port", type=_count, default=8080)
    up.add_argument("--workers", type=_count, default=1)
    _add_stores(up)
    samples = commands.add_parser("samples", help="load sample data into a running Leopard")
    samples.add_argument("url")
    campaign = commands.add_parser("campaign", help="send the demo campaign through a running Leopard")
    campaign.add_argument("url")
    campaign.add_argument("--customers", type=_count, default=1000)
    commands.add_parser("clean", help="remove the data of all local stacks")
    parsed = parser.parse_args()
    forget_settings()
    try:
        if parsed.command == "demo":
            return run_demo(
                LOCAL / "demo",
                PACKAGES,
                recipients=parsed.customers,
                workers=parsed.workers,
                external=_external(parsed),
            )
        if parsed.command == "up":
            return _up(parsed.port, parsed.workers, _external(parsed))
        if parsed.command == "samples":
            return _samples(parsed.url)
        if parsed.command == "campaign":
            return send_demo_campaign(parsed.url, recipients=parsed.customers)
    except (
        httpx2.HTTPError,
        StackError,
        MigrationError,
        ChildDiedError,
        LogAuditError,
        PostgresUnavailableError,
        RabbitMQUnavailableError,
        TimeoutError,
    ) as error:
        print(error, file=sys.stderr)
        return 1
    shutil.rmtree(LOCAL, ignore_errors=True)
    return 0


def _add_stores(command: argparse.ArgumentParser) -> None:
    command.add_argument("--database-url", default="", help="libpq URL of a running PostgreSQL to use")
    command.add_argument("--amqp-url", default="", help="AMQP URL of a running RabbitMQ to use")


def _external(parsed: argparse.Namespace) -> ExternalStores:
    return ExternalStores(parsed.database_url, parsed.amqp_url)


def _samples(url: str) -> int:
    with http_client(url) as client:
        loaded = load_samples(client)
    print("loaded 12 customers and 3 campaigns" if loaded else "loaded nothing: there are customers already")
    return 0


def _up(port: int, workers: int, external: ExternalStores) -> int:
    print("starting PostgreSQL, RabbitMQ, campaign-api, dispatcher, sender-worker ...", flush=True)
    with running_stack(LOCAL / "up", packages=PACKAGES, port=port, workers=workers, external=external) as stack:
        with http_client(stack.api_url) as client:
            loaded = load_samples(client)
        print(
            f"""
  API          {stack.api_url}
  API docs     {stack.api_url}/docs
  health       {stack.api_url}/health
  metrics      {" ".join(f"{service.url}/metrics" for service in stack.services.values())}
  PostgreSQL   {stack.stores.database_url}
  RabbitMQ     {stack.stores.amqp_url}
  logs         {stack.folder / "logs"}

  {"Loaded 12 customers and 3 campaigns" if loaded else "The data of the last run are loaded"}. Try:

  curl {stack.api_url}/campaigns
  curl {stack.api_url}/campaigns/1/send -H 'Content-Type: application/json' -d '{{"audience": {{"all": true}}}}'

Press Ctrl-C to stop.""",
            flush=True,
        )
        try:
            while True:
                stack.check()
                time.sleep(0.5)
        except SystemExit:
            print("\nstopping ...", flush=True)
    return 0


def _count(text: str) -> int:
    value = int(text)
    if value < 1:
        msg = "must be 1 or more"
        raise argparse.ArgumentTypeError(msg)
    return value


if __name__ == "__main__":
    sys.exit(main())
