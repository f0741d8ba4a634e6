"""Campaign formats: a version number for the features that a campaign uses.

A campaign that uses a new feature has a higher format. A process of an older version ignores it, so the campaign waits
for a newer process. A campaign with a known format that cannot be read is broken and fails.
"""

from typing import Final, NamedTuple

EQUAL_FIELDS_FORMAT: Final = 1
"""The audience is all customers, or compares location and preferred product. Planning selects its customers."""

FIXED_RECIPIENTS_FORMAT: Final = 2
"""The audience may be any. The send has stored the ids of its recipients."""

PERSONALIZED_FORMAT: Final = 3
"""The texts use filters, conditions, languages, variants or rich content. Their jobs have queues of their own."""

KNOWN_FORMAT: Final = PERSONALIZED_FORMAT
"""The highest format that this version plans and sends."""


class Formats(NamedTuple):
    """A range of formats."""

    lowest: int
    highest: int


PLAIN_FORMATS: Final = Formats(EQUAL_FIELDS_FORMAT, FIXED_RECIPIENTS_FORMAT)
"""The formats that the first version of the workers can send."""

PERSONALIZED_FORMATS: Final = Formats(PERSONALIZED_FORMAT, KNOWN_FORMAT)
"""The formats whose jobs only go to workers that know them."""

KNOWN_FORMATS: Final = Formats(EQUAL_FIELDS_FORMAT, KNOWN_FORMAT)
"""All formats that this version plans and sends."""
