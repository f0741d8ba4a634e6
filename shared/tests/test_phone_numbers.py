"""Every spelling of a phone number is normalised to E.164, or refused with the reason."""

import phonenumbers
import pytest
from phonenumbers import PhoneNumberFormat, PhoneNumberType

from leopard.domain.phone_spellings import normalised_phone, other_spellings


@pytest.mark.parametrize(
    ("written", "stored"),
    [
        ("+447911123456", "+447911123456"),
        ("+4407911123456", "+447911123456"),
        ("+44 (0)7911 123456", "+447911123456"),
        ("00447911123456", "+447911123456"),
        ("+254-700-123-456", "+254700123456"),
        ("+2540700123456", "+254700123456"),
        ("+254\u00a0700.123/456", "+254700123456"),
        ("\u202a+254 700\u2011123456\u202c", "+254700123456"),
        ("+7 8 912 345 67 89", "+79123456789"),
        ("+1 1 212 555 0123", "+12125550123"),
        ("+390612345678", "+390612345678"),
        ("+39 06 1234 5678", "+390612345678"),
        ("+2250101020304", "+2250101020304"),
        ("+80012345678", "+80012345678"),
        ("+9990123456789", "+9990123456789"),
        ("+999 012 345 6789", "+9990123456789"),
    ],
)
def test_every_spelling_is_normalised_to_e164(written: str, stored: str) -> None:
    assert normalised_phone(written) == stored


@pytest.mark.parametrize(
    ("written", "why"),
    [
        ("", "E.164"),
        ("0700123456", "E.164"),
        ("254700123457", "E.164"),
        ("+0254700123456", "E.164"),
        ("+254700123456x5", "E.164"),
        ("+1800FLOWERS", "E.164"),
        ("tel:+254700123456", "E.164"),
        ("+٢٥٤٧٠٠١٢٣٤٥٦", "E.164"),
        ("+254700123456\n", "E.164"),
        ("+254++700123456", "E.164"),
        ("+2547001", "too short"),
        ("+25470012345678", "too long"),
        ("+210123456789", "country code"),
        ("+440000000000", "0 after the country code"),
        ("+" + " " * 5000, "too long"),
    ],
)
def test_an_invalid_number_is_refused_with_the_reason(written: str, why: str) -> None:
    with pytest.raises(ValueError, match=why) as refused:
        normalised_phone(written)
    assert not written or written not in str(refused.value)


def _examples() -> list[tuple[str, phonenumbers.PhoneNumber]]:
    examples = [
        (region, phonenumbers.example_number_for_type(region, kind))
        for region in sorted(phonenumbers.SUPPORTED_REGIONS)
        for kind in (PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE)
    ]
    return [(region, number) for region, number in examples if number is not None]


def test_valid_numbers_of_every_country_are_accepted_unchanged() -> None:
    for _, number in _examples():
        stored = phonenumbers.format_number(number, PhoneNumberFormat.E164)
        assert normalised_phone(stored) == stored


def test_a_trunk_prefix_never_creates_a_second_number() -> None:
    # in these regions a number with a leading 0 is a different number
    own_zero = {"AC", "IT", "VA"}
    for region, number in _examples():
        stored = phonenumbers.format_number(number, PhoneNumberFormat.E164)
        prefix = phonenumbers.ndd_prefix_for_region(region, strip_non_digits=True) or "0"
        for trunk in {"0", prefix} if region not in own_zero else {prefix} - {"0"}:
            with_trunk = f"+{number.country_code}{trunk}{phonenumbers.national_significant_number(number)}"
            try:
                assert normalised_phone(with_trunk) == stored
            except ValueError:
                continue
            if region == phonenumbers.region_code_for_country_code(number.country_code or 0):
                assert with_trunk in other_spellings(stored)
