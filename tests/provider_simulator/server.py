"""The simulator's HTTP API: accept messages, show the ledger, change the behaviour."""

import asyncio
import random
import time
from collections import Counter
from dataclasses import asdict
from typing import Any, Final

from aiohttp import web

from provider_simulator.faults import Behaviour, Fault

_STATUS: Final = {Fault.REFUSED: 500, Fault.PERMANENT: 422, Fault.THROTTLED: 429}


class Simulator:
    """Answers requests and records every accepted message."""

    def __init__(self, seed: int | None = None) -> None:
        self.behaviour = Behaviour()
        self.ledger: list[dict[str, Any]] = []
        self.happened: Counter[str] = Counter()
        self._random = random.Random(seed)

    def app(self) -> web.Application:
        """Create the web application."""
        app = web.Application()
        app.add_routes(
            [
                web.post("/messages", self.accept_message),
                web.get("/ledger", self.show_ledger),
                web.get("/behaviour", self.show_behaviour),
                web.put("/behaviour", self.change_behaviour),
                web.get("/readyz", self.show_behaviour),
            ]
        )
        return app

    async def accept_message(self, request: web.Request) -> web.StreamResponse:
        """Accept a message, or fail according to the behaviour."""
        body = await request.json()
        behaviour = self.behaviour
        if behaviour.outage:
            self.happened["outage"] += 1
            return web.Response(status=503)
        fault = behaviour.draw(self._random)
        self.happened[fault or "accepted"] += 1
        await asyncio.sleep(self._random.uniform(behaviour.latency_min_seconds, behaviour.latency_max_seconds))
        if fault is None or fault is Fault.ANSWER_LOST:
            self.ledger.append({**body, "time": time.time()})
        if fault is None:
            return web.json_response({"accepted": body["message_id"]}, status=202)
        if fault is Fault.TIMEOUT:
            await asyncio.sleep(behaviour.timeout_seconds)
        if fault in {Fault.RESET, Fault.ANSWER_LOST, Fault.TIMEOUT}:
            if request.transport is not None:
                request.transport.abort()
            return web.Response()
        headers = {"Retry-After": str(behaviour.retry_after_seconds)} if fault is Fault.THROTTLED else {}
        return web.Response(status=_STATUS[fault], headers=headers)

    async def show_ledger(self, _request: web.Request) -> web.Response:
        """Return all accepted messages, oldest first."""
        return web.json_response(self.ledger)

    async def show_behaviour(self, _request: web.Request) -> web.Response:
        """Return the behaviour, and the number of each event so far."""
        return web.json_response({**asdict(self.behaviour), "happened": self.happened})

    async def change_behaviour(self, request: web.Request) -> web.Response:
        """Change the behaviour of later requests."""
        try:
            self.behaviour.change(await request.json())
        except ValueError as error:
            return web.json_response({"error": str(error)}, status=400)
        return await self.show_behaviour(request)
