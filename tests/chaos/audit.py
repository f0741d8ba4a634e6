"""Compare the provider's ledger, the tables and the API after a campaign.

The audit shares no code with the services. It knows only their contract.
"""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import httpx2
import psycopg
from psycopg.rows import dict_row

UNKNOWN = "outcome unknown"


@dataclass
class Audit:
    """The findings of one round."""

    lost: int = 0
    """Messages without a row, and messages that are recorded as sent but did not reach the provider."""
    duplicates: int = 0
    """Number of times that the provider accepted a message again."""
    accepted_and_failed: int = 0
    """Messages that the provider accepted but that are recorded as failed."""
    unknown_outcomes: int = 0
    """Number of attempts that the system reports as outcome unknown."""
    unfinished: int = 0
    sent: int = 0
    failed: int = 0
    problems: list[str] = field(default_factory=list)


def audit(database_url: str, api_url: str, simulator_url: str, campaign_id: int, recipients: int, policy: str) -> Audit:
    """Compare ledger, tables and API. Return the findings."""
    found = Audit()
    ledger = httpx2.get(f"{simulator_url}/ledger", timeout=60, trust_env=False).raise_for_status().json()
    campaign = httpx2.get(f"{api_url}/campaigns/{campaign_id}", timeout=60, trust_env=False).raise_for_status().json()
    with psycopg.connect(database_url, row_factory=dict_row) as connection:
        messages = connection.execute(
            """
            SELECT m.id, m.customer_id, m.status, m.rendered_content, m.last_error, m.retry_count, m.next_attempt_at,
                   m.claimed_until, customers.phone, customers.first_name
              FROM outbound_messages AS m JOIN customers ON customers.id = m.customer_id
             WHERE m.campaign_id = %s
            """,
            [campaign_id],
        ).fetchall()
    _check_messages(found, messages, ledger, recipients, policy)
    _check_stats(found, messages, campaign)
    if policy == "fail" and found.duplicates:
        found.problems.append(f"{found.duplicates} duplicates, but policy fail allows none")
    if found.duplicates + found.accepted_and_failed > found.unknown_outcomes:
        found.problems.append(
            f"{found.duplicates} duplicates and {found.accepted_and_failed} accepted messages recorded as failed,"
            f" but only {found.unknown_outcomes} unknown outcomes are reported"
        )
    return found


def _check_messages(
    found: Audit, messages: list[dict[str, Any]], ledger: list[dict[str, Any]], recipients: int, policy: str
) -> None:
    accepted = Counter(entry["message_id"] for entry in ledger)
    found.duplicates = sum(times - 1 for times in accepted.values())
    found.lost = recipients - len(messages)
    if len({message["customer_id"] for message in messages}) != len(messages):
        found.problems.append("a customer has two messages")
    for message in messages:
        times = accepted.pop(message["id"], 0)
        unknown = (message["last_error"] or "").startswith(UNKNOWN)
        if message["status"] == "pending" or message["next_attempt_at"] or message["claimed_until"]:
            found.unfinished += 1
        elif message["status"] == "sent":
            found.sent += 1
            found.lost += times == 0
        else:
            found.failed += 1
            found.accepted_and_failed += times > 0
            # with policy retry, the answer of one attempt may be lost and the next attempt refused
            if times and not unknown and policy == "fail":
                found.problems.append(f"message {message['id']} is recorded as refused, but the provider accepted it")
        if message["status"] == "sent" and message["rendered_content"] != f"Hi {message['first_name']}":
            found.problems.append(f"message {message['id']} has the wrong text")
    if accepted:
        found.problems.append(f"the provider accepted {len(accepted)} messages that are in no campaign")
    texts = {message["id"]: (message["phone"], f"Hi {message['first_name']}") for message in messages}
    wrong = [entry for entry in ledger if texts.get(entry["message_id"]) != (entry["to"], entry["text"])]
    if wrong:
        found.problems.append(f"{len(wrong)} messages went to the wrong number or with the wrong text")


def _check_stats(found: Audit, messages: list[dict[str, Any]], campaign: dict[str, Any]) -> None:
    stats = campaign["stats"]
    found.unknown_outcomes = stats["unknown_outcomes"]
    if campaign["status"] not in {"sent", "failed"}:
        found.problems.append(f"the campaign is still {campaign['status']}")
    counted = {"total": len(messages), "sent": found.sent, "failed": found.failed, "pending": found.unfinished}
    for name, count in counted.items():
        if stats[name] != count:
            found.problems.append(f"{name} is {stats[name]} in the stats, but {count} in the table")
    if found.lost:
        found.problems.append(f"{found.lost} lost")
    if found.unfinished:
        found.problems.append(f"{found.unfinished} unfinished")
