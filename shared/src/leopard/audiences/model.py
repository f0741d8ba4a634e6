"""The audience of a send: all customers, a segment, a filter or listed customers, less exclusions. Runs no SQL."""

from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, RootModel, ValidationError, model_validator

from leopard.audiences.filter_grammar import parse_filter
from leopard.audiences.filter_schema import FILTER_SCHEMA
from leopard.domain.formats import EQUAL_FIELDS_FORMAT, FIXED_RECIPIENTS_FORMAT

MOST_LISTED: Final = 10_000
"""The most customers that an audience lists. It is stored with its campaign and is part of every response."""

_MOST_FIELDS: Final = 20
"""More than any version has. A limit is needed because each unknown field produces an error."""

_MAX_ID: Final = 2**63 - 1
_INT64: Final = {"format": "int64"}


def _few_fields(given: Any) -> Any:  # noqa: ANN401 a request body has any type
    if isinstance(given, dict) and len(given) > _MOST_FIELDS:
        msg = f"must not have more than {_MOST_FIELDS} fields"
        raise ValueError(msg)
    return given


def _ids(given: Any) -> Any:  # noqa: ANN401
    # checked as a whole, because each wrong item would produce an error
    if isinstance(given, list):
        wrong = [index for index, item in enumerate(given) if type(item) is not int or item < 1]
        if wrong:
            msg = f"must hold positive integers, and item {wrong[0]} is none"
            raise ValueError(msg)
    return given


def _id(given: Any) -> Any:  # noqa: ANN401
    if type(given) is not int or not 1 <= given <= _MAX_ID:
        msg = "must be a positive integer"
        raise ValueError(msg)
    return given


_Listed = Annotated[
    list[Annotated[int, Field(json_schema_extra=_INT64)]],
    Field(min_length=1, max_length=MOST_LISTED),
    BeforeValidator(_ids),
]
_Id = Annotated[int, Field(ge=1, json_schema_extra=_INT64), BeforeValidator(_id)]


def _describe(schema: dict[str, Any]) -> None:
    title = schema.get("title", "")
    description = schema.get("description", "")
    schema.clear()
    schema.update({"title": title, "description": description, **FILTER_SCHEMA})


class AudienceFilter(RootModel[dict[str, Any]]):
    """A condition on customers. It holds one of `all`, `any`, `not`, `field`, `received` and `not_messaged_for`.

    `field` stands with operators, which must all match. `location` and `preferred_product` alone are short for `equal`.
    """

    model_config = ConfigDict(frozen=True, json_schema_extra=_describe)

    @model_validator(mode="before")
    @classmethod
    def _in_grammar(cls, given: Any) -> Any:  # noqa: ANN401
        parse_filter(given)
        return given


class Exclusion(BaseModel):
    """Customers to leave out: those of a segment, those that match a filter, and those that are listed."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    segment: _Id | None = Field(default=None, description="Id of a segment", examples=[2])
    filter: AudienceFilter | None = Field(default=None, description="Customers that match")
    customer_ids: _Listed | None = Field(default=None, description="Ids of customers", examples=[[4, 5]])

    @model_validator(mode="before")
    @classmethod
    def _bounded(cls, given: Any) -> Any:  # noqa: ANN401
        return _few_fields(given)

    @model_validator(mode="after")
    def _says_something(self) -> "Exclusion":
        if self.segment is None and self.filter is None and self.customer_ids is None:
            msg = "must hold segment, filter or customer_ids"
            raise ValueError(msg)
        return self


class Audience(BaseModel):
    """Customers to select at the time of the send: one of `all`, `segment`, `filter` and `customer_ids`.

    `exclude` leaves some of them out, and `limit` takes a random sample. Test customers are in no audience.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    all: Literal[True] | None = Field(default=None, description="All customers", examples=[True])
    segment: _Id | None = Field(default=None, description="Customers of the segment with this id", examples=[1])
    filter: AudienceFilter | None = Field(default=None, description="Only customers that match")
    customer_ids: _Listed | None = Field(
        default=None, description="Ids of customers; ids that no customer has are ignored", examples=[[1, 2, 3]]
    )
    exclude: Exclusion | None = Field(default=None, description="Customers to leave out")
    limit: _Id | None = Field(
        default=None,
        description="Maximum number of customers: a random sample, always the same for the same campaign",
        examples=[1000],
    )

    @model_validator(mode="before")
    @classmethod
    def _bounded(cls, given: Any) -> Any:  # noqa: ANN401
        return _few_fields(given)

    @model_validator(mode="after")
    def _one_of_four(self) -> "Audience":
        if [self.all, self.segment, self.filter, self.customer_ids].count(None) != 3:
            msg = 'must hold one of {"all": true}, {"segment": 1}, {"filter": {...}} and {"customer_ids": [...]}'
            raise ValueError(msg)
        return self

    def stored(self) -> dict[str, Any]:
        """The JSON that is stored with a campaign."""
        return self.model_dump(exclude_none=True)

    @property
    def campaign_format(self) -> int:
        """The lowest format of a campaign that has this audience, before its send."""
        older = self.all or (self.filter is not None and self.filter.root.keys() <= {"location", "preferred_product"})
        plain = self.exclude is None and self.limit is None
        return EQUAL_FIELDS_FORMAT if older and plain else FIXED_RECIPIENTS_FORMAT


def first_problem(error: ValidationError) -> str:
    """The first problem of an invalid audience: field and error, never the value."""
    problem = error.errors(include_url=False, include_input=False)[0]
    return f"{'.'.join(str(part) for part in problem['loc'])} {problem['msg']}".strip()
