"""By default a service answers on every IPv4 and IPv6 address."""

import asyncio
import contextlib
import os
import sys
from pathlib import Path

import httpx2
import pytest

from leopard_local.ports import free_port
from support.factories import until

SERVICE = Path(__file__).with_name("failing_service.py")
IPV4, IPV6 = "127.0.0.1", "[::1]"


@pytest.mark.parametrize(
    ("host", "reached"),
    [(None, {IPV4, IPV6}), ("", {IPV4, IPV6}), ("127.0.0.1", {IPV4}), ("::1", {IPV6})],
    ids=["default", "empty", "IPv4", "IPv6"],
)
async def test_it_answers_on_the_addresses_of_the_setting(host: str | None, reached: set[str], tmp_path: Path) -> None:
    port = free_port()
    variables = {
        "LEOPARD_DATABASE_URL": "postgresql://nobody@127.0.0.1:1/nothing",
        "LEOPARD_AMQP_URL": "amqp://127.0.0.1:1/",
        "LEOPARD_PORT": str(port),
        "LEOPARD_ENDED": str(tmp_path / "ended"),
    } | ({} if host is None else {"LEOPARD_HOST": host})

    async def answers(address: str) -> bool:
        async with httpx2.AsyncClient() as client:
            try:
                return (await client.get(f"http://{address}:{port}/livez")).status_code == 200
            except httpx2.TransportError:
                return False

    async def answers_anywhere() -> bool:
        return await answers(IPV4) or await answers(IPV6)

    process = await asyncio.create_subprocess_exec(sys.executable, str(SERVICE), env=os.environ | variables)
    try:
        await until(answers_anywhere)
        assert {address for address in (IPV4, IPV6) if await answers(address)} == reached
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
