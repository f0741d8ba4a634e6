"""What a request asks for: its query, and the media type, encoding and size of its file."""

from collections.abc import Sequence
from dataclasses import dataclass
from email.message import Message
from typing import Annotated, Final

from pydantic import AfterValidator, BaseModel, Field
from starlette.datastructures import Headers

from campaign_api.imports.columns import read_map
from campaign_api.imports.decoding import Encoding
from campaign_api.imports.phones import is_country
from campaign_api.imports.uploads import FileOptions, ImportFormat
from campaign_api.web.errors import ApiError, ErrorCode
from campaign_api.web.field_types import MAX_BIGINT
from leopard.domain.customer_fields import FIELD_NAME, FieldType
from leopard.domain.imports import ImportMode

_FORMS: Final = ("application/x-www-form-urlencoded", "multipart/form-data")
_HINT: Final = "curl -T FILE or --data-binary @FILE with -H 'Content-Type: text/csv' sends it so"
_SHOWN: Final = 60
_LONGEST_LENGTH: Final = 20

_ENCODINGS: Final = {
    "utf-8": Encoding.UTF_8,
    "utf8": Encoding.UTF_8,
    "us-ascii": Encoding.UTF_8,
    "utf-16le": Encoding.UTF_16_LE,
    "utf-16be": Encoding.UTF_16_BE,
    "windows-1252": Encoding.WINDOWS_1252,
    "cp1252": Encoding.WINDOWS_1252,
    "iso-8859-1": Encoding.WINDOWS_1252,
    "latin1": Encoding.WINDOWS_1252,
}
"""Encodings by their names. Browsers read ISO 8859-1 as Windows-1252 too (WHATWG Encoding Standard)."""

_RECOGNISED: Final = {"utf-16"}
"""Its byte order mark says more than its name."""


def _country(code: str) -> str:
    if not is_country(code.upper()):
        msg = "must be the two letters of a country, such as KE"
        raise ValueError(msg)
    return code.upper()


def _checked_map(parts: list[str]) -> list[str]:
    read_map(parts)
    return parts


def _checked_types(parts: list[str]) -> list[str]:
    read_types(parts)
    return parts


class BatchQuery(BaseModel):
    """What happens to customers that are known, and to new ones."""

    mode: ImportMode = Field(
        default=ImportMode.UPSERT, description="`create_only` changes no customer, `update_only` creates none"
    )
    dry_run: bool = Field(default=False, description="Compare only, and store nothing")


@dataclass(frozen=True, slots=True)
class ImportOrder:
    """An import that a request asks for."""

    import_id: int
    mode: ImportMode
    dry_run: bool
    file: FileOptions
    types: dict[str, FieldType]
    """Types of new attributes that the request chooses."""
    most_rejects: int
    idle_seconds: float
    """How long an upload may send nothing."""


class ImportQuery(BatchQuery):
    """The query of an import."""

    default_country: Annotated[str, AfterValidator(_country)] | None = Field(
        default=None, description="Country of numbers without a country code (ISO 3166-1 alpha-2)", examples=["KE"]
    )
    fields: Annotated[list[str], AfterValidator(_checked_map)] = Field(
        default=[],
        alias="map",
        description="Fields by the names of columns; a column without a field is ignored",
        examples=[["Handy:phone,Vorname:first_name,Notes:"]],
    )
    types: Annotated[list[str], AfterValidator(_checked_types)] = Field(
        default=[],
        description="Types of new attributes, in place of recognised ones",
        examples=[["customer_no:text,joined:date"]],
    )
    format: ImportFormat | None = Field(default=None, description="Format of the file; recognised if absent")


def size_of(headers: Headers) -> int | None:
    """The size of the upload in bytes; None if the client does not declare it."""
    length = headers.get("content-length", "")
    return min(int(length), MAX_BIGINT) if length.isdecimal() and len(length) <= _LONGEST_LENGTH else None


def encoding_of(headers: Headers) -> Encoding | None:
    """The encoding that the headers declare; None if they declare none.

    Raises:
        ApiError: UNSUPPORTED_MEDIA_TYPE for forms, other compression than gzip, and other encodings.
    """
    content_type = headers.get("content-type", "")
    if content_type.split(";")[0].strip().lower() in _FORMS:
        message = f"The body must be the file itself, not a form; {_HINT}"
        raise ApiError(ErrorCode.UNSUPPORTED_MEDIA_TYPE, message)
    if headers.get("content-encoding", "").strip().lower() not in {"", "identity", "gzip", "x-gzip"}:
        raise ApiError(ErrorCode.UNSUPPORTED_MEDIA_TYPE, "The body may be compressed with gzip only")
    message_headers = Message()
    message_headers["content-type"] = content_type
    charset = message_headers.get_param("charset")
    if not isinstance(charset, str) or charset.lower() in _RECOGNISED:
        return None
    found = _ENCODINGS.get(charset.lower())
    if found is None:
        message = f"The charset must be utf-8, utf-16 or windows-1252, not {charset[:_SHOWN]}"
        raise ApiError(ErrorCode.UNSUPPORTED_MEDIA_TYPE, message)
    return found


def read_types(parts: Sequence[str]) -> dict[str, FieldType]:
    """Read `types`: types by the names of attributes, `customer_no:text,joined:date`.

    Raises:
        ValueError: A part is not NAME:TYPE.
    """
    found: dict[str, FieldType] = {}
    for part in (one for many in parts for one in many.split(",") if one.strip()):
        name, _, kind = part.rpartition(":")
        if FIELD_NAME.fullmatch(name.strip()) is None or kind.strip() not in set(FieldType):
            msg = f"{part[:_SHOWN]} must be an attribute, a colon and one of {', '.join(FieldType)}"
            raise ValueError(msg)
        found[name.strip()] = FieldType(kind.strip())
    return found
