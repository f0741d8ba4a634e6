"""Campaign formats: a version number for the features that a campaign uses.

A campaign that uses a new feature has a higher format. A process of an older version ignores it, so the campaign waits
for a newer process. A campaign with a known format that cannot be read is broken and fails.
"""

from typing import Final

KNOWN_FORMAT: Final = 1
"""The highest format that this version plans and sends."""
