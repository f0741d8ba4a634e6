"""What a provider is asked, and what it may answer.

Accepted      the provider has the message
Refused       it does not, and says whether another attempt could end otherwise
Throttled     it does not, and says when to come again; no attempt was made
Unknown       it may have it or not: the answer was lost on its way
"""

from dataclasses import dataclass
from typing import Protocol, TypeAlias

from leopard.domain.statuses import Channel


@dataclass(frozen=True, slots=True)
class OutgoingMessage:
    """A message as a provider gets it; the id is its idempotency key."""

    message_id: int
    channel: Channel
    phone: str
    text: str


@dataclass(frozen=True, slots=True)
class Accepted:
    """The provider took the message and answers for it from here on."""


@dataclass(frozen=True, slots=True)
class Refused:
    """The provider did not take the message."""

    reason: str
    permanent: bool
    """Whether another attempt would be refused as well, as for a number that does not exist."""


@dataclass(frozen=True, slots=True)
class Throttled:
    """The provider takes nothing at the moment."""

    retry_after_seconds: float


@dataclass(frozen=True, slots=True)
class Unknown:
    """The request went out, and no answer came back."""

    reason: str


Answer: TypeAlias = Accepted | Refused | Throttled | Unknown


class Provider(Protocol):
    """Whoever brings messages to their recipients."""

    @property
    def capacity(self) -> int:
        """How many messages it takes at a time; more are not claimed."""
        ...

    async def send(self, message: OutgoingMessage) -> Answer:
        """Hand a message over; an exception counts as an unknown outcome."""
        ...

    async def close(self) -> None:
        """Let go of connections."""
        ...
