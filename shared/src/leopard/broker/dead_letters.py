"""Operations on dead letters for the command line: count, show, requeue, drop."""

import json
from collections import Counter
from collections.abc import Callable
from typing import Any

from leopard.broker.dead_letter import DeadLetter
from leopard.broker.dead_letter_queue import Fate, walk

Choice = Callable[[int, DeadLetter], bool]
"""Whether a dead letter is chosen, by its position in the queue (from 1) and its content."""


async def count_by_reason(amqp_url: str, *, wait_seconds: float = 0) -> Counter[str]:
    """The number of dead letters for each reason."""
    reasons: Counter[str] = Counter()

    def note(_number: int, dead_letter: DeadLetter) -> Fate:
        reasons[dead_letter.reason] += 1
        return Fate.KEPT

    await walk(amqp_url, note, wait_seconds=wait_seconds)
    return reasons


async def show(amqp_url: str, limit: int, *, wait_seconds: float = 0) -> list[dict[str, Any]]:
    """The first dead letters: number, reason, headers and body."""
    shown: list[dict[str, Any]] = []

    def note(number: int, dead_letter: DeadLetter) -> Fate:
        if number <= limit:
            shown.append(
                {
                    "number": number,
                    "reason": dead_letter.reason,
                    "body": dead_letter.body.decode(errors="backslashreplace"),
                    "headers": json.loads(json.dumps(dead_letter.headers, default=str)),
                }
            )
        return Fate.KEPT

    await walk(amqp_url, note, wait_seconds=wait_seconds)
    return shown


async def requeue(amqp_url: str, chosen: Choice, *, wait_seconds: float = 0) -> int:
    """Put the chosen dead letters back into their original queues; returns their number."""
    return await _apply(amqp_url, chosen, Fate.PUT_BACK, wait_seconds)


async def drop(amqp_url: str, chosen: Choice, *, wait_seconds: float = 0) -> int:
    """Drop the chosen dead letters permanently; returns their number."""
    return await _apply(amqp_url, chosen, Fate.DROPPED, wait_seconds)


async def _apply(amqp_url: str, chosen: Choice, fate: Fate, wait_seconds: float) -> int:
    fates = await walk(
        amqp_url,
        lambda number, dead_letter: fate if chosen(number, dead_letter) else Fate.KEPT,
        wait_seconds=wait_seconds,
    )
    return fates[fate]
