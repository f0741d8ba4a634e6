"""Rendering: messages a second, on one core, of a template with five placeholders."""

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
    """Messages a second; parsed anew for each, as a worker does it."""
    began = time.perf_counter()
    for _ in range(messages):
        parse_template(TEMPLATE).render(CUSTOMER)
    return messages / (time.perf_counter() - began)
