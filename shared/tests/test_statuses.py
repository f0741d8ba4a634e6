"""A campaign changes its status only as `CAMPAIGN_MOVES` allows."""

import pytest

from leopard.db.pool import Connection
from leopard.db.transitions import move_campaign
from leopard.domain.statuses import CAMPAIGN_MOVES, CampaignStatus, can_move, sources_of
from support.factories import add_campaign, rows

FINAL = {CampaignStatus.SENT, CampaignStatus.FAILED, CampaignStatus.CANCELLED}


def test_every_status_has_a_list_of_moves() -> None:
    assert set(CAMPAIGN_MOVES) == set(CampaignStatus)


def test_no_move_leaves_a_final_status() -> None:
    assert {status for status in CampaignStatus if not CAMPAIGN_MOVES[status]} == FINAL


def test_every_status_can_be_reached() -> None:
    assert {status for status in CampaignStatus if sources_of(status)} == set(CampaignStatus)


@pytest.mark.parametrize("target", CampaignStatus)
async def test_the_database_makes_only_allowed_moves(connection: Connection, target: CampaignStatus) -> None:
    for source in CampaignStatus:
        campaign_id = await add_campaign(connection, status=source)
        moved = await move_campaign(connection, campaign_id, target)
        [row] = await rows(connection, "SELECT status FROM campaigns WHERE id = %s", campaign_id)
        assert moved == can_move(source, target)
        assert row["status"] == (target if moved else source)
