"""How long a message waits for its next attempt."""

import random


def backoff_seconds(failures: int, *, base: float, maximum: float) -> float:
    """A wait chosen at random between nothing and a bound that doubles with every failure ("full jitter").

    Source: Marc Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.

    Args:
        failures: Attempts that failed so far, 1 at least.
        base: The bound after the first failure, in seconds.
        maximum: What the bound never exceeds, in seconds.
    """
    return random.uniform(0, min(base * 2 ** (failures - 1), maximum))  # noqa: S311 jitter
