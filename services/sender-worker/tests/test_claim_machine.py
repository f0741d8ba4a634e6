"""The rules of claims hold in every interleaving of workers that claim, send, die and record.

Hypothesis drives the real functions against a real PostgreSQL. Like a frozen worker, workers keep claims after their
end and record results late.
"""

import asyncio
import time
from collections import Counter
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from leopard.db.pool import connection_options
from leopard.domain.statuses import MAX_ATTEMPTS, MessageStatus
from leopard.providers.contract import Accepted, Refused, SendOutcome, Throttled, Unknown
from sender_worker.claims import Claim, claim_messages
from sender_worker.results import RetryRules, outcome_unknown_result, record_results, release_result, result_of
from support.factories import add_campaign, add_customers, add_messages, rows

MESSAGES = 4
LONG, SHORT = 600.0, 0.001
ANSWERS: list[SendOutcome] = [
    Accepted(),
    Refused("busy", permanent=False),
    Refused("bad number", permanent=True),
    Throttled(0),
    Unknown("reset"),
]


class Workers(RuleBasedStateMachine):
    """Many workers share a few messages."""

    database_url = ""

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.connection = self.run(psycopg.AsyncConnection.connect(self.database_url, **connection_options("machine")))
        self.run(self.connection.execute("TRUNCATE campaigns, customers CASCADE"))
        self.campaign_id = self.run(add_campaign(self.connection))
        customers = self.run(add_customers(self.connection, MESSAGES))
        self.ids = self.run(add_messages(self.connection, self.campaign_id, customers))
        self.held: list[tuple[Claim, float]] = []
        """Claims that workers still hold or believe to hold, each with its lease in seconds."""
        self.accepted: Counter[int] = Counter()
        self.finished: dict[int, str] = {}
        self.unknown = 0

    def run(self, awaitable: Any) -> Any:
        return self.runner.run(awaitable)

    def teardown(self) -> None:
        self.run(self.connection.close())
        self.runner.close()

    @rule(wanted=st.lists(st.integers(0, MESSAGES - 1), min_size=1, max_size=6), lease=st.sampled_from([LONG, SHORT]))
    def claim(self, wanted: list[int], lease: float) -> None:
        """A worker claims messages, possibly with a lease that ends at once."""
        ids = [self.ids[index] for index in wanted]
        claims = [claim for claim in self.run(claim_messages(self.connection, ids, lease, 1)) if claim]
        assert len({claim.message_id for claim in claims}) == len(claims)
        for claim in claims:
            assert claim.message_id not in self.finished
            for other, _ in self.held:
                assert other.message_id != claim.message_id or other.claimed_until < claim.claimed_until
            self.held.append((claim, lease))
        if lease == SHORT:
            time.sleep(2 * SHORT)

    @precondition(lambda self: self.held)
    @rule(data=st.data(), answer=st.sampled_from(ANSWERS), retry_unknown=st.booleans(), twice=st.booleans())
    def send_and_record(self, data: st.DataObject, answer: SendOutcome, retry_unknown: bool, twice: bool) -> None:  # noqa: FBT001
        """A worker sends a message that it holds, and records the outcome once or twice."""
        held = data.draw(st.sampled_from(self.held))
        self.held.remove(held)
        claim, _ = held
        rules = RetryRules(backoff_seconds=SHORT, backoff_max_seconds=SHORT, retry_unknown=retry_unknown)
        if claim.outcome_unknown and (not retry_unknown or claim.retry_count >= MAX_ATTEMPTS):
            result = outcome_unknown_result(claim)
        else:
            result = result_of(claim, "Hi", answer, rules)
            if isinstance(answer, Accepted | Unknown):
                self.accepted[claim.message_id] += 1
        [counted, *again] = [self.run(record_results(self.connection, [result], 1)) == [True] for _ in range(1 + twice)]
        assert not any(again), "a result counted twice"
        assert not (counted and self.later_claim(claim)), "the result of a replaced claim counted"
        if counted and result.final:
            assert claim.message_id not in self.finished
            self.finished[claim.message_id] = result.status

    @precondition(lambda self: self.held)
    @rule(data=st.data())
    def release(self, data: st.DataObject) -> None:
        """A worker that stops releases a message."""
        held = data.draw(st.sampled_from(self.held))
        self.run(record_results(self.connection, [release_result(held[0])], 1))
        self.held.remove(held)

    @precondition(lambda self: self.held)
    @rule(data=st.data())
    def die(self, data: st.DataObject) -> None:
        """A worker dies with a claim. No result is recorded, and the lease ends."""
        held = data.draw(st.sampled_from(self.held))
        self.held.remove(held)
        self.run(
            self.connection.execute(
                """
                UPDATE outbound_messages SET claimed_until = now() - interval '1 ms'
                 WHERE id = %s AND claimed_until = %s
                """,
                [held[0].message_id, held[0].claimed_until],
            )
        )

    @rule()
    def release_due(self) -> None:
        """The dispatcher makes due messages pending again."""
        time.sleep(2 * SHORT)
        self.run(
            self.connection.execute(
                "UPDATE outbound_messages SET status = 'pending', next_attempt_at = NULL WHERE next_attempt_at <= now()"
            )
        )

    def later_claim(self, claim: Claim) -> bool:
        return any(
            other.message_id == claim.message_id and other.claimed_until > claim.claimed_until for other, _ in self.held
        )

    @invariant()
    def finished_messages_do_not_change(self) -> None:
        for row in self.messages():
            if row["id"] in self.finished:
                assert row["status"] == self.finished[row["id"]]
                assert row["claimed_until"] is None
            else:
                assert row["status"] == "pending" or row["next_attempt_at"] is not None

    @invariant()
    def counts_match_the_messages(self) -> None:
        [counts] = self.run(
            rows(
                self.connection,
                "SELECT sum(total)::int AS total, sum(sent)::int AS sent, sum(failed)::int AS failed,"
                " sum(unknown_outcomes)::int AS unknown FROM campaign_counts",
            )
        )
        statuses = Counter(self.finished.values())
        assert counts["total"] == MESSAGES
        assert counts["sent"] == statuses[MessageStatus.SENT]
        assert counts["failed"] == statuses[MessageStatus.FAILED]
        self.unknown = counts["unknown"]

    @invariant()
    def possible_duplicates_are_counted_as_unknown_outcomes(self) -> None:
        assert sum(times - 1 for times in self.accepted.values() if times) <= self.unknown

    def messages(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.run(rows(self.connection, "SELECT * FROM outbound_messages"))
        return found


@pytest.mark.timeout(300)
def test_the_rules_of_claims_hold_in_every_interleaving(database_url: str) -> None:
    machine = type("WorkersOnThisDatabase", (Workers,), {"database_url": database_url})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=60, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
