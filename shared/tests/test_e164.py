"""Only phone numbers in E.164 format are accepted."""

import pytest

from leopard.domain.phone_numbers import is_e164


@pytest.mark.parametrize("phone", ["+254700123456", "+14155552671", "+123456789012345", "+1234567"])
def test_an_e164_number_is_accepted(phone: str) -> None:
    assert is_e164(phone)


@pytest.mark.parametrize(
    "phone",
    [
        "",
        "254700123456",
        "+0254700123456",
        "+1234567890123456",
        "+254 700 123456",
        "+2547001234a6",
        "+25470012345٦",
        "+254700123456\n",
        "+123456",
    ],
)
def test_any_other_text_is_refused(phone: str) -> None:
    assert not is_e164(phone)
