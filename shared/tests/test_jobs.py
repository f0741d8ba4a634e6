"""Every version can read the jobs and nudges of older versions."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from leopard.broker.jobs import MessageJob, Nudge

GOLDEN = Path(__file__).parent / "golden"


def test_the_first_job_ever_published_still_parses() -> None:
    job = MessageJob.model_validate_json((GOLDEN / "message_job.json").read_bytes())
    assert job == MessageJob(message_id=9001, campaign_id=123, customer_id=456)


def test_the_first_nudge_ever_published_still_parses() -> None:
    assert Nudge.model_validate_json((GOLDEN / "nudge.json").read_bytes()) == Nudge(campaign_id=123)


def test_a_published_job_has_exactly_the_fields_of_the_contract() -> None:
    job = MessageJob(message_id=9001, campaign_id=123, customer_id=456)
    assert job.model_dump_json() == '{"message_id":9001,"campaign_id":123,"customer_id":456}'


def test_unknown_fields_are_ignored() -> None:
    body = '{"message_id": 1, "campaign_id": 2, "customer_id": 3, "priority": "high"}'
    assert MessageJob.model_validate_json(body).message_id == 1


@pytest.mark.parametrize(
    "body",
    [
        "",
        "{",
        "[]",
        "null",
        "{}",
        '{"message_id": 1, "campaign_id": 2}',
        '{"message_id": "1", "campaign_id": 2, "customer_id": 3}',
        '{"message_id": 0, "campaign_id": 2, "customer_id": 3}',
        '{"message_id": 9223372036854775808, "campaign_id": 2, "customer_id": 3}',
        '{"message_id": true, "campaign_id": 2, "customer_id": 3}',
    ],
)
def test_an_invalid_job_is_refused(body: str) -> None:
    with pytest.raises(ValidationError):
        MessageJob.model_validate_json(body)
