"""Times in requests: RFC 3339 with a date, a time and an offset."""

import re
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, Final

_RFC_3339: Final = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})[Tt]([0-9]{2}):([0-9]{2}):([0-9]{2})(?:\.([0-9]+))?"
    r"(?:[Zz]|([+-])([0-9]{2}):([0-9]{2}))"
)


def read_timestamp(written: Any) -> datetime | None:  # noqa: ANN401 whatever stands in a body
    """The time of a text; null stays null. Digits beyond microseconds are dropped.

    A leap second, 23:59:60 in UTC, is the second after it.

    Raises:
        ValueError: It is no RFC 3339 time with an offset, or the calendar has no such time.
    """
    if written is None:
        return None
    found = _RFC_3339.fullmatch(written) if isinstance(written, str) else None
    if found is None:
        msg = "must be an RFC 3339 time with an offset, such as 2030-01-31T09:00:00Z"
        raise ValueError(msg)
    year, month, day, hour, minute, second = (int(part) for part in found.groups()[:6])
    microsecond = int((found[7] or "")[:6].ljust(6, "0"))
    leap = second == 60
    try:
        offset = _offset(found[8], found[9], found[10])
        moment = datetime(year, month, day, hour, minute, 59 if leap else second, microsecond, offset)
        return _after_leap_second(moment) if leap else moment
    except (ValueError, OverflowError):
        msg = "must be a time that the calendar has"
        raise ValueError(msg) from None


def _after_leap_second(moment: datetime) -> datetime:
    in_utc = moment.astimezone(UTC)
    if (in_utc.hour, in_utc.minute) != (23, 59):
        msg = "leap seconds end a day in UTC"
        raise ValueError(msg)
    return in_utc.replace(microsecond=0) + timedelta(seconds=1)


def _offset(sign: str | None, hours: str | None, minutes: str | None) -> timezone:
    if sign is None or hours is None or minutes is None:
        return UTC
    if int(hours) > 23 or int(minutes) > 59:
        msg = "offset"
        raise ValueError(msg)
    offset = timedelta(hours=int(hours), minutes=int(minutes))
    return timezone(-offset if sign == "-" else offset)
