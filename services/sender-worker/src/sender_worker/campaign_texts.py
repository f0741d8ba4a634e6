"""The texts of the campaigns that this worker sends. Each version of a campaign is read and compiled once."""

from collections import OrderedDict
from typing import Final

from leopard.personalization.model import PersonalizationError
from leopard.personalization.rendering import MessageTemplates

MOST_KEPT: Final = 100
"""Campaigns that are sent at the same time are rarely more. The texts of others are read again."""


class CampaignTexts:
    """Keeps the texts of recent campaigns, so that claims need to carry only their versions."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[int, int], MessageTemplates | PersonalizationError] = OrderedDict()

    def versions(self) -> tuple[list[int], list[int]]:
        """The ids of the campaigns whose texts are kept, and their versions.

        The next claims come without these texts, so none of them is forgotten before the next call.
        """
        while len(self._kept) > MOST_KEPT:
            self._kept.popitem(last=False)
        return [campaign_id for campaign_id, _ in self._kept], [version for _, version in self._kept]

    def texts(
        self, campaign_id: int, version: int, base_template: str | None, personalization: str | None
    ) -> MessageTemplates | PersonalizationError:
        """The texts of a campaign's version, or why they cannot be read.

        Args:
            campaign_id: The campaign.
            version: The version of its texts.
            base_template: Its template; None if the version is kept.
            personalization: What it has beside the template, as JSON.
        """
        key = campaign_id, version
        kept = self._kept.get(key)
        if kept is None:
            kept = self._read(base_template or "", personalization)
            self._kept[key] = kept
        self._kept.move_to_end(key)
        return kept

    @staticmethod
    def _read(base_template: str, personalization: str | None) -> MessageTemplates | PersonalizationError:
        try:
            return MessageTemplates.stored(base_template, personalization)
        except PersonalizationError as error:
            return error
