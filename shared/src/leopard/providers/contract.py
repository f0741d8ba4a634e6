"""What a provider is asked, and what it may answer.

Accepted      the provider has the message
Refused       it judged the message and does not take it; says whether another attempt could end otherwise
Throttled     it takes no message at this moment, because there are too many; says when to come again
Unavailable   it takes no message at this moment, whichever it is: it cannot be reached, or refuses us
Unknown       it may have the message or not: the answer was lost on its way

Throttled and Unavailable say something of the provider and nothing of the message, which loses no attempt by them.
"""

from dataclasses import dataclass
from typing import Protocol, TypeAlias

from leopard.domain.statuses import Channel


@dataclass(frozen=True, slots=True)
class OutgoingMessage:
    """A message as a provider gets it."""

    message_id: int
    idempotency_key: str
    """The same for every attempt at this message, and for no other message of any installation."""
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
    """The provider takes no message at the moment, because it got too many."""

    retry_after_seconds: float


@dataclass(frozen=True, slots=True)
class Unavailable:
    """The provider takes no message at the moment, whichever it is."""

    reason: str
    retry_after_seconds: float | None = None
    """When the provider asks us to come again; null where it does not say."""


@dataclass(frozen=True, slots=True)
class Unknown:
    """The request went out, and no answer came back."""

    reason: str


SendOutcome: TypeAlias = Accepted | Refused | Throttled | Unavailable | Unknown


class Provider(Protocol):
    """Brings messages to their recipients."""

    @property
    def name(self) -> str:
        """What logs, metrics and clients call it; says nothing secret."""
        ...

    @property
    def account(self) -> str:
        """What tells it from another endpoint or another account; never shown."""
        ...

    @property
    def capacity(self) -> int:
        """How many messages it takes at a time; more are not claimed."""
        ...

    async def send(self, message: OutgoingMessage) -> SendOutcome:
        """Hand a message over; an exception counts as an unknown outcome."""
        ...

    async def close(self) -> None:
        """Let go of connections."""
        ...
