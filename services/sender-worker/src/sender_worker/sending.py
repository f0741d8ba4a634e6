"""Sends one message: takes a claim and returns a result. Knows no queue and no table.

Renders and checks the text, sends it through the provider, and turns the outcome into a result.
"""

import time
from dataclasses import dataclass, replace
from typing import Final

from leopard.domain.blank_text import is_blank
from leopard.personalization.content_parts import ContentError
from leopard.personalization.model import PersonalizationError
from leopard.personalization.rendering import MessageTemplates, RenderedMessage
from leopard.providers.contract import (
    Accepted,
    OutgoingMessage,
    Provider,
    Refused,
    SendOutcome,
    Throttled,
    Unavailable,
    Unknown,
)
from leopard.telemetry.logs import get_logger
from leopard.telemetry.tracing import trace_id_of
from leopard.templates.problems import TemplateError
from sender_worker.claims import Claim
from sender_worker.gate import Gate
from sender_worker.metrics import ATTEMPTS, SEND_SECONDS
from sender_worker.results import Result, RetryRules, not_sendable, result_of

log = get_logger(__name__)

EMPTY_TEXT: Final = "the text is empty for this recipient"


@dataclass(frozen=True, slots=True)
class Carrier:
    """The provider with its gate and its retry rules."""

    provider: Provider
    gate: Gate
    rules: RetryRules


async def send_message(claim: Claim, carrier: Carrier, traceparent: object = None) -> Result:
    """Send a claimed message and return its result. Raises nothing.

    Args:
        claim: The message, with its template and its recipient.
        carrier: The provider, its gate and the retry rules.
        traceparent: The trace context for log lines.
    """
    try:
        rendered = render(claim)
    except (TemplateError, PersonalizationError) as error:
        return not_sendable(claim, f"the template cannot be read: {error}")
    except ContentError as error:
        return not_sendable(claim, f"the message cannot be sent to this recipient: {error}")
    except Exception as error:
        log.exception("message could not be rendered", **_ids(claim, traceparent))
        return not_sendable(claim, f"the template cannot be rendered: {type(error).__name__}")
    if is_blank(rendered.text):
        return not_sendable(claim, EMPTY_TEXT, rendered.text)
    started = time.monotonic()
    outcome = await _hand_over(claim, rendered, carrier, traceparent)
    SEND_SECONDS[claim.channel].observe(time.monotonic() - started)
    ATTEMPTS[claim.channel, outcome_label(outcome)].inc()
    carrier.gate.heard(outcome, started)
    held = carrier.gate.hold_seconds is not None
    result = result_of(claim, rendered.text, outcome, carrier.rules, provider_held=held)
    return result if rendered.content is None else replace(result, rich_content=rendered.content)


def render(claim: Claim) -> RenderedMessage:
    """The message for a claim's recipient.

    Raises:
        TemplateError: The template does not parse.
        PersonalizationError: This version does not know the form of the campaign's texts.
        ContentError: A part of the rich content is over its limit, or empty although it is required.
    """
    if not isinstance(claim.texts, MessageTemplates):
        raise claim.texts or PersonalizationError("the claim has no texts")
    return claim.texts.render(claim, claim.variant)


async def _hand_over(claim: Claim, rendered: RenderedMessage, carrier: Carrier, traceparent: object) -> SendOutcome:
    # the installation's id is needed because two installations may share one provider account
    key = f"{carrier.gate.installation}-{claim.message_id}"
    try:
        message = OutgoingMessage(claim.message_id, key, claim.channel, claim.phone, rendered.text, rendered.content)
        return await carrier.provider.send(message)
    except Exception as error:
        log.exception("provider failed", **_ids(claim, traceparent))
        return Unknown(type(error).__name__)


def outcome_label(outcome: SendOutcome) -> str:
    """The label of an outcome in metrics."""
    match outcome:
        case Accepted():
            return "success"
        case Refused(permanent=True):
            return "permanent"
        case Refused():
            return "retryable"
        case Throttled():
            return "throttled"
        case Unavailable():
            return "unavailable"
        case Unknown():
            return "unknown"


def _ids(claim: Claim, traceparent: object) -> dict[str, object]:
    return {
        "campaign_id": claim.campaign_id,
        "message_id": claim.message_id,
        "trace_id": trace_id_of(traceparent),
    }
