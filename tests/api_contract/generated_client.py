"""A client that openapi-python-client generated can call a running campaign-api: `make openapi-client`."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from leopard_client import Client
from leopard_client.api.campaigns import create_campaign, get_campaign, list_campaigns
from leopard_client.models import (
    Campaign,
    CampaignList,
    CampaignStatus,
    CampaignWithStats,
    Channel,
    ErrorBody,
    ErrorCode,
    NewCampaign,
)

from running_api import start_api

NO_BROKER = "amqp://guest:guest@127.0.0.1:1/"


@pytest.fixture
def client(database_url: str, tmp_path: Path) -> Iterator[Client]:
    service = start_api(database_url, NO_BROKER, tmp_path)
    try:
        with Client(base_url=service.url, raise_on_unexpected_status=True) as client:
            yield client
    finally:
        service.process.kill()
        service.process.wait()


def test_a_generated_client_creates_and_reads_a_campaign(client: Client) -> None:
    new = NewCampaign(name="Summer sale", channel=Channel.SMS, base_template="Hi {first_name}")
    created = create_campaign.sync(client=client, body=new, idempotency_key="summer")
    assert isinstance(created, Campaign)
    assert created.status is CampaignStatus.DRAFT
    read = get_campaign.sync(created.id, client=client)
    assert isinstance(read, CampaignWithStats)
    assert read.stats.total == 0
    listed = list_campaigns.sync(client=client, channel=Channel.SMS)
    assert isinstance(listed, CampaignList)
    assert [campaign.id for campaign in listed.campaigns] == [created.id]


def test_a_generated_client_reads_an_error(client: Client) -> None:
    answer = get_campaign.sync(999, client=client)
    assert isinstance(answer, ErrorBody)
    assert answer.error.code is ErrorCode.CAMPAIGN_NOT_FOUND
