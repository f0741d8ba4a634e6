"""Messages with languages, variants and attributes."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leopard.personalization.intervals import difference_of_shares
from leopard.personalization.languages import best_language
from leopard.personalization.model import Personalization, PersonalizationError, Variant
from leopard.personalization.rendering import MessageTemplates
from leopard.personalization.shares import bounds_of, is_held_out, variant_of


@dataclass
class Person:
    phone: str = "+254700123456"
    first_name: str | None = "Alice"
    last_name: str | None = None
    location: str | None = "Nairobi"
    preferred_product: str | None = None
    preferred_language: str | None = "sw-KE"
    time_zone: str | None = "Africa/Nairobi"
    created_at: datetime | None = datetime(2026, 11, 30, 22, 30, tzinfo=UTC)
    attributes: dict[str, Any] = field(default_factory=lambda: {"points": 1234})


def test_a_campaign_of_the_first_version_inserts_plain_placeholders_only() -> None:
    template = "Hi {first_name}, {points} {first_name|uppercase} {{if location}}"
    rendered = MessageTemplates(template).render(Person())
    assert rendered.text == "Hi Alice, {points} {first_name|uppercase} {{if location}}"


def test_attributes_that_were_known_are_placeholders_and_others_are_text() -> None:
    templates = MessageTemplates("{points} {level} {attributes.level}", Personalization(attributes=["points"]))
    assert templates.render(Person(attributes={"points": 5, "level": "gold"})).text == "5 {level} gold"


@pytest.mark.parametrize(
    ("preferred", "text", "language"),
    [
        ("sw", "Habari Alice", "sw"),
        ("sw-KE", "Habari Alice", "sw"),
        ("SW-ke", "Habari Alice", "sw"),
        ("zh-Hant-TW", "Zh Alice", "zh-Hant"),
        ("zh-x-private", "Hello Alice", None),
        ("fr", "Hello Alice", None),
        (None, "Hello Alice", None),
    ],
)
def test_the_language_of_the_recipient_chooses_the_template(
    preferred: str | None, text: str, language: str | None
) -> None:
    templates = {"sw": "Habari {first_name}", "zh-Hant": "Zh {first_name}"}
    rendered = MessageTemplates("Hello {first_name}", Personalization(templates=templates)).render(
        Person(preferred_language=preferred)
    )
    assert (rendered.text, rendered.language) == (text, language)


def test_a_language_that_is_given_replaces_the_recipients() -> None:
    templates = MessageTemplates(
        "Hi {points|number}", Personalization(attributes=["points"], templates={"de": "{points|number}"})
    )
    assert templates.render(Person(), language="de").text == "1.234"


def test_a_single_letter_subtag_is_removed_with_the_one_after_it() -> None:
    assert best_language("en-a-bbb-x-a", {"en": "", "en-a": ""}) == "en"


def test_a_recipient_gets_the_texts_of_the_variant_that_is_stored() -> None:
    variants = [
        Variant(name="a", weight=1, base_template="A {first_name}"),
        Variant(name="b", weight=1, base_template="B", templates={"sw": "B sw {first_name}"}),
    ]
    templates = MessageTemplates("unused", Personalization(variants=variants))
    assert [templates.render(Person(), number).text for number in (1, 2)] == ["A Alice", "B sw Alice"]


def test_a_moment_is_shown_in_the_time_zone_of_the_recipient() -> None:
    templates = MessageTemplates('{created_at|date:"%d %H:%M"}', Personalization())
    assert templates.render(Person()).text == "01 01:30"
    assert templates.render(Person(time_zone=None)).text == "30 22:30"


@pytest.mark.parametrize("name", ["Mars/Olympus", "", "/etc/passwd", "../UTC", "Africa", "\0", "x" * 5000, "ä"])
def test_a_time_zone_that_this_system_does_not_know_is_utc(name: str) -> None:
    templates = MessageTemplates('{created_at|date:"%d %H:%M"}', Personalization())
    assert templates.render(Person(time_zone=name)).text == "30 22:30"


def test_a_form_that_this_version_does_not_know_is_refused_with_its_place() -> None:
    with pytest.raises(PersonalizationError, match="templates"):
        MessageTemplates.stored("Hi", {"templates": 5})


@given(st.integers(1, 2**40), st.lists(st.integers(1, 1000), min_size=1, max_size=10))
def test_every_customer_has_one_variant_and_always_the_same(campaign_id: int, weights: list[int]) -> None:
    bounds = bounds_of(weights)
    chosen = [variant_of(campaign_id, customer_id, bounds) for customer_id in range(50)]
    assert chosen == [variant_of(campaign_id, customer_id, bounds) for customer_id in range(50)]
    assert set(chosen) <= set(range(1, len(weights) + 1))


def test_variants_and_the_hold_out_get_their_shares_independently() -> None:
    customers = range(20_000)
    held = [customer for customer in customers if is_held_out(7, customer, 0.1)]
    first = [customer for customer in customers if variant_of(7, customer, bounds_of([3, 1])) == 1]
    assert len(held) == pytest.approx(2000, rel=0.1)
    assert len(first) == pytest.approx(15_000, rel=0.05)
    assert len(set(held) & set(first)) == pytest.approx(1500, rel=0.1)


def test_intervals_equal_the_published_ones() -> None:
    # Newcombe 1998, table II, column (a), method 10
    difference = difference_of_shares((56, 48), (70, 80))
    assert difference is not None
    assert (round(difference.value, 4), round(difference.low, 4), round(difference.high, 4)) == (0.2, 0.0524, 0.3339)


def test_few_messages_give_no_interval() -> None:
    assert difference_of_shares((9, 3), (29, 1000)) is None
