"""The same messages by Leopard and by other template engines. Each engine compiles its template once."""

from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias

from benchmarks.dataset import TEMPLATE
from leopard.templates.language import known_names, parse_template

Render: TypeAlias = Callable[[], str]

OURS: Final = "leopard"
FORMAT: Final = "str.format_map"
BY_HAND: Final = "by hand: Python's if and str.format_map"
"""No template engine, but the upper limit for conditions: the program itself chooses the text."""

CUSTOMER: Final[Mapping[str, str]] = {
    "first_name": "Wanjiru",
    "last_name": "Mwangi",
    "location": "Nairobi",
    "preferred_product": "Running Shoes",
    "phone": "+254700000001",
}
ATTRIBUTES: Final = {"points": 120, "vip": False}

_VALUES: Final[Mapping[str, Any]] = {**CUSTOMER, **ATTRIBUTES}
"""Other engines find attributes beside the columns."""

_KNOWN: Final = known_names(ATTRIBUTES)

_FILTERS: Final = (
    'Hi {first_name|uppercase} {last_name|default:"friend"}, {preferred_product|lowercase|truncate:20} is on offer in'
    " {location|trim|capitalize}! Your number is {phone}."
)
_JINJA_FILTERS: Final = (
    "Hi {{ first_name|upper }} {{ last_name|default('friend', true) }}, {{ preferred_product|lower|truncate(20) }}"
    " is on offer in {{ location|trim|capitalize }}! Your number is {{ phone }}."
)
_LIQUID_FILTERS: Final = (
    'Hi {{ first_name|upcase }} {{ last_name|default: "friend" }}, {{ preferred_product|downcase|truncate: 20 }}'
    " is on offer in {{ location|strip|capitalize }}! Your number is {{ phone }}."
)
_FORMAT_FILTERS: Final = (
    "Hi {first_name:uppercase} {last_name:default}, {preferred_product:lowercase|truncate} is on offer in"
    " {location:trim|capitalize}! Your number is {phone}."
)

_CONDITIONS: Final = (
    'Hi {first_name}{{if location == "Nakuru" and not vip}}, visit us in town{{else if points > 100}}, spend your'
    " {points} points{{else}}, see you soon{{end}}! Your number is {phone}."
)
_JINJA_CONDITIONS: Final = (
    'Hi {{ first_name }}{% if location == "Nakuru" and not vip %}, visit us in town{% elif points > 100 %}, spend your'
    " {{ points }} points{% else %}, see you soon{% endif %}! Your number is {{ phone }}."
)
_LIQUID_CONDITIONS: Final = (
    'Hi {{ first_name }}{% if location == "Nakuru" and vip == false %}, visit us in town{% elsif points > 100 %}, spend'
    " your {{ points }} points{% else %}, see you soon{% endif %}! Your number is {{ phone }}."
)
_FORMAT_BRANCHES: Final = (", visit us in town", ", spend your {points} points", ", see you soon")


class _Filtered(str):
    """A value whose format names filters: the way of str.format_map."""

    __slots__ = ()

    def __format__(self, spec: str) -> str:
        text = str(self)
        for name in spec.split("|") if spec else ():
            text = _FORMATS[name](text)
        return text


_FORMATS: Final[Mapping[str, Callable[[str], str]]] = {
    "uppercase": str.upper,
    "lowercase": str.lower,
    "trim": str.strip,
    "capitalize": lambda text: text[:1].upper() + text[1:],
    "default": lambda text: text or "friend",
    "truncate": lambda text: text if len(text) <= 20 else text[:17] + "...",
}


class _FilteredValues(dict[str, str]):
    """Values that are wrapped when a format asks for them."""

    def __getitem__(self, name: str) -> str:
        return _Filtered(super().__getitem__(name))


def engines() -> dict[str, dict[str, Render]]:
    """For each job, the engines by their names. All engines of a job render the same text."""
    from jinja2 import Environment as Jinja  # noqa: PLC0415 only this benchmark needs the peers
    from liquid import Environment as Liquid  # noqa: PLC0415

    doubled = TEMPLATE.replace("{", "{{ ").replace("}", " }}")

    def of(ours: str, jinja_text: str, liquid_text: str) -> dict[str, Render]:
        jinja, liquid = Jinja(autoescape=False).from_string(jinja_text), Liquid().from_string(liquid_text)  # noqa: S701 SMS is no HTML
        customer = {**CUSTOMER, "attributes": ATTRIBUTES}
        return {
            # parsed for each message, as in a worker; the cache answers
            OURS: lambda: parse_template(ours, _KNOWN).render(customer),
            "Jinja2": lambda: jinja.render(_VALUES),
            "python-liquid": lambda: liquid.render(_VALUES),
        }

    def filtered_by_format() -> str:
        return _FORMAT_FILTERS.format_map(_FilteredValues(CUSTOMER))

    return {
        "plain": {**of(TEMPLATE, doubled, doubled), FORMAT: lambda: TEMPLATE.format_map(CUSTOMER)},
        "filters": {**of(_FILTERS, _JINJA_FILTERS, _LIQUID_FILTERS), FORMAT: filtered_by_format},
        "conditions": {**of(_CONDITIONS, _JINJA_CONDITIONS, _LIQUID_CONDITIONS), BY_HAND: _by_hand},
    }


def _by_hand() -> str:
    # str.format_map has no conditions
    if _VALUES["location"] == "Nakuru" and not _VALUES["vip"]:
        branch = _FORMAT_BRANCHES[0]
    elif _VALUES["points"] > 100:
        branch = _FORMAT_BRANCHES[1]
    else:
        branch = _FORMAT_BRANCHES[2]
    return ("Hi {first_name}" + branch + "! Your number is {phone}.").format_map(_VALUES)
