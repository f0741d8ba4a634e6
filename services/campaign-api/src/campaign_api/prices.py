"""Prices of messages by the country prefix of the phone number; the longest prefix wins. Amounts are decimals."""

from decimal import Decimal
from functools import cached_property
from typing import Annotated, Any, Final

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer

MOST_PREFIXES: Final = 2000
_MOST_DIGITS: Final = 15

DEFAULT: Final = ""
"""Stands for the prefix of numbers that have the price `default`."""


def _digits(prefix: str) -> str:
    digits = prefix.removeprefix("+")
    if not (digits.isascii() and digits.isdecimal() and len(digits) <= _MOST_DIGITS):
        msg = "must be the first digits of phone numbers, such as +254"
        raise ValueError(msg)
    return digits


def _different_prefixes(value: Any) -> Any:  # noqa: ANN401 a request body has any type
    if isinstance(value, dict) and len({str(prefix).removeprefix("+") for prefix in value}) < len(value):
        msg = "must not give a prefix twice, with and without a plus sign"
        raise ValueError(msg)
    return value


def _not_boolean(value: Any) -> Any:  # noqa: ANN401 a request body has any type
    if isinstance(value, bool):
        msg = "must be a number"
        raise ValueError(msg)  # noqa: TRY004 pydantic turns a ValueError into an answer
    return value


def amount_text(amount: Decimal) -> str:
    """An amount as text, without an exponent."""
    return f"{amount:f}"


Amount = Annotated[Decimal, PlainSerializer(amount_text, return_type=str)]
Price = Annotated[
    Amount,
    BeforeValidator(_not_boolean),
    Field(ge=0, max_digits=12, decimal_places=6, allow_inf_nan=False, examples=["0.80"]),
]
Prefix = Annotated[str, AfterValidator(_digits)]


class PriceTable(BaseModel):
    """Prices in one currency: of a segment of an SMS, or of a WhatsApp message."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    currency: str = Field(pattern="^[A-Z]{3}$", description="Code of the currency (ISO 4217)", examples=["KES"])
    prefixes: Annotated[dict[Prefix, Price], BeforeValidator(_different_prefixes)] = Field(
        default={},
        max_length=MOST_PREFIXES,
        description="Prices by the first digits of the phone number; the longest that fits is taken",
        examples=[{"+254": "0.80", "+2547": "0.65"}],
    )
    default: Price | None = Field(
        default=None, description="Price of all other numbers; if absent, they are counted as without a price"
    )

    @cached_property
    def _lengths(self) -> tuple[int, ...]:
        return tuple(sorted({len(prefix) for prefix in self.prefixes}, reverse=True))

    def prefix_of(self, phone: str) -> str | None:
        """The longest prefix of a phone number that has a price: `DEFAULT` where only that fits, None if none does.

        Args:
            phone: The number in E.164.
        """
        for length in self._lengths:
            # the first character is the plus sign
            if (prefix := phone[1 : length + 1]) in self.prefixes:
                return prefix
        return None if self.default is None else DEFAULT

    def price_of(self, prefix: str) -> Decimal:
        """The price of a prefix that `prefix_of` has given."""
        price = self.default if prefix == DEFAULT else self.prefixes[prefix]
        assert price is not None  # noqa: S101 prefix_of gives only prefixes with a price
        return price
