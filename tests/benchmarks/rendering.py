"""Measure rendering: messages a second of one core, beside other template engines."""

import time
from collections.abc import Mapping
from statistics import median

from benchmarks.template_engines import Render, engines

_TURN = 500
"""Messages that an engine renders before the next one takes its turn."""


def rendering(*, messages: int) -> dict[str, dict[str, float]]:
    """For each job, the messages that each engine renders in a second of CPU time: the medians of its turns.

    Turns are short, so that a change in the machine's load affects all engines.

    Raises:
        ValueError: An engine renders another text than the first one.
    """
    return {job: _race(renders, messages // _TURN) for job, renders in engines().items()}


def _race(renders: Mapping[str, Render], turns: int) -> dict[str, float]:
    texts = {name: render() for name, render in renders.items()}
    if len(set(texts.values())) > 1:
        msg = f"engines render different texts: {texts}"
        raise ValueError(msg)
    found: dict[str, list[float]] = {name: [] for name in renders}
    for _ in range(turns):
        for name, render in renders.items():
            found[name].append(_rate(render))
    return {name: median(rates) for name, rates in found.items()}


def _rate(render: Render) -> float:
    began = time.process_time()
    for _ in range(_TURN):
        render()
    return _TURN / (time.process_time() - began)
