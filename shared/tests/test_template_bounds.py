"""Rendering is bounded: linear time, bounded output, numbers of any size in any language."""

import contextlib
import time
from typing import Final

import pytest
from babel.localedata import locale_identifiers
from hypothesis import given
from hypothesis import strategies as st

from leopard.templates.compiler import MAX_RENDERED
from leopard.templates.filters import FILTERS
from leopard.templates.language import TemplateError, known_names, parse_template

KNOWN: Final = known_names({"points"})
LANGUAGES: Final = tuple(sorted(locale_identifiers()))
NUMBERS: Final = st.one_of(
    st.floats(), st.integers(-(10**45), 10**45), st.sampled_from([10**n + d for n in range(15, 32) for d in (-1, 0, 1)])
)


@given(NUMBERS, st.sampled_from(LANGUAGES), st.sampled_from(["number", 'currency:"KES"', 'currency:"JPY"', "trim"]))
def test_every_number_renders_in_every_language(number: float, language: str, written: str) -> None:
    template = parse_template(f"{{points|{written}}}", KNOWN)
    text = template.render({"attributes": {"points": number}}, language)
    assert not set(text) & set("\u00a0\u202f\u2019\u2212")


@pytest.mark.parametrize(
    "fragment", ['{"', '{"a', "{{if ", "{{", "{{ ", "{ ", "{first_name|", "{a|", "{}", '{"\\"', "{{else "]
)
def test_parsing_takes_linear_time(fragment: str) -> None:
    def seconds(times: int) -> float:
        began = time.process_time()
        with contextlib.suppress(TemplateError):
            parse_template(fragment * times)
        return time.process_time() - began

    # a quadratic parser would take a hundred times as long for ten times the text
    assert min(seconds(20_000) for _ in range(3)) < 30 * min(seconds(2_000) for _ in range(3)) + 0.01


@pytest.mark.parametrize("value", ["a" * 200_000 + "1", "a " * 100_000, "'a" * 100_000, "1" * 200_000, "%" * 200_000])
def test_filters_take_linear_time_and_bounded_output(value: str) -> None:
    for name, rule in FILTERS.items():
        template = parse_template(f"{{points|{rule.example}|{rule.example}}}", KNOWN)
        began = time.process_time()
        text = template.render({"attributes": {"points": value}})
        # a quadratic filter would take minutes
        assert time.process_time() - began < 2, name
        assert len(text) <= MAX_RENDERED
