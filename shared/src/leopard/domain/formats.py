"""Formats of campaigns: what a process must know to plan and send one.

A campaign that uses something new carries a higher number. A process of an older version leaves it alone, so that the
campaign waits for a process that knows it. Within a known format, what cannot be read is broken and fails.
"""

from typing import Final

KNOWN_FORMAT: Final = 1
"""The highest format that this version plans and sends."""
