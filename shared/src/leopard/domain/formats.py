"""Campaign formats: a version number for the features that a campaign uses.

A campaign that uses a new feature has a higher format. A process of an older version ignores it, so the campaign waits
for a newer process. A campaign with a known format that cannot be read is broken and fails.
"""

from typing import Final

EQUAL_FIELDS_FORMAT: Final = 1
"""The audience is all customers, or compares location and preferred product. Planning selects its customers."""

FIXED_RECIPIENTS_FORMAT: Final = 2
"""The audience may be any. The send has stored the ids of its recipients."""

KNOWN_FORMAT: Final = FIXED_RECIPIENTS_FORMAT
"""The highest format that this version plans and sends."""
