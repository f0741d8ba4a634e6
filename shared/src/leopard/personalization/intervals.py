"""The difference of two shares with its confidence interval.

Source: R. G. Newcombe, "Interval estimation for the difference between independent proportions: comparison of eleven
methods", Statistics in Medicine 17 (1998), 873-890, method 10: the square-and-add method on Wilson's intervals.
"""

from dataclasses import dataclass
from math import sqrt
from typing import Final

_Z: Final = 1.959963984540054
"""The quantile of the standard normal distribution for 95 percent on two sides."""

FEWEST: Final = 30
"""With fewer trials on a side, the interval is too wide to mean anything."""


@dataclass(frozen=True, slots=True)
class Difference:
    """A difference of two shares, from -1 to 1, and the bounds of its 95 percent confidence interval."""

    value: float
    low: float
    high: float


def difference_of_shares(successes: tuple[int, int], trials: tuple[int, int]) -> Difference | None:
    """The first share minus the second; None where there is not enough data.

    Args:
        successes: How often each succeeded.
        trials: How often each was tried.
    """
    if min(trials) < FEWEST:
        return None
    first, second = successes[0] / trials[0], successes[1] / trials[1]
    first_low, first_high = _wilson(first, trials[0])
    second_low, second_high = _wilson(second, trials[1])
    value = first - second
    low = value - sqrt((first - first_low) ** 2 + (second_high - second) ** 2)
    high = value + sqrt((first_high - first) ** 2 + (second - second_low) ** 2)
    return Difference(value, max(low, -1.0), min(high, 1.0))


def _wilson(share: float, trials: int) -> tuple[float, float]:
    """Wilson's score interval of one share."""
    square = _Z**2
    middle = share + square / (2 * trials)
    reach = _Z * sqrt(share * (1 - share) / trials + square / (4 * trials**2))
    divisor = 1 + square / trials
    return (middle - reach) / divisor, (middle + reach) / divisor
