"""The JSON schema of filters, for the OpenAPI document. `filter_grammar` decides what is valid."""

from typing import Any, Final

from leopard.audiences.filters import Operator
from leopard.domain.statuses import MessageStatus

_FILTER: Final = {"$ref": "#/components/schemas/AudienceFilter"}
_TEXT: Final = {"type": "string"}
_NUMBER: Final = {"type": "number"}
_SCALAR: Final = {"anyOf": [_TEXT, _NUMBER, {"type": "boolean"}]}
_DAY: Final = "a date, `2026-11-30`, or days from today, `-90d`"
_OPTIONAL_TEXT: Final = {"anyOf": [_TEXT, {"type": "null"}]}

_OPERATORS: Final[dict[str, dict[str, Any]]] = {
    Operator.EQUAL: {**_SCALAR, "description": "The value is equal", "examples": ["Nairobi"]},
    Operator.IN: {
        "type": "array",
        "items": _SCALAR,
        "description": "The value is one of these",
        "examples": [["Nairobi", "Mombasa"]],
    },
    Operator.STARTS_WITH: {**_TEXT, "description": "The text starts with this", "examples": ["Nai"]},
    Operator.CONTAINS: {
        **_TEXT,
        "description": "The text contains this; or it is an item of the list of texts",
        "examples": ["vip"],
    },
    Operator.BEFORE: {**_TEXT, "description": f"The date is before this day: {_DAY}", "examples": ["-90d"]},
    Operator.AFTER: {**_TEXT, "description": f"The date is after this day: {_DAY}", "examples": ["2026-11-30"]},
    Operator.SET: {"type": "boolean", "description": "Whether the customer has a value", "examples": [True]},
}

_COMPARISONS: Final = (Operator.LESS, Operator.AT_MOST, Operator.MORE, Operator.AT_LEAST)

_PROPERTIES: Final[dict[str, Any]] = {
    "all": {"type": "array", "minItems": 1, "items": _FILTER, "description": "All of these match"},
    "any": {"type": "array", "minItems": 1, "items": _FILTER, "description": "One or more of these match"},
    "not": {**_FILTER, "description": "This does not match"},
    "field": {
        **_TEXT,
        "description": "A column or an attribute of customers; `attributes.x` is an attribute named like a column",
        "examples": ["location"],
    },
    **_OPERATORS,
    "received": {
        "type": "object",
        "description": "The customer has a message of this campaign; with this status, if one is given",
        "properties": {
            "campaign_id": {"type": "integer", "format": "int64", "description": "Id of the campaign"},
            "status": {"enum": list(MessageStatus), "type": "string", "description": "Status of the message"},
        },
        "required": ["campaign_id"],
        "additionalProperties": False,
        "examples": [{"campaign_id": 7, "status": "sent"}],
    },
    "not_messaged_for": {
        **_TEXT,
        "pattern": "^[0-9]{1,4}[hd]$",
        "description": "No message to the customer was sent, or waits to be sent, in these hours or days",
        "examples": ["7d"],
    },
    "location": {
        **_OPTIONAL_TEXT,
        "description": "Short for an equal location",
        "examples": ["Nairobi"],
    },
    "preferred_product": {
        **_OPTIONAL_TEXT,
        "description": "Short for an equal preferred product",
        "examples": ["Running Shoes"],
    },
}

FILTER_SCHEMA: Final[dict[str, Any]] = {
    "type": "object",
    "properties": _PROPERTIES,
    "propertyNames": {"enum": [*_PROPERTIES, *_COMPARISONS]},
    # names of signs only: generators of clients cannot make fields of them
    "additionalProperties": {
        **_NUMBER,
        "description": "`<`, `<=`, `>`, `>=`: the number is less than, at most, more than, at least this",
        "examples": [100],
    },
    "examples": [
        {"all": [{"field": "location", "in": ["Nairobi", "Mombasa"]}, {"not": {"field": "tags", "contains": "vip"}}]}
    ],
}
