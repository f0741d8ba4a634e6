"""Moments in the time zone of a recipient."""

from datetime import UTC, datetime, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo


def local_time(moment: datetime | None, zone: str | None) -> datetime | None:
    """A moment in a time zone; in UTC where there is no zone, or this system does not know it."""
    if moment is None:
        return None
    try:
        return moment.astimezone(_zone(zone))
    except OverflowError:
        # the calendar begins and ends in UTC: in some zones its first or its last hours do not exist
        return moment


@lru_cache(maxsize=1024)
def _zone(name: str | None) -> tzinfo:
    if name is None:
        return UTC
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        # another version may have stored a name that this system does not know
        return UTC
