"""The contract of a provider: the message that it gets, and the outcomes of a send. Opens no socket.

Accepted      the provider has the message
Refused       the provider refuses this message; says whether another attempt could succeed
Throttled     the provider gets too many messages and takes none now; says when to retry
Unavailable   the provider takes no message at all now: it cannot be reached, or it refuses the account
Unknown       the provider may have the message: no answer came back

Throttled and Unavailable describe the provider, not the message. They cost the message no attempt.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

from leopard.domain.statuses import Channel


@dataclass(frozen=True, slots=True)
class OutgoingMessage:
    """A message for a provider."""

    message_id: int
    idempotency_key: str
    """The same for every attempt to send this message, and unique across messages and installations."""
    channel: Channel
    phone: str
    text: str
    content: Mapping[str, Any] | None = None
    """Rich content, as docs/whatsapp.md describes it, with the text or a provider's template; None for a text alone."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """The provider took the message and is responsible for it."""


@dataclass(frozen=True, slots=True)
class Refused:
    """The provider refused the message."""

    reason: str
    permanent: bool
    """Whether every other attempt would be refused too, for example for a number that does not exist."""


@dataclass(frozen=True, slots=True)
class Throttled:
    """The provider takes no message now, because it got too many."""

    retry_after_seconds: float


@dataclass(frozen=True, slots=True)
class Unavailable:
    """The provider takes no message now."""

    reason: str
    retry_after_seconds: float | None = None
    """The wait that the provider asks for; None if it asks for none."""


@dataclass(frozen=True, slots=True)
class Unknown:
    """The request was sent, and no answer came back."""

    reason: str


SendOutcome: TypeAlias = Accepted | Refused | Throttled | Unavailable | Unknown


class Provider(Protocol):
    """Sends messages to their recipients."""

    @property
    def name(self) -> str:
        """Its name in logs, metrics and API responses. Contains no secret."""
        ...

    @property
    def account(self) -> str:
        """Identifies its endpoint and account. May contain secrets and is never shown."""
        ...

    @property
    def capacity(self) -> int:
        """The number of messages that it takes at a time. A worker claims no more."""
        ...

    async def send(self, message: OutgoingMessage) -> SendOutcome:
        """Send a message. An exception counts as an unknown outcome."""
        ...

    async def close(self) -> None:
        """Close the connections."""
        ...
