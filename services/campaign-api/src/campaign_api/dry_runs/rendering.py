"""Renders messages of a dry run and counts them, in a thread: it opens no connection and awaits nothing."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from campaign_api.dry_runs.collector import ReportCollector
from campaign_api.dry_runs.recipients import Member
from campaign_api.prices import PriceTable
from leopard.personalization.content_parts import ContentError
from leopard.personalization.model import PersonalizationError
from leopard.personalization.rendering import MessageTemplates
from leopard.personalization.shares import is_held_out, variant_of
from leopard.telemetry.logs import get_logger
from leopard.templates.problems import TemplateError

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class MessagePlan:
    """What determines the message of each recipient of a campaign."""

    campaign_id: int
    channel: str
    templates: MessageTemplates
    variant_bounds: Sequence[float] | None
    holdout_share: float
    prices: PriceTable | None


class AudienceRenderer:
    """Renders the messages of a campaign for one batch of recipients after the other."""

    def __init__(self, plan: MessagePlan, recipients: int) -> None:
        self._plan = plan
        self._logged = False
        names = [variant.name for variant in plan.templates.variants]
        self.collector = ReportCollector(recipients, channel=plan.channel, variants=names, prices=plan.prices)

    def render(self, rows: Iterable[tuple[Any, ...]]) -> None:
        """Render the messages for rows of customers, whose values are in the order of `Member`."""
        plan, collector = self._plan, self.collector
        for row in rows:
            member = Member._make(row)
            if is_held_out(plan.campaign_id, member.id, plan.holdout_share):
                collector.add_held_out()
                continue
            variant = variant_of(plan.campaign_id, member.id, plan.variant_bounds) if plan.variant_bounds else None
            try:
                message = plan.templates.render(member, variant)
            except (TemplateError, PersonalizationError) as error:
                collector.add_failed(member.id, f"the template cannot be read: {error}")
            except ContentError as error:
                collector.add_failed(member.id, f"the message cannot be sent to this recipient: {error}")
            except Exception as error:  # noqa: BLE001 any defect is possible; it is logged and counted
                # a send fails this one message too, and sends the others
                self._log_once(error)
                collector.add_failed(member.id, f"the template cannot be rendered: {type(error).__name__}")
            else:
                collector.add(member.id, member.phone, variant, message)

    def _log_once(self, error: Exception) -> None:
        if not self._logged:
            self._logged = True
            # no traceback: its frames hold a customer
            log.error("message could not be rendered", campaign_id=self._plan.campaign_id, error=type(error).__name__)
