"""Language tags (BCP 47): `en`, `sw-KE`, `zh-Hant-TW`."""

import re
from functools import lru_cache
from typing import Final

MAX_LANGUAGE: Final = 35
"""The length that every reader of tags must support (RFC 5646, section 4.4.1)."""

# RFC 5646, section 2.1, without grandfathered tags and tags for private use only
_TAG: Final = re.compile(
    r"""
    (?P<language>[a-z]{2,3}(?:-[a-z]{3}){0,3}|[a-z]{4,8})
    (?:-(?P<script>[a-z]{4}))?
    (?:-(?P<region>[a-z]{2}|[0-9]{3}))?
    (?P<rest>(?:-(?:[a-z0-9]{5,8}|[0-9][a-z0-9]{3}))*(?:-[a-wyz0-9](?:-[a-z0-9]{2,8})+)*(?:-x(?:-[a-z0-9]{1,8})+)?)
    """,
    re.ASCII | re.IGNORECASE | re.VERBOSE,
)


@lru_cache(maxsize=1000)
def language_tag(written: str) -> str:
    """The tag in its recommended spelling: `en_ke` becomes `en-KE`.

    Raises:
        ValueError: It is not a language tag.
    """
    found = _TAG.fullmatch(written.strip().replace("_", "-")) if len(written) <= MAX_LANGUAGE else None
    if found is None:
        msg = "must be a language tag such as en or sw-KE"
        raise ValueError(msg)
    script, region = found["script"], found["region"]
    parts = [found["language"].lower(), script.title() if script else "", region.upper() if region else ""]
    return "-".join(filter(None, parts)) + found["rest"].lower()
