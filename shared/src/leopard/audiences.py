"""Whom a campaign goes to when its customers are not named one by one."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

_Value = Annotated[str, Field(min_length=1, max_length=1000)]


class AudienceFilter(BaseModel):
    """Customers of whom all that is given here holds."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    location: _Value | None = None
    preferred_product: _Value | None = None

    @model_validator(mode="after")
    def _says_something(self) -> "AudienceFilter":
        given = [value for value in (self.location, self.preferred_product) if value is not None]
        if not given:
            msg = "must name a location or a preferred_product"
            raise ValueError(msg)
        if any("\0" in value or not value.isprintable() for value in given):
            msg = "must not contain control characters"
            raise ValueError(msg)
        return self


class Audience(BaseModel):
    """Everybody, or those who match a filter, among the customers who exist at the moment of the send."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    all: Literal[True] | None = None
    filter: AudienceFilter | None = None

    @model_validator(mode="after")
    def _one_of_two(self) -> "Audience":
        if (self.all is None) == (self.filter is None):
            msg = 'must be either {"all": true} or {"filter": {...}}'
            raise ValueError(msg)
        return self
