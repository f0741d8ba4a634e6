"""What holds for every campaign and every recipient."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final
from zoneinfo import available_timezones

from hypothesis import example, given
from hypothesis import strategies as st

from leopard.domain.blank_text import is_blank
from leopard.domain.stored_text import storable
from leopard.personalization.content import MAX_PART, RichContent
from leopard.personalization.content_parts import ContentError
from leopard.personalization.model import Personalization, Variant
from leopard.personalization.rendering import MessageTemplates
from leopard.templates.language import parse_template
from leopard.templates.printer import print_template
from support.template_strategies import ATTRIBUTES, FRAGMENTS, KNOWN, attributes, bodies, strings, texts

LANGUAGES: Final = ("en", "sw", "zh-Hant")


@dataclass(frozen=True)
class Person:
    phone: str = "+254700000001"
    first_name: str | None = None
    last_name: str | None = None
    location: str | None = None
    preferred_product: str | None = None
    preferred_language: str | None = None
    time_zone: str | None = None
    created_at: datetime | None = None
    attributes: dict[str, Any] | None = field(default_factory=dict)


optional_texts = st.none() | texts
people = st.builds(
    Person,
    phone=texts,
    first_name=optional_texts,
    last_name=optional_texts,
    location=optional_texts,
    preferred_product=optional_texts,
    preferred_language=st.sampled_from([*LANGUAGES, "sw-KE", "zh-Hant-TW"]) | optional_texts,
    time_zone=st.sampled_from(sorted(available_timezones())) | optional_texts,
    created_at=st.none() | st.datetimes(timezones=st.just(UTC)),
    attributes=st.none() | attributes,
)


BORN_TOO_EARLY: Final = Person(created_at=datetime.min.replace(tzinfo=UTC), time_zone="America/New_York")
"""There is no such moment in the calendar of the recipient's zone."""


def is_accepted(template: str) -> bool:
    try:
        parse_template(storable(template), KNOWN)
    except ValueError:
        # also a TemplateError
        return False
    return len(template) <= MAX_PART


templates = (bodies.map(print_template) | strings).filter(is_accepted)
by_language = st.dictionaries(st.sampled_from(LANGUAGES), templates, max_size=2)
variants = st.builds(
    Variant, name=st.just("a"), weight=st.integers(1, 9), base_template=templates, templates=by_language
)
parts = templates.filter(lambda template: not is_blank(template))
contents = st.fixed_dictionaries(
    {
        "header": st.fixed_dictionaries({"type": st.just("document"), "url": parts}, optional={"filename": parts}),
        "buttons": st.lists(
            st.fixed_dictionaries({"type": st.just("reply"), "text": parts}, optional={"payload": parts}), max_size=2
        ),
    }
).map(RichContent.model_validate)
personalizations = st.builds(
    Personalization,
    attributes=st.just(list(ATTRIBUTES)),
    templates=by_language,
    variants=st.lists(variants, max_size=2),
    content=st.none() | contents,
)
brace_texts = st.lists(st.sampled_from(FRAGMENTS), min_size=1, max_size=8).map("".join).filter(str.strip)


@given(
    templates,
    personalizations,
    people,
    st.none() | st.integers(-2, 4),
    st.none() | st.sampled_from([*LANGUAGES, "fr", "??"]),
)
@example("{created_at}", Personalization(), BORN_TOO_EARLY, None, None)
def test_every_accepted_campaign_renders_for_every_recipient(
    base: str, personalization: Personalization, person: Person, variant: int | None, language: str | None
) -> None:
    campaign = MessageTemplates(base, personalization)
    rendered = campaign.render_text(person, variant, language)
    try:
        whole = campaign.render(person, variant, language)
    except ContentError:
        # a part of the content does not fit this recipient
        assert personalization.content is not None
    else:
        assert (whole.text, whole.template, whole.language) == (rendered.text, rendered.template, rendered.language)


@given(brace_texts, brace_texts, brace_texts)
def test_values_full_of_braces_come_out_as_they_are(name: str, note: str, product: str) -> None:
    person = Person(first_name=name, preferred_product=product, preferred_language="sw", attributes={"note": note})
    template = "{first_name}/{{if note}}{note}{{end}}/{attributes.note}/{preferred_product|truncate:10000}"
    expected = f"{name}/{note}/{note}/{product}"
    button = {"type": "reply", "text": "Yes", "payload": "{note|truncate:256}"}
    personalization = Personalization(
        attributes=["note"],
        templates={"en": template},
        variants=[Variant(name="a", weight=1, base_template="Hi", templates={"sw": template})],
        content=RichContent.model_validate({"footer": "Bye", "buttons": [button]}),
    )
    rendered = MessageTemplates(template, personalization).render(person, 1)
    assert rendered.content is not None
    assert (rendered.text, rendered.content["body"]) == (expected, expected)
    assert rendered.content["buttons"][0]["payload"] == note[:256]
    for language in (None, "en"):
        assert MessageTemplates(template, personalization).render_text(person, None, language).text == expected
    assert MessageTemplates("{first_name}/{preferred_product}").render(person).text == f"{name}/{product}"
