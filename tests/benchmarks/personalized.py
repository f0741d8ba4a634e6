"""The whole system with a plain template and with filters, in turn, on the same stack."""

from dataclasses import asdict
from pathlib import Path
from typing import Final

import psycopg

from benchmarks.dataset import TEMPLATE, ensure_customers
from benchmarks.run import Run
from benchmarks.whole_system import SETTINGS, SystemScore, measure_send, send
from leopard_local.http_client import http_client
from leopard_local.stack import running_stack

PLAIN: Final = "plain"
FILTERED: Final = "five filters"

TEMPLATES: Final = {
    PLAIN: TEMPLATE,
    FILTERED: (
        'Hi {first_name|uppercase} {last_name|default:"friend"}, {preferred_product|titlecase} is on offer in'
        " {location|truncate:20}! You have {points|number} points."
    ),
}
"""Both texts are a hundred characters long."""


_FIRST: Final = 2_000
"""Messages before the first turn: they open connections, prepare statements and fill caches."""


def personalized(run: Run) -> None:
    """Compare the rate of the whole system with five filters, one of them of an attribute, with that of a plain one."""
    sizes = run.sizes
    scores = _scores(run.folder / "system", run.packages, customers=sizes.personalized, repeats=sizes.repeats)
    run.report.keep("personalized", {name: asdict(score) for name, score in scores.items()})
    run.report.table(
        f"whole system, {sizes.personalized:,} customers",
        ("template", "seconds", "messages/s", "CPU s/10k of each process"),
        [(n, s.seconds, s.rate, "  ".join(f"{p} {c:.2f}" for p, c in s.cpu.items())) for n, s in scores.items()],
    )
    run.ratios["whole system, five filters / plain"] = scores[FILTERED].rate / scores[PLAIN].rate, "> 0.95"
    # other work on the machine changes the rates of single turns, and the CPU time hardly
    cpu = {name: sum(score.cpu.values()) for name, score in scores.items()}
    run.ratios["CPU per message, plain / five filters"] = cpu[PLAIN] / cpu[FILTERED], "> 0.85"


def _scores(folder: Path, packages: Path, *, customers: int, repeats: int) -> dict[str, SystemScore]:
    """The median of the sends of each template."""
    turns: dict[str, list[SystemScore]] = {name: [] for name in TEMPLATES}
    with running_stack(folder, packages=packages, settings=SETTINGS, fresh=True) as stack:
        _create_customers(stack.stores.database_url, customers)
        with http_client(stack.api_url, timeout=120) as client:
            for template in TEMPLATES.values():
                send(client, stack, list(range(1, min(customers, _FIRST) + 1)), template)
            for repeat in range(repeats):
                # each of them is first in half of the repeats, because the tables grow
                for name in sorted(TEMPLATES, reverse=repeat % 2 == 0):
                    turns[name].append(measure_send(client, stack, customers, TEMPLATES[name]))
    return {name: sorted(scores, key=lambda score: score.rate)[len(scores) // 2] for name, scores in turns.items()}


def _create_customers(database_url: str, count: int) -> None:
    ensure_customers(database_url, count)
    with psycopg.connect(database_url) as connection:
        connection.execute("INSERT INTO customer_fields (name, type) VALUES ('points', 'number'), ('tier', 'text')")
        connection.execute(
            """
            UPDATE customers
               SET attributes = jsonb_build_object('points', id * 7 % 100000, 'tier', 'gold'),
                   preferred_language = (ARRAY['en', 'sw', 'fr', NULL])[id % 4 + 1]
            """
        )
