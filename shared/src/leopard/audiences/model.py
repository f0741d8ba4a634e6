"""The audience of a campaign: all customers, or the customers that match a filter. Runs no SQL."""

from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from leopard.domain.stored_text import MAX_TEXT, storable

_Value = Annotated[str, Field(max_length=MAX_TEXT), AfterValidator(storable)]

_MOST_FIELDS: Final = 20
"""More than any version has. A limit is needed because each unknown field produces an error."""


def _few_fields(given: Any) -> Any:  # noqa: ANN401 a request body has any type
    if isinstance(given, dict) and len(given) > _MOST_FIELDS:
        msg = f"must not have more than {_MOST_FIELDS} fields"
        raise ValueError(msg)
    return given


class AudienceFilter(BaseModel):
    """Customers whose fields are equal to all values given here."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    location: _Value | None = Field(default=None, description="Location of the customer", examples=["Nairobi"])
    preferred_product: _Value | None = Field(
        default=None, description="Preferred product of the customer", examples=["Running Shoes"]
    )

    @model_validator(mode="before")
    @classmethod
    def _bounded(cls, given: Any) -> Any:  # noqa: ANN401
        return _few_fields(given)

    @model_validator(mode="after")
    def _says_something(self) -> "AudienceFilter":
        if self.location is None and self.preferred_product is None:
            msg = "must name a location or a preferred_product"
            raise ValueError(msg)
        return self


class Audience(BaseModel):
    """Customers to select at the time of the send: either `all`, or those that match `filter`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    all: Literal[True] | None = Field(default=None, description="All customers", examples=[True])
    filter: AudienceFilter | None = Field(default=None, description="Only customers that match")

    @model_validator(mode="before")
    @classmethod
    def _bounded(cls, given: Any) -> Any:  # noqa: ANN401
        return _few_fields(given)

    @model_validator(mode="after")
    def _one_of_two(self) -> "Audience":
        if (self.all is None) == (self.filter is None):
            msg = 'must be either {"all": true} or {"filter": {...}}'
            raise ValueError(msg)
        return self


def first_problem(error: ValidationError) -> str:
    """The first problem of an invalid audience: field and error, never the value."""
    problem = error.errors(include_url=False, include_input=False)[0]
    return f"{'.'.join(str(part) for part in problem['loc'])} {problem['msg']}".strip()
