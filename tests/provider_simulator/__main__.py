"""`python -m provider_simulator --port 9090`."""

import argparse

from aiohttp import web

from provider_simulator.server import Simulator


def main() -> None:
    """Run the simulator until a signal stops it."""
    parser = argparse.ArgumentParser(prog="provider_simulator", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=9090)
    parser.add_argument("--seed", type=int)
    parsed = parser.parse_args()
    web.run_app(
        Simulator(parsed.seed).app(), host=parsed.host, port=parsed.port, access_log=None, print=None, backlog=4096
    )


if __name__ == "__main__":
    main()
