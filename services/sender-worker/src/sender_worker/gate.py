"""The gate in front of a provider: decides how many messages may be sent now.

If a provider cannot be reached, refuses the account or throttles, the cause is the provider and not the message. The
gate then holds the provider for all workers. Messages wait in PostgreSQL, single messages probe the provider, and the
rate rises gradually after the hold. One bad outcome among good ones causes no hold: only its message waits.
"""

import hashlib
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from leopard.db.installation import installation_id
from leopard.db.pool import Connection, Pool
from leopard.domain.statuses import Channel
from leopard.providers.contract import Accepted, Provider, Refused, SendOutcome, Throttled, Unavailable, Unknown
from leopard.telemetry.logs import get_logger
from sender_worker.metrics import PROVIDER_HELD, PROVIDER_HOLDS
from sender_worker.provider_states import (
    announce_provider,
    end_hold,
    hold_provider,
    read_provider,
    take_probe,
    take_tokens,
)

log = get_logger(__name__)

START_WINDOW: Final = 32
"""Messages in flight at the start. Each answer allows one more, so that the load on a provider rises gradually."""

UNAVAILABLE_IN_A_ROW: Final = 5
"""After this number of consecutive messages that the provider did not take, it is held."""

UNANSWERED_IN_A_ROW: Final = 20
"""After this number of consecutive requests without an answer, the provider is held."""

THROTTLED_SHARE: Final = 0.2
"""A provider that throttles more than this share of the latest messages is held."""

_LATEST: Final = 50
_PROBE_SECONDS: Final = 20.0
_REFRESH_SECONDS: Final = 1.0
_LOCAL_HOLD_SECONDS: Final = 1.0
"""The length of a hold in this worker until it reads the shared row."""


@dataclass(frozen=True, slots=True)
class _Trouble:
    reason: str
    retry_after_seconds: float | None
    throttled: bool


class Gate:
    """Limits the messages to one provider, by the state that all workers share."""

    def __init__(self, pool: Pool, *, provider: Provider, channels: Sequence[Channel]) -> None:
        self._pool = pool
        self._name = provider.name
        self._account = provider.account
        self._channels = channels
        self._capacity = provider.capacity
        self._key: str | None = None
        self.installation: str | None = None
        """The installation's id; None before the first refresh."""
        self._window = START_WINDOW
        self._held_until: float | None = None
        self._limited = False
        self._probe_until: float | None = None
        self._probe_in_flight = False
        self._probe_passed = False
        self._since = 0.0
        self._trouble: _Trouble | None = None
        self._in_a_row = 0
        self._latest: deque[bool] = deque(maxlen=_LATEST)
        self._throttled_at = 0.0
        self._second, self._taken, self._taken_before = 0, 0, 0
        self.changed: Callable[[], None] = lambda: None
        """Called when `refresh` should run at once."""

    @property
    def ready(self) -> bool:
        """Whether the shared row was read. Nothing is sent before that."""
        return self._key is not None

    @property
    def hold_seconds(self) -> float | None:
        """Seconds until the provider may be probed; None if it is not held."""
        if self._held_until is None:
            return None
        return max(self._held_until - time.monotonic(), 0)

    def room(self, in_flight: int) -> int:
        """The number of messages that may be in flight in addition to `in_flight`."""
        return min(self._capacity, self._window) - in_flight

    async def admit(self, wanted: int) -> int:
        """How many of `wanted` messages may be sent now, by the state that all workers share.

        Raises:
            psycopg.Error: The shared row cannot be read.
        """
        if not self.ready:
            return 0
        if self._held_until is not None:
            return await self._admit_probe()
        if not self._limited:
            return wanted
        async with self._pool.connection() as connection:
            may_grow = time.monotonic() - self._throttled_at > 2 * _REFRESH_SECONDS
            tokens = await take_tokens(connection, self._provider_key(), wanted, may_grow=may_grow)
        if tokens is None:
            self.changed()
            return 0
        return tokens

    def unused(self) -> None:
        """Return the right to probe, because no message was sent."""
        self._probe_in_flight = False

    def heard(self, outcome: SendOutcome, started: float) -> None:
        """Update the gate by the outcome of a message that was sent at `started` (monotonic clock)."""
        if started < self._since:
            return
        if isinstance(outcome, Accepted | Refused):
            self._judged()
            return
        self._in_a_row += 1
        self._latest.append(isinstance(outcome, Throttled))
        if isinstance(outcome, Throttled):
            self._throttled_at = time.monotonic()
        if trouble := self._trouble_of(outcome):
            self._hold(trouble)

    def _judged(self) -> None:
        self._in_a_row = 0
        self._latest.append(False)
        self._window = min(self._window + 1, self._capacity)
        second = int(time.monotonic())
        if second != self._second:
            self._taken_before = self._taken if second == self._second + 1 else 0
            self._second, self._taken = second, 0
        self._taken += 1
        if self._probe_in_flight:
            self._probe_in_flight, self._probe_passed = False, True
            self.changed()

    def _trouble_of(self, outcome: SendOutcome) -> _Trouble | None:
        probing = self._probe_in_flight
        match outcome:
            case Throttled(seconds):
                throttled = sum(self._latest)
                if probing or (throttled >= UNAVAILABLE_IN_A_ROW and throttled > THROTTLED_SHARE * len(self._latest)):
                    return _Trouble("throttles", max(seconds, 0.1), throttled=True)
            case Unavailable(reason, seconds):
                if probing or self._in_a_row >= UNAVAILABLE_IN_A_ROW:
                    return _Trouble(reason, seconds, throttled=False)
            case Unknown(reason):
                if probing or self._in_a_row >= UNANSWERED_IN_A_ROW:
                    return _Trouble(f"does not answer: {reason}", None, throttled=False)
        return None

    def _hold(self, trouble: _Trouble) -> None:
        self._trouble = trouble
        self._begin_again()
        self._held_until = self._since + max(trouble.retry_after_seconds or 0, _LOCAL_HOLD_SECONDS)
        self._probe_until, self._probe_in_flight = None, False
        self.changed()

    def _begin_again(self) -> None:
        self._since = time.monotonic()
        self._window = START_WINDOW
        self._in_a_row = 0
        self._latest.clear()

    async def _admit_probe(self) -> int:
        now = time.monotonic()
        if self._held_until is None or self._held_until > now or self._probe_in_flight or self._trouble is not None:
            return 0
        if self._probe_until is None or self._probe_until < now:
            async with self._pool.connection() as connection:
                if not await take_probe(connection, self._provider_key(), _PROBE_SECONDS):
                    self.changed()
                    return 0
            self._probe_until = now + _PROBE_SECONDS
        self._probe_in_flight = True
        return 1

    async def refresh(self) -> float:
        """Synchronise this gate with the shared row; returns the seconds to rest.

        Raises:
            psycopg.Error: The row cannot be read or written. Unwritten changes are kept for the next call.
        """
        async with self._pool.connection() as connection:
            key = await self._identify(connection)
            await announce_provider(connection, key, self._channels)
            if (trouble := self._trouble) is not None:
                begun = await hold_provider(
                    connection,
                    key,
                    f"{self._name} {trouble.reason}",
                    retry_after_seconds=trouble.retry_after_seconds,
                    throttled=trouble.throttled,
                    seen_rate=max(self._taken, self._taken_before),
                )
                self._trouble = None
                if begun:
                    PROVIDER_HOLDS.labels("throttled" if trouble.throttled else "unavailable").inc()
                    log.warning("provider held", provider=self._name, reason=trouble.reason)
            if self._probe_passed:
                await end_hold(connection, key)
                self._probe_passed, self._probe_until = False, None
                log.info("provider takes messages again", provider=self._name)
            state = await read_provider(connection, key)
        now = time.monotonic()
        if state is not None and state.held:
            if self._held_until is None:
                self._begin_again()
            self._held_until = now + state.held_seconds
        elif self._trouble is None:
            if self._held_until is not None:
                self._begin_again()
            self._held_until = None
            self._probe_in_flight = False
        self._limited = state is not None and state.rate_per_second is not None
        PROVIDER_HELD.labels(self._name).set(self._held_until is not None)
        return _REFRESH_SECONDS

    async def _identify(self, connection: Connection) -> str:
        if self._key is None:
            self.installation = await installation_id(connection)
            # each endpoint and token is a separate provider; the digest reveals neither
            digest = hashlib.sha256(f"{self.installation} {self._account}".encode()).hexdigest()
            self._key = f"{self._name} {digest[:12]}"
        return self._key

    def _provider_key(self) -> str:
        assert self._key is not None  # noqa: S101 nothing is admitted before the first refresh
        return self._key
