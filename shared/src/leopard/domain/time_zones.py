"""Time zones by their names in the IANA database: `Africa/Nairobi`."""

import zoneinfo
from functools import lru_cache


def time_zone(written: str) -> str:
    """The name, if there is such a time zone.

    Raises:
        ValueError: There is none.
    """
    name = written.strip()
    if name not in _names():
        msg = "must be the name of a time zone such as Africa/Nairobi"
        raise ValueError(msg)
    return name


@lru_cache(maxsize=1)
def _names() -> frozenset[str]:
    # a placeholder in the database for "not configured"
    return frozenset(zoneinfo.available_timezones() - {"Factory"})
