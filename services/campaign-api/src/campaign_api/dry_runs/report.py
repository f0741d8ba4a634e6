"""The report of a dry run, as it is stored and answered."""

from typing import Annotated, Any, Final

from pydantic import BaseModel, Field

from campaign_api.campaigns.sms import SmsSize
from campaign_api.prices import Amount
from campaign_api.web.field_types import Id

SAMPLES: Final = 20
LISTED_FAILURES: Final = 20
EXAMPLES: Final = 5
"""How many customers are named as examples of those whose messages fail or are empty."""

_Share = Annotated[float, Field(description="Share of the messages, from 0 to 1", examples=[0.25])]


class SampleMessage(BaseModel):
    """A message exactly as a send would deliver it."""

    customer_id: Id = Field(description="Id of the customer", examples=[1])
    text: str = Field(description="Text of the message", examples=["Hello Alice"])
    content: dict[str, Any] | None = Field(description="Rich content of the message; null if it is only text")
    language: str | None = Field(description="Language of the template; null for `base_template`", examples=["sw"])
    variant: str | None = Field(description="Name of the variant; null where there are none", examples=["a"])
    sms: SmsSize | None = Field(description="What the text needs as SMS; null on other channels")


class FailureReason(BaseModel):
    """Why messages cannot be rendered."""

    reason: str = Field(description="The reason", examples=["the header has 70 characters, the limit is 60"])
    messages: int = Field(description="Number of messages", examples=[12])
    customer_ids: list[Id] = Field(description=f"Up to {EXAMPLES} of the customers", examples=[[4, 5]])


class LanguageShare(BaseModel):
    """How many messages use the templates of a language."""

    language: str | None = Field(description="Language of the template; null for `base_template`", examples=["sw"])
    messages: int = Field(description="Number of messages", examples=[250])
    share: _Share


class VariantShare(BaseModel):
    """How many messages use a variant."""

    variant: str = Field(description="Name of the variant", examples=["a"])
    messages: int = Field(description="Number of messages", examples=[250])
    share: _Share


class SegmentCount(BaseModel):
    """How many messages have a number of segments."""

    segments: int = Field(description="Number of segments of one message", examples=[2])
    messages: int = Field(description="Number of messages", examples=[250])


class SmsCounts(BaseModel):
    """The messages in segments of SMS."""

    segments: int = Field(description="Number of segments of all messages", examples=[1250])
    distribution: list[SegmentCount] = Field(description="Number of messages by their segments")
    gsm7: int = Field(description="Number of messages in GSM 03.38", examples=[990])
    ucs2: int = Field(description="Number of messages in UCS-2", examples=[10])


class PrefixCost(BaseModel):
    """The cost of the messages to phone numbers with one prefix."""

    prefix: str = Field(description="First digits of the numbers; empty for the price `default`", examples=["254"])
    price: Amount = Field(description="Price of a segment of an SMS, or of a WhatsApp message", examples=["0.80"])
    messages: int = Field(description="Number of messages", examples=[1000])
    units: int = Field(description="Number of segments of SMS, or of WhatsApp messages", examples=[1250])
    amount: Amount = Field(description="Price of all of them", examples=["1000.00"])


class DryRunCost(BaseModel):
    """What the messages cost by the price table."""

    currency: str = Field(description="Code of the currency", examples=["KES"])
    total: Amount = Field(description="Cost of all messages with a price, as a decimal number", examples=["1000.00"])
    prefixes: list[PrefixCost] = Field(description="The cost by the prefix of the phone number")
    without_price: int = Field(description="Number of messages to numbers without a price", examples=[0])


class DryRunReport(BaseModel):
    """What a send to the audience would do."""

    recipients: int = Field(description="Number of customers in the audience", examples=[1112])
    held_out: int = Field(description="Number of customers in the hold-out; they get no message", examples=[100])
    messages: int = Field(description="Number of messages that would be sent", examples=[1000])
    empty: int = Field(description="Number of messages without a visible character; they are not sent", examples=[0])
    empty_customer_ids: list[Id] = Field(description=f"Up to {EXAMPLES} of the customers of empty messages")
    failed: int = Field(description="Number of messages that cannot be rendered", examples=[12])
    failures: list[FailureReason] = Field(
        description=f"Why messages cannot be rendered: up to {LISTED_FAILURES} reasons, those of most messages first"
    )
    languages: list[LanguageShare] = Field(description="The messages by the language of their template")
    variants: list[VariantShare] = Field(description="The messages by variant; empty where there are none")
    sms: SmsCounts | None = Field(description="The messages in segments of SMS; null on other channels")
    cost: DryRunCost | None = Field(description="What the messages cost; null without a price table")
    longest: SampleMessage | None = Field(
        description="The message with the most segments and units, or on other channels with the most characters"
    )
    samples: list[SampleMessage] = Field(description=f"Up to {SAMPLES} messages, spread evenly over the audience")
