"""A claim always has the texts of its campaign, however many campaigns are sent at the same time."""

from leopard.db.pool import Connection
from leopard.personalization.rendering import MessageTemplates
from sender_worker.campaign_texts import MOST_KEPT, CampaignTexts
from sender_worker.claims import Claim, claim_messages
from support.factories import add_campaign, add_customers, add_messages

LEASE = 60


def base_template(claim: Claim | None) -> str:
    assert claim is not None
    assert isinstance(claim.texts, MessageTemplates)
    return claim.texts.base_template


async def test_texts_that_claims_come_without_are_not_forgotten_meanwhile(connection: Connection) -> None:
    customers = await add_customers(connection, 2)
    templates = [f"{number} {{first_name}}" for number in range(MOST_KEPT + 20)]
    ids = [
        await add_messages(connection, await add_campaign(connection, template=template), customers)
        for template in templates
    ]
    texts = CampaignTexts()
    # the last campaigns are known first; then those before them push them out, in the order of the messages
    for batch in ([pair[0] for pair in ids[-MOST_KEPT:]], [pair[1] for pair in ids]):
        claims = await claim_messages(connection, batch, LEASE, 1, texts=texts)
        assert [base_template(claim) for claim in claims] == templates[-len(batch) :]
    assert len(texts.versions()[0]) == MOST_KEPT


async def test_a_change_of_the_texts_is_read(connection: Connection) -> None:
    campaign_id = await add_campaign(connection)
    first, second = await add_messages(connection, campaign_id, await add_customers(connection, 2))
    texts = CampaignTexts()
    [claim] = await claim_messages(connection, [first], LEASE, 1, texts=texts)
    await connection.execute("UPDATE campaigns SET base_template = 'Bye {first_name}'")
    [later] = await claim_messages(connection, [second], LEASE, 1, texts=texts)
    assert (base_template(claim), base_template(later)) == ("Hi {first_name}", "Bye {first_name}")
