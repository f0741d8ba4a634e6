"""The values of a recipient that a template sees: the same for a preview and for a send."""

from typing import Protocol


class Recipient(Protocol):
    """What is known of a recipient; every field but the phone may be missing."""

    @property
    def first_name(self) -> str | None:
        """The given name."""
        ...

    @property
    def last_name(self) -> str | None:
        """The family name."""
        ...

    @property
    def location(self) -> str | None:
        """Where the recipient lives."""
        ...

    @property
    def preferred_product(self) -> str | None:
        """What the recipient likes to buy."""
        ...

    @property
    def phone(self) -> str:
        """The phone number, as E.164."""
        ...


def recipient_values(recipient: Recipient) -> dict[str, str | None]:
    """The values by the names that templates use."""
    return {
        "first_name": recipient.first_name,
        "last_name": recipient.last_name,
        "location": recipient.location,
        "preferred_product": recipient.preferred_product,
        "phone": recipient.phone,
    }
