"""The values of a recipient that a template can use, the same for a preview and for a send."""

from typing import Protocol


class Recipient(Protocol):
    """A recipient's data. Every field except the phone may be missing."""

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
        """The recipient's location."""
        ...

    @property
    def preferred_product(self) -> str | None:
        """The recipient's preferred product."""
        ...

    @property
    def phone(self) -> str:
        """The phone number in E.164."""
        ...


def recipient_values(recipient: Recipient) -> dict[str, str | None]:
    """The values by their names in templates."""
    return {
        "first_name": recipient.first_name,
        "last_name": recipient.last_name,
        "location": recipient.location,
        "preferred_product": recipient.preferred_product,
        "phone": recipient.phone,
    }
