"""The states of a message as SQL conditions on a row `m` of outbound_messages.

`failed` has two meanings: with `next_attempt_at` the message waits for another attempt; without it the message is
finished. `pending` also has two: the message is free, or a worker holds it by a claim that has not ended.
"""

from typing import Final

FAILED_FOR_GOOD: Final = "(m.status = 'failed' AND m.next_attempt_at IS NULL)"
"""No further attempt is made."""

WAITS_FOR_RETRY: Final = "(m.status = 'failed' AND m.next_attempt_at IS NOT NULL)"
"""The last attempt failed, and another one is planned."""

UNFINISHED: Final = f"(m.status = 'pending' OR {WAITS_FOR_RETRY})"
"""The message still needs work."""

NOT_HELD: Final = "(m.claimed_until IS NULL OR m.claimed_until < now())"
"""No worker holds the message."""

CLAIMABLE: Final = f"(m.status = 'pending' AND m.next_attempt_at IS NULL AND {NOT_HELD})"
"""A worker that has a job for the message may claim it now."""

OUTCOME_UNKNOWN: Final = "(m.status = 'pending' AND m.claimed_until IS NOT NULL)"
"""Together with `NOT_HELD`: a claim ended without a result, so the message may have been sent."""
