"""Jobs that could not be done: looked at, put back, or dropped, from the command line."""

import json
from collections import Counter
from collections.abc import Callable
from typing import Any

from leopard.broker.dead_letter_queue import Fate, walk
from leopard.broker.letters import Letter

Choice = Callable[[int, Letter], bool]
"""Whether a letter is meant, by its place in the queue (from 1) and what it says."""


async def count_by_reason(amqp_url: str, *, wait_seconds: float = 0) -> Counter[str]:
    """How many letters there are for each reason."""
    reasons: Counter[str] = Counter()

    def note(_number: int, letter: Letter) -> Fate:
        reasons[letter.reason] += 1
        return Fate.KEPT

    await walk(amqp_url, note, wait_seconds=wait_seconds)
    return reasons


async def show(amqp_url: str, limit: int, *, wait_seconds: float = 0) -> list[dict[str, Any]]:
    """The first letters: place, reason, headers and body."""
    shown: list[dict[str, Any]] = []

    def note(number: int, letter: Letter) -> Fate:
        if number <= limit:
            shown.append(
                {
                    "number": number,
                    "reason": letter.reason,
                    "body": letter.body.decode(errors="backslashreplace"),
                    "headers": json.loads(json.dumps(letter.headers, default=str)),
                }
            )
        return Fate.KEPT

    await walk(amqp_url, note, wait_seconds=wait_seconds)
    return shown


async def requeue(amqp_url: str, chosen: Choice, *, wait_seconds: float = 0) -> int:
    """Put letters back into the queues that they were taken from; how many."""
    return await _apply(amqp_url, chosen, Fate.PUT_BACK, wait_seconds)


async def drop(amqp_url: str, chosen: Choice, *, wait_seconds: float = 0) -> int:
    """Drop letters for good; how many."""
    return await _apply(amqp_url, chosen, Fate.DROPPED, wait_seconds)


async def _apply(amqp_url: str, chosen: Choice, fate: Fate, wait_seconds: float) -> int:
    fates = await walk(
        amqp_url,
        lambda number, letter: fate if chosen(number, letter) else Fate.KEPT,
        wait_seconds=wait_seconds,
    )
    return fates[fate]
