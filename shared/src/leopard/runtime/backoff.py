"""Waits between retries."""

import random


def full_jitter(failures: int, *, base: float = 1.0, maximum: float = 10.0) -> float:
    """A random wait between 0 and a bound that doubles with every failure ("full jitter").

    Source: Marc Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.

    Args:
        failures: Attempts that failed so far, 1 or more.
        base: The bound after the first failure, in seconds.
        maximum: The upper limit of the bound, in seconds.
    """
    return random.uniform(0, min(base * 2.0 ** min(failures - 1, 30), maximum))  # noqa: S311 jitter
