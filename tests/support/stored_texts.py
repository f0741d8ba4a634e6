"""Texts of campaigns as a broken or a newer version may have stored them."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from leopard.db.pool import Connection
from support.factories import add_campaign

VARIANT: Final = {"name": "a", "weight": 1, "base_template": "Hi {first_name}"}


@dataclass(frozen=True)
class StoredTexts:
    """The texts of a stored campaign."""

    personalization: str
    """JSON, or an SQL expression that makes it."""
    base_template: str = "Hi {first_name}"


def _unknown(stored: object) -> StoredTexts:
    return StoredTexts("'" + json.dumps(stored).replace("'", "''") + "'")


def _part(**parts: Any) -> StoredTexts:
    return _unknown(parts)


def _variants(**fields: Any) -> StoredTexts:
    return _part(variants=[VARIANT, {**VARIANT, "name": "b", **fields}])


UNKNOWN_FORMS: Final[Mapping[str, StoredTexts]] = {
    "number": _unknown(7),
    "text": _unknown("Hi"),
    "list": _unknown([]),
    "null": _unknown(None),
    "attributes-number": _part(attributes=7),
    "attributes-null": _part(attributes=None),
    "attributes-mixed": _part(attributes=["points", 7, None, {}]),
    "templates-null": _part(templates=None),
    "templates-list": _part(templates=["Hi"]),
    "templates-false": _part(templates=False),
    "templates-number": _part(templates={"en": 7}),
    "templates-nested": _part(templates={"en": {"if": ["Hi"]}}),
    "templates-deep": StoredTexts("""('{"templates": ' || repeat('[', 900) || repeat(']', 900) || '}')::jsonb"""),
    "templates-deeper": StoredTexts("""('{"templates": ' || repeat('[', 5000) || repeat(']', 5000) || '}')::jsonb"""),
    "templates-huge-number": StoredTexts("""('{"templates": 1' || repeat('0', 5000) || '}')::jsonb"""),
    "variants-null": _part(variants=None),
    "variants-object": _part(variants={"a": VARIANT}),
    "variants-text": _part(variants="a"),
    "variants-number": _part(variants=[7, None]),
    "variants-weight": _variants(weight=0),
    "variants-weight-text": _variants(weight="most"),
    "variants-name": _variants(name=None),
    "variants-text-missing": _part(variants=[{"name": "a"}]),
    "variants-templates": _variants(templates={"sw": None}),
    "content-number": _part(content=7),
    "content-false": _part(content=False),
    "content-list": _part(content=[{"type": "text"}]),
    "content-type": _part(content={"header": {"type": "carousel", "url": "https://example.com"}}),
    "content-field": _part(content={"footer": "Bye", "carousel": []}),
    "content-button": _part(content={"buttons": [7]}),
}
"""Forms that no version has written so far."""

DOES_NOT_PARSE: Final[Mapping[str, StoredTexts]] = {
    "base-template": StoredTexts("'{}'", "{{if vip}}Hi"),
    "filter": StoredTexts("'{}'", "Hi {first_name|shout}"),
    "plain": StoredTexts("NULL", "Hi {{first_name}"),
    "closed": StoredTexts("NULL", "} {% if x %}"),
    "too-deep": StoredTexts("'{}'", "{{if vip}}" * 500 + "{{end}}" * 500),
    "language": _part(templates={"en": "Hi {{else}}", "sw": "Habari {"}),
    "variant": _part(variants=[{**VARIANT, "base_template": "{first_name"}]),
    "variant-language": _part(variants=[{**VARIANT, "templates": {"en": "{{end}}", "sw": "{{end}}"}}]),
    "content": _part(content={"footer": "{{if"}),
}
"""A known form, with texts that this version cannot parse. Customers without a language get only some of them."""

BROKEN: Final = {**UNKNOWN_FORMS, **DOES_NOT_PARSE}


async def add_stored(connection: Connection, stored: StoredTexts, *, status: str) -> int:
    """Add a campaign with these texts. Return its id."""
    channel = "whatsapp" if "content" in stored.personalization else "sms"
    campaign_id = await add_campaign(connection, status=status, template=stored.base_template, channel=channel)
    await connection.execute(
        f"UPDATE campaigns SET personalization = {stored.personalization} WHERE id = {campaign_id}".encode()
    )
    return campaign_id
