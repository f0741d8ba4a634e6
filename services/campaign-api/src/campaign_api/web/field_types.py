"""Types of the fields of requests and responses."""

from typing import Annotated, Any, Final

from fastapi import Path
from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field

from campaign_api.web.errors import MOST_DETAILS, ItemProblems
from campaign_api.web.timestamps import read_timestamp
from leopard.domain.languages import language_tag
from leopard.domain.phone_spellings import normalised_phone
from leopard.domain.stored_text import MAX_TEXT, storable
from leopard.domain.time_zones import time_zone

MAX_BIGINT: Final = 2**63 - 1
MAX_TEMPLATE: Final = 10_000


def _not_blank(text: str) -> str:
    if not text.strip():
        msg = "must not be empty"
        raise ValueError(msg)
    return text


def _record_id(value: Any) -> int:  # noqa: ANN401 whatever stands in a path or a body
    """A positive integer. One that is too large for a row is valid, and will not be found."""
    if isinstance(value, str) and value.isascii() and value.isdigit():
        value = int(value) if len(value) <= 100 else 10**100
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        msg = "must be a positive integer"
        raise ValueError(msg)
    return value


def _listed_id(value: Any) -> int:  # noqa: ANN401
    if not isinstance(value, int):
        msg = "must be a positive integer"
        raise ValueError(msg)  # noqa: TRY004 pydantic turns a ValueError into an answer
    return _record_id(value)


def _listed_ids(value: Any) -> Any:  # noqa: ANN401
    """The list unchanged, if all items are positive integers; checked as a whole, because it may be long."""
    if not isinstance(value, list) or not value or (set(map(type, value)) == {int} and min(value) > 0):
        return value
    wrong = [index for index, item in enumerate(value) if type(item) is not int or item < 1]
    raise ItemProblems([(index, "must be a positive integer") for index in wrong[:MOST_DETAILS]], len(wrong))


def _within_calendar(moment: AwareDatetime) -> AwareDatetime:
    if not 2000 <= moment.year <= 9000:
        msg = "must lie between the years 2000 and 9000"
        raise ValueError(msg)
    return moment


def _not_null(value: Any) -> Any:  # noqa: ANN401
    if value is None:
        msg = "must not be null"
        raise ValueError(msg)
    return value


NotNull = AfterValidator(_not_null)
"""A field that a change may omit but not set to null: a default is not validated."""


def _empty_as_none(value: Any) -> Any:  # noqa: ANN401
    return None if value == "" else value


EmptyAsNone = BeforeValidator(_empty_as_none)
"""An empty filter means the same as an absent one."""

Text = Annotated[str, Field(max_length=MAX_TEXT), AfterValidator(storable)]
Name = Annotated[str, Field(max_length=200), AfterValidator(storable), AfterValidator(_not_blank)]
TemplateText = Annotated[str, Field(max_length=MAX_TEMPLATE), AfterValidator(storable), AfterValidator(_not_blank)]
Phone = Annotated[str, AfterValidator(normalised_phone)]
LanguageTag = Annotated[str, AfterValidator(language_tag)]
TimeZone = Annotated[str, AfterValidator(time_zone)]
_INT64: Final = {"format": "int64"}
Id = Annotated[int, Field(json_schema_extra=_INT64)]
CampaignId = Annotated[
    int, BeforeValidator(_record_id), Path(description="Id of the campaign", ge=1, json_schema_extra=_INT64)
]
CustomerId = Annotated[
    int, BeforeValidator(_record_id), Path(description="Id of the customer", ge=1, json_schema_extra=_INT64)
]
DryRunId = Annotated[
    int, BeforeValidator(_record_id), Path(description="Id of the dry run", ge=1, json_schema_extra=_INT64)
]
ImportId = Annotated[
    int, BeforeValidator(_record_id), Path(description="Id of the import", ge=1, json_schema_extra=_INT64)
]
MessageId = Annotated[
    int, BeforeValidator(_record_id), Path(description="Id of the message", ge=1, json_schema_extra=_INT64)
]
SegmentId = Annotated[
    int, BeforeValidator(_record_id), Path(description="Id of the segment", ge=1, json_schema_extra=_INT64)
]
JsonId = Annotated[Id, BeforeValidator(_listed_id)]
JsonIds = Annotated[list[Id], Field(min_length=1), BeforeValidator(_listed_ids)]
Timestamp = Annotated[AwareDatetime, BeforeValidator(read_timestamp), AfterValidator(_within_calendar)]


class RequestModel(BaseModel):
    """A request body. Types are strict, and unknown fields are ignored."""

    model_config = ConfigDict(extra="ignore", str_strip_whitespace=False)
