"""Measure rendering: messages a second on one core, with a template of five placeholders."""

import time

from benchmarks.dataset import TEMPLATE
from leopard.templates.rendering import parse_template

CUSTOMER = {
    "first_name": "Wanjiru",
    "last_name": "Mwangi",
    "location": "Nairobi",
    "preferred_product": "Running Shoes",
    "phone": "+254700000001",
}


def rendering(*, messages: int) -> float:
    """Return messages a second. The template is parsed for each message, as in a worker."""
    began = time.perf_counter()
    for _ in range(messages):
        parse_template(TEMPLATE).render(CUSTOMER)
    return messages / (time.perf_counter() - began)
