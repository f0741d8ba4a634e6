"""The longest prefix of a phone number that has a price decides."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from campaign_api.prices import DEFAULT, PriceTable
from campaign_api.settings import ApiSettings

DIGITS = st.text("0123", min_size=1, max_size=6)


@given(st.sets(DIGITS, max_size=12), st.text("0123", min_size=7, max_size=9), st.sampled_from(["2", None]))
def test_the_longest_prefix_wins(prefixes: set[str], digits: str, default: str | None) -> None:
    table = PriceTable.model_validate({"currency": "KES", "prefixes": dict.fromkeys(prefixes, "1"), "default": default})
    fitting = [prefix for prefix in prefixes if digits.startswith(prefix)]
    expected = max(fitting, key=len) if fitting else DEFAULT if default else None
    assert table.prefix_of(f"+{digits}") == expected


@pytest.mark.parametrize(
    "table",
    [
        {"currency": "Ksh"},
        {"currency": "KES", "prefixes": {"Kenya": "1"}},
        {"currency": "KES", "prefixes": {"+254": "-1"}},
        {"currency": "KES", "prefixes": {"+254": True}},
        {"currency": "KES", "prefixes": {"": "1"}},
        {"currency": "KES", "prefixes": {"+254": "1", "254": "2"}},
        {"currency": "KES", "default": "NaN"},
        {"currency": "KES", "defualt": "1"},
        {"prefixes": {}},
    ],
)
def test_a_wrong_table_is_refused(table: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        PriceTable.model_validate(table)


def test_settings_hold_a_table_for_each_channel(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEOPARD_SMS_PRICES", '{"currency": "KES", "prefixes": {"+254": 0.8}}')
    monkeypatch.setenv("LEOPARD_WHATSAPP_PRICES", " ")
    settings = ApiSettings(database_url="postgresql://x/y", amqp_url="amqp://x/")
    assert settings.sms_prices is not None
    assert str(settings.sms_prices.prefixes["254"]) == "0.8"
    assert settings.whatsapp_prices is None


def test_a_wrong_table_of_the_settings_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEOPARD_SMS_PRICES", '{"currency": "KES", "default": "much"}')
    with pytest.raises(ValidationError, match=r"default Input should be a valid decimal"):
        ApiSettings(database_url="postgresql://x/y", amqp_url="amqp://x/")
