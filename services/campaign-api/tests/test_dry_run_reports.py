"""The report of a dry run equals a naive count of its messages."""

from collections import Counter
from dataclasses import dataclass
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from campaign_api.dry_runs.collector import OTHER_REASONS, ReportCollector
from campaign_api.dry_runs.report import DryRunReport
from campaign_api.prices import PriceTable
from leopard.domain.blank_text import is_blank
from leopard.domain.sms_segments import SmsEncoding, sms_segments
from leopard.personalization.rendering import RenderedMessage

VARIANTS = ("a", "b", "never")
TABLE = PriceTable.model_validate(
    {"currency": "KES", "prefixes": {"+254": "0.8", "+2547": 0.1, "49": "0.000001"}, "default": None}
)


@dataclass(frozen=True)
class Recipient:
    phone: str
    text: str | None
    """The text of the message; None where it cannot be rendered."""
    language: str | None
    variant: int | None
    held_out: bool


RECIPIENTS = st.lists(
    st.builds(
        Recipient,
        phone=st.sampled_from(["+254712345678", "+254112345678", "+4915112345678", "+14155550100"]),
        text=st.one_of(
            st.none(),
            st.text(max_size=5),
            st.sampled_from(["", " ", "Hi", "x" * 161, "y" * 400, "ж" * 71, "{" * 100]),
        ),
        language=st.sampled_from([None, "en", "sw"]),
        variant=st.sampled_from([None, 1, 2]),
        held_out=st.booleans(),
    ),
    max_size=80,
)


def collected(recipients: list[Recipient], channel: str, prices: PriceTable | None = TABLE) -> DryRunReport:
    collector = ReportCollector(len(recipients), channel=channel, variants=VARIANTS, prices=prices)
    for customer_id, one in enumerate(recipients, 1):
        if one.held_out:
            collector.add_held_out()
        elif one.text is None:
            collector.add_failed(customer_id, f"wrong in {one.language}")
        else:
            collector.add(customer_id, one.phone, one.variant, RenderedMessage(one.text, one.language))
    return collector.report()


@given(RECIPIENTS, st.sampled_from(["sms", "whatsapp"]))
def test_every_number_of_a_report_equals_a_naive_count(recipients: list[Recipient], channel: str) -> None:
    report = collected(recipients, channel)
    rest = [(customer_id, one) for customer_id, one in enumerate(recipients, 1) if not one.held_out]
    failed = [(customer_id, one) for customer_id, one in rest if one.text is None]
    empty = [customer_id for customer_id, one in rest if one.text is not None and is_blank(one.text)]
    sent = [(customer_id, one, one.text) for customer_id, one in rest if one.text and not is_blank(one.text)]
    assert report.recipients == len(recipients)
    assert report.held_out == len(recipients) - len(rest)
    assert (report.failed, report.empty, report.messages) == (len(failed), len(empty), len(sent))
    assert report.empty_customer_ids == empty[:5]
    reasons = Counter(f"wrong in {one.language}" for _, one in failed)
    assert {one.reason: one.messages for one in report.failures} == reasons
    for failure in report.failures:
        assert failure.customer_ids == [id_ for id_, one in failed if f"wrong in {one.language}" == failure.reason][:5]
    assert {one.language: one.messages for one in report.languages} == Counter(one.language for _, one, _ in sent)
    variants = Counter(one.variant for _, one, _ in sent)
    assert [(one.variant, one.messages) for one in report.variants] == [
        (name, variants[number]) for number, name in enumerate(VARIANTS, 1)
    ]
    if sent:
        assert abs(sum(one.share for one in report.languages) - 1) < 1e-9
    segments = [sms_segments(text) for _, _, text in sent]
    if channel == "sms":
        assert report.sms is not None
        assert {one.segments: one.messages for one in report.sms.distribution} == Counter(
            one.segments for one in segments
        )
        assert report.sms.segments == sum(one.segments for one in segments)
        assert report.sms.ucs2 == sum(one.encoding is SmsEncoding.UCS2 for one in segments)
        assert report.sms.gsm7 + report.sms.ucs2 == len(sent)
    else:
        assert report.sms is None


@given(RECIPIENTS, st.sampled_from(["sms", "whatsapp"]))
def test_the_cost_is_exact(recipients: list[Recipient], channel: str) -> None:
    report = collected(recipients, channel)
    assert report.cost is not None
    prices = {"+2547": Fraction(1, 10), "+2541": Fraction(8, 10), "+4915": Fraction(1, 1_000_000)}
    expected, without = Fraction(0), 0
    for one in recipients:
        if one.held_out or not one.text or is_blank(one.text):
            continue
        price = prices.get(one.phone[:5])
        if price is None:
            without += 1
        else:
            expected += price * (sms_segments(one.text).segments if channel == "sms" else 1)
    assert Fraction(report.cost.total) == expected
    assert Fraction(report.model_dump(mode="json")["cost"]["total"]) == expected
    assert report.cost.without_price == without


@given(RECIPIENTS)
def test_the_longest_message_is_the_same_in_every_order(recipients: list[Recipient]) -> None:
    texts = {id_: one.text for id_, one in enumerate(recipients, 1) if one.text and not is_blank(one.text)}
    found = []
    for order in (list(texts), list(texts)[::-1]):
        collector = ReportCollector(len(texts), channel="sms")
        for customer_id in order:
            collector.add(customer_id, "+1", None, RenderedMessage(texts[customer_id] or ""))
        found.append(collector.report().longest)
    assert found[0] == found[1]
    if found[0] is not None and found[0].sms is not None:
        sizes = [(sms.segments, sms.units) for sms in map(sms_segments, filter(None, texts.values()))]
        assert (found[0].sms.segments, found[0].sms.units) == max(sizes)


@given(st.integers(0, 500))
def test_samples_are_spread_evenly(recipients: int) -> None:
    collector = ReportCollector(recipients, channel="sms")
    for position in range(recipients):
        collector.add(position, "+1", None, RenderedMessage("Hi"))
    taken = [sample.customer_id for sample in collector.report().samples]
    if recipients <= 20:
        assert taken == list(range(recipients))
    else:
        assert taken == [number * recipients // 20 for number in range(20)]


@given(RECIPIENTS)
def test_samples_are_messages_in_the_order_of_the_audience(recipients: list[Recipient]) -> None:
    report = collected(recipients, "sms")
    sent = [id_ for id_, one in enumerate(recipients, 1) if not one.held_out and one.text and not is_blank(one.text)]
    taken = [sample.customer_id for sample in report.samples]
    assert taken == sorted(set(taken))
    assert set(taken) <= set(sent)
    assert bool(taken) == bool(sent)
    for sample in report.samples:
        one = recipients[sample.customer_id - 1]
        assert (sample.text, sample.language) == (one.text, one.language)
        assert sample.variant == (None if one.variant is None else VARIANTS[one.variant - 1])


def test_many_different_reasons_are_counted_together() -> None:
    collector = ReportCollector(1000, channel="sms")
    for customer_id in range(1000):
        collector.add_failed(customer_id, f"reason {customer_id}")
    report = collector.report()
    assert report.failed == 1000
    assert len(report.failures) == 20
    assert report.failures[0].reason == OTHER_REASONS
    assert report.failures[0].messages == 800


def test_prices_sum_without_a_floating_point_error() -> None:
    recipients = [Recipient("+254712345678", "Hi", None, None, held_out=False)] * 3
    report = collected(recipients, "sms").model_dump(mode="json")
    assert report["cost"]["total"] == "0.3"
