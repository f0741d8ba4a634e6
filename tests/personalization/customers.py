"""Random customers whose values are as difficult as any that a database may hold."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any, Final

from leopard.db.pool import Connection
from leopard.domain.customer_fields import FieldType

ATTRIBUTES: Final = {
    "nickname": FieldType.TEXT,
    "image": FieldType.TEXT,
    "order_number": FieldType.TEXT,
    "points": FieldType.NUMBER,
    "vip": FieldType.BOOLEAN,
    "renewal": FieldType.DATE,
    "tags": FieldType.TEXTS,
}
"""An attribute of every type."""

LANGUAGES: Final = (None, "en", "en-KE", "sw", "sw-TZ", "ar-EG", "he", "zh-Hant-TW", "de", "zz", "x-own")
TIME_ZONES: Final = (None, "Africa/Nairobi", "Pacific/Kiritimati", "America/New_York", "Mars/Olympus")
"""The last one stands for a zone that this machine does not know."""

IMAGES: Final = (*("https://example.com/shoe.png",) * 4, "ftp://example.com/shoe.png", "", None)

FRAGMENTS: Final = (
    *("{", "}", "{{", "}}", "{first_name}", "{{if vip}}", "{{if ", "{{else}}", "{{end}}", '{"', '"}', "|uppercase"),
    *('"', "\\", "'", "%s", "%(x)s", "%", "$", "\x0c", "\n", "\r\n", "\t", "\x7f", "<b>", "&amp;", "=1+1", "\\u0000"),
    *("Wanjiru", "O'brien", "Ğ", "ß", "é", "e\u0301", "€", "^~[]", "straße", "ﬁ", "İ", "12,5", "2026-11-30", "-0"),
    *("😀", "👩\u200d👩\u200d👧", "🇰🇪", "👍🏾", "𝔘", "مرحبا", "שלום", "\u202eabc\u202c", "\u200f", "你好", "नमस्ते"),
    *(" ", "  ", "\u00a0", "\u200b", "\ufeff", "\u2028", "\ue000"),
)


def random_text(chosen: Random) -> str | None:
    """A text of these fragments: null, empty, blank, short, or too long for any channel."""
    match chosen.randrange(20):
        case 0 | 1:
            return None
        case 2:
            return chosen.choice(["", " ", "\u200b", "\n\t"])
        case 3:
            return chosen.choice(FRAGMENTS) * chosen.randrange(200, 600)
        case 4:
            return "".join(chr(_code_point(chosen)) for _ in range(chosen.randrange(1, 30)))
        case _:
            return "".join(chosen.choices(FRAGMENTS, k=chosen.randrange(1, 8)))


def random_attributes(chosen: Random) -> dict[str, Any]:
    """Attributes of every type; about one in six is absent, and some are null."""
    made = {
        "nickname": random_text(chosen),
        "image": chosen.choice(IMAGES),
        "order_number": chosen.choice([random_text(chosen), "A-1042", "A-1043"]),
        "points": chosen.choice([0, -1, 7, 100, 1234567, 10**15, 0.1, -2.50, 1e-7, 99.999, None]),
        "vip": chosen.choice([True, False, None]),
        "renewal": chosen.choice(["2026-11-30", "2024-02-29", "0001-01-01", "9999-12-31", None]),
        "tags": chosen.choice([[], ["a"], ["{first_name}", "😀", ""], None]),
    }
    return {name: value for name, value in made.items() if chosen.random() > 1 / 6}


async def add_random_customers(connection: Connection, count: int, seed: int) -> list[int]:
    """Add customers that a seed makes, and the types of their attributes. Return their ids."""
    chosen = Random(seed)
    await connection.execute(
        "INSERT INTO customer_fields (name, type) SELECT * FROM unnest(%s::text[], %s::text[])",
        [list(ATTRIBUTES), [str(kind) for kind in ATTRIBUTES.values()]],
    )
    columns = (
        "phone, first_name, last_name, location, preferred_product, preferred_language, time_zone, created_at,"
        " attributes"
    )
    async with connection.cursor() as cursor:
        async with cursor.copy(f"COPY customers ({columns}) FROM STDIN") as copy:
            for number in range(count):
                await copy.write_row(_row(chosen, number))
        await cursor.execute("SELECT id FROM customers ORDER BY id")
        return [row[0] for row in await cursor.fetchall()]


def _row(chosen: Random, number: int) -> Sequence[object]:
    return (
        f"+2547{number:08d}",
        *(random_text(chosen) for _ in range(4)),
        chosen.choice(LANGUAGES),
        chosen.choice(TIME_ZONES),
        datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=chosen.randrange(-(10**6), 10**6)),
        json.dumps(random_attributes(chosen)),
    )


def _code_point(chosen: Random) -> int:
    """Any character but NUL, which PostgreSQL cannot store, and halves of surrogate pairs."""
    return chosen.choice([chosen.randrange(1, 0x800), chosen.randrange(0xE000, 0x110000), chosen.randrange(1, 0xD800)])
