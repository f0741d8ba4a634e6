"""What a provider is asked, and what it may answer."""

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


Answer: TypeAlias = Accepted | Refused


class Provider(Protocol):
    """Whoever brings messages to their recipients."""

    async def send(self, message: OutgoingMessage) -> Answer:
        """Hand a message over; an exception counts as a refusal that may pass."""
        ...

    async def close(self) -> None:
        """Let go of connections."""
        ...
