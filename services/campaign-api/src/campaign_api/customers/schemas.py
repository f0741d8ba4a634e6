"""Customers in requests and responses."""

from datetime import datetime
from typing import Annotated, Any, Final

from pydantic import BaseModel, Field

from campaign_api.web.field_types import Id, LanguageTag, NotNull, Phone, RequestModel, Text, TimeZone

_PHONE: Final = "Phone number with country code; stored in E.164 format, and unique"
_LANGUAGE: Final = "Language tag (BCP 47)"
_TIME_ZONE: Final = "Name of a time zone in the IANA database"
_ATTRIBUTES: Final = "Further fields, by their names. An attribute keeps the type that its first value had"
_ATTRIBUTE_VALUES: Final[list[dict[str, Any]]] = [
    {"type": "string"},
    {"type": "number"},
    {"type": "boolean"},
    {"type": "array", "items": {"type": "string"}},
]
_ATTRIBUTES_EXAMPLE: Final = {"points": 120, "vip": True, "last_order": "2026-10-31", "tags": ["running"]}

Attributes = Annotated[dict[str, Any], Field(json_schema_extra={"additionalProperties": {"anyOf": _ATTRIBUTE_VALUES}})]
ChangedAttributes = Annotated[
    dict[str, Any],
    Field(json_schema_extra={"additionalProperties": {"anyOf": [*_ATTRIBUTE_VALUES, {"type": "null"}]}}),
]


class NewCustomer(RequestModel):
    """A customer to create."""

    phone: Phone = Field(description=_PHONE, examples=["+254700123456"])
    first_name: Text | None = Field(default=None, description="First name", examples=["Alice"])
    last_name: Text | None = Field(default=None, description="Last name", examples=["Mwangi"])
    location: Text | None = Field(default=None, description="Location; audiences filter by it", examples=["Nairobi"])
    preferred_product: Text | None = Field(
        default=None, description="Preferred product; audiences filter by it", examples=["Running Shoes"]
    )
    preferred_language: LanguageTag | None = Field(default=None, description=_LANGUAGE, examples=["sw-KE"])
    time_zone: TimeZone | None = Field(default=None, description=_TIME_ZONE, examples=["Africa/Nairobi"])
    attributes: ChangedAttributes = Field(default={}, description=_ATTRIBUTES, examples=[_ATTRIBUTES_EXAMPLE])


class CustomerChange(RequestModel):
    """Changes of a customer; absent fields stay as they are."""

    phone: Annotated[Phone | None, NotNull] = Field(
        default=None, description=f"{_PHONE}; must not be null", examples=["+254700123457"]
    )
    first_name: Text | None = Field(default=None, description="First name; null removes it", examples=["Alice"])
    last_name: Text | None = Field(default=None, description="Last name; null removes it", examples=["Mwangi"])
    location: Text | None = Field(default=None, description="Location; null removes it", examples=["Mombasa"])
    preferred_product: Text | None = Field(
        default=None, description="Preferred product; null removes it", examples=["Walking Shoes"]
    )
    preferred_language: LanguageTag | None = Field(
        default=None, description=f"{_LANGUAGE}; null removes it", examples=["en"]
    )
    time_zone: TimeZone | None = Field(
        default=None, description=f"{_TIME_ZONE}; null removes it", examples=["Africa/Kampala"]
    )
    attributes: Annotated[ChangedAttributes | None, NotNull] = Field(
        default=None,
        description=f"{_ATTRIBUTES}. Absent attributes stay as they are, and null removes one; must not be null itself",
        examples=[{"points": 130, "vip": None}],
    )


class Customer(BaseModel):
    """A customer, who can receive messages."""

    id: Id = Field(description="Id of the customer", examples=[1])
    phone: str = Field(description="Phone number in E.164 format", examples=["+254700123456"])
    first_name: str | None = Field(description="First name", examples=["Alice"])
    last_name: str | None = Field(description="Last name", examples=["Mwangi"])
    location: str | None = Field(description="Location", examples=["Nairobi"])
    preferred_product: str | None = Field(description="Preferred product", examples=["Running Shoes"])
    preferred_language: str | None = Field(description=_LANGUAGE, examples=["sw-KE"])
    time_zone: str | None = Field(description=_TIME_ZONE, examples=["Africa/Nairobi"])
    attributes: Attributes = Field(description=_ATTRIBUTES, examples=[_ATTRIBUTES_EXAMPLE])
    created_at: datetime = Field(description="When the customer was created", examples=["2030-01-30T12:00:00Z"])
    updated_at: datetime = Field(description="When the customer last changed", examples=["2030-01-30T12:00:00Z"])
