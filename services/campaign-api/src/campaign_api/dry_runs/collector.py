"""Collects the report of a dry run, message by message. Its memory does not grow with the number of messages."""

from collections import Counter
from collections.abc import Sequence
from decimal import Decimal, localcontext
from typing import Final

from campaign_api.campaigns.sms import SmsSize
from campaign_api.dry_runs.report import (
    EXAMPLES,
    LISTED_FAILURES,
    SAMPLES,
    DryRunCost,
    DryRunReport,
    FailureReason,
    LanguageShare,
    PrefixCost,
    SampleMessage,
    SegmentCount,
    SmsCounts,
    VariantShare,
)
from campaign_api.prices import PriceTable
from leopard.domain.blank_text import is_blank
from leopard.domain.sms_segments import SmsEncoding, SmsSegments, sms_segments
from leopard.domain.statuses import Channel
from leopard.personalization.rendering import RenderedMessage

_MOST_REASONS: Final = 200
"""How many different reasons are counted. Further ones are counted together."""

OTHER_REASONS: Final = "other reasons"

_DIGITS: Final = 50
"""More than any amount has, so that sums are exact."""


class ReportCollector:
    """Counts the recipients of a campaign one after the other, and keeps a few of their messages."""

    def __init__(
        self, recipients: int, *, channel: str, variants: Sequence[str] = (), prices: PriceTable | None = None
    ) -> None:
        """Begin with no recipient.

        Args:
            recipients: About how many will follow. The samples are spread over them.
            channel: The channel of the campaign.
            variants: The names of the variants.
            prices: What a segment of an SMS, or another message, costs.
        """
        self._expected = recipients
        self._is_sms = channel == Channel.SMS
        self._variant_names = variants
        self._prices = prices
        self.seen = 0
        """How many recipients were counted."""
        self._held_out = 0
        self._messages = 0
        self._empty = 0
        self._empty_examples: list[int] = []
        self._reasons: Counter[str] = Counter()
        self._reason_examples: dict[str, list[int]] = {}
        self._languages: Counter[str | None] = Counter()
        self._variants: Counter[int | None] = Counter()
        self._segments: Counter[int] = Counter()
        self._ucs2 = 0
        self._priced_messages: Counter[str | None] = Counter()
        self._priced_units: Counter[str | None] = Counter()
        self._samples: list[SampleMessage] = []
        self._sample_from = 0
        self._longest: SampleMessage | None = None
        self._longest_size = (-1, -1, 0)

    def add_held_out(self) -> None:
        """Count a customer who gets no message because of the hold-out."""
        self.seen += 1
        self._held_out += 1

    def add_failed(self, customer_id: int, reason: str) -> None:
        """Count a message that cannot be rendered."""
        self.seen += 1
        if reason not in self._reasons and len(self._reasons) >= _MOST_REASONS:
            reason = OTHER_REASONS
        self._reasons[reason] += 1
        examples = self._reason_examples.setdefault(reason, [])
        if len(examples) < EXAMPLES:
            examples.append(customer_id)

    def add(self, customer_id: int, phone: str, variant: int | None, message: RenderedMessage) -> None:
        """Count a rendered message.

        Args:
            customer_id: The recipient.
            phone: The recipient's number, in E.164.
            variant: The number of the variant, from 1; None where there are none.
            message: What is sent, unless it is blank.
        """
        position = self.seen
        self.seen += 1
        if is_blank(message.text):
            self._empty += 1
            if len(self._empty_examples) < EXAMPLES:
                self._empty_examples.append(customer_id)
            return
        self._messages += 1
        self._languages[message.language] += 1
        self._variants[variant] += 1
        sms = sms_segments(message.text) if self._is_sms else None
        units = 1
        if sms is not None:
            units = sms.segments
            self._segments[units] += 1
            self._ucs2 += sms.encoding is SmsEncoding.UCS2
        if self._prices is not None:
            prefix = self._prices.prefix_of(phone)
            self._priced_messages[prefix] += 1
            self._priced_units[prefix] += units
        # of messages of the same size, that of the lowest id, so that the order does not matter
        size = (units, sms.units if sms is not None else len(message.text), -customer_id)
        if size > self._longest_size:
            self._longest_size = size
            self._longest = self._sample(customer_id, variant, message, sms)
        if position >= self._sample_from and len(self._samples) < SAMPLES:
            self._samples.append(self._sample(customer_id, variant, message, sms))
            self._sample_from = len(self._samples) * self._expected // SAMPLES

    def report(self) -> DryRunReport:
        """The report of all recipients so far."""
        return DryRunReport(
            recipients=self.seen,
            held_out=self._held_out,
            messages=self._messages,
            empty=self._empty,
            empty_customer_ids=self._empty_examples,
            failed=self._reasons.total(),
            failures=[
                FailureReason(reason=reason, messages=messages, customer_ids=self._reason_examples[reason])
                for reason, messages in self._reasons.most_common(LISTED_FAILURES)
            ],
            languages=[
                LanguageShare(language=language, messages=messages, share=messages / self._messages)
                for language, messages in self._languages.most_common()
            ],
            variants=[
                VariantShare(variant=name, messages=messages, share=messages / max(self._messages, 1))
                for number, name in enumerate(self._variant_names, 1)
                for messages in [self._variants[number]]
            ],
            sms=self._sms_counts() if self._is_sms else None,
            cost=None if self._prices is None else self._cost(self._prices),
            longest=self._longest,
            samples=self._samples,
        )

    def _sample(
        self, customer_id: int, variant: int | None, message: RenderedMessage, sms: SmsSegments | None
    ) -> SampleMessage:
        named = variant is not None and 1 <= variant <= len(self._variant_names)
        return SampleMessage(
            customer_id=customer_id,
            text=message.text,
            content=message.content,
            language=message.language,
            variant=self._variant_names[variant - 1] if variant is not None and named else None,
            sms=None if sms is None else SmsSize(encoding=sms.encoding, units=sms.units, segments=sms.segments),
        )

    def _sms_counts(self) -> SmsCounts:
        return SmsCounts(
            segments=sum(segments * messages for segments, messages in self._segments.items()),
            distribution=[
                SegmentCount(segments=segments, messages=messages)
                for segments, messages in sorted(self._segments.items())
            ],
            gsm7=self._messages - self._ucs2,
            ucs2=self._ucs2,
        )

    def _cost(self, prices: PriceTable) -> DryRunCost:
        with localcontext(prec=_DIGITS):
            priced = [
                PrefixCost(
                    prefix=prefix,
                    price=price,
                    messages=messages,
                    units=self._priced_units[prefix],
                    amount=price * self._priced_units[prefix],
                )
                for prefix, messages in self._priced_messages.items()
                if prefix is not None
                for price in [prices.price_of(prefix)]
            ]
            total = sum((one.amount for one in priced), Decimal(0))
        return DryRunCost(
            currency=prices.currency,
            total=total,
            prefixes=sorted(priced, key=lambda one: (-one.units, one.prefix)),
            without_price=self._priced_messages[None],
        )
