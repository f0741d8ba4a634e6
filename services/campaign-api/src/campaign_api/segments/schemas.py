"""Segments in requests and responses."""

from datetime import datetime
from typing import Annotated, Any, Final

from pydantic import BaseModel, Field

from campaign_api.web.field_types import Id, Name, NotNull, RequestModel
from leopard.audiences.model import AudienceFilter

_NAME: Final = "Name of the segment; unique"
_FILTER: Final = "The condition that its customers match"
_EXAMPLE: Final[dict[str, Any]] = {"field": "location", "in": ["Nairobi", "Mombasa"]}


class NewSegment(RequestModel):
    """A segment to create."""

    name: Name = Field(description=_NAME, examples=["Coast and capital"])
    filter: AudienceFilter = Field(description=_FILTER, examples=[_EXAMPLE])


class SegmentChange(RequestModel):
    """Changes of a segment; absent fields stay as they are."""

    name: Annotated[Name | None, NotNull] = Field(
        default=None, description=f"{_NAME}; must not be null", examples=["The coast"]
    )
    filter: Annotated[AudienceFilter | None, NotNull] = Field(
        default=None, description=f"{_FILTER}; must not be null", examples=[_EXAMPLE]
    )


class Segment(BaseModel):
    """A filter of customers, saved under a name. Each send uses its filter at that time."""

    id: Id = Field(description="Id of the segment", examples=[1])
    name: str = Field(description=_NAME, examples=["Coast and capital"])
    filter: dict[str, Any] = Field(description=_FILTER, examples=[_EXAMPLE])
    created_at: datetime = Field(description="When the segment was created", examples=["2030-01-30T12:00:00Z"])
    updated_at: datetime = Field(description="When the segment last changed", examples=["2030-01-30T12:00:00Z"])
