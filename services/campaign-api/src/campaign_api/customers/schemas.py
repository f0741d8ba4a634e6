"""Customers in requests and responses."""

from datetime import datetime
from typing import Annotated, Final

from pydantic import BaseModel, Field

from campaign_api.web.field_types import Id, NotNull, Phone, RequestModel, Text

_PHONE: Final = "Phone number with country code; stored in E.164 format, and unique"


class NewCustomer(RequestModel):
    """A customer to create."""

    phone: Phone = Field(description=_PHONE, examples=["+254700123456"])
    first_name: Text | None = Field(default=None, description="First name", examples=["Alice"])
    last_name: Text | None = Field(default=None, description="Last name", examples=["Mwangi"])
    location: Text | None = Field(default=None, description="Location; audiences filter by it", examples=["Nairobi"])
    preferred_product: Text | None = Field(
        default=None, description="Preferred product; audiences filter by it", examples=["Running Shoes"]
    )


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


class Customer(BaseModel):
    """A customer, who can receive messages."""

    id: Id = Field(description="Id of the customer", examples=[1])
    phone: str = Field(description="Phone number in E.164 format", examples=["+254700123456"])
    first_name: str | None = Field(description="First name", examples=["Alice"])
    last_name: str | None = Field(description="Last name", examples=["Mwangi"])
    location: str | None = Field(description="Location", examples=["Nairobi"])
    preferred_product: str | None = Field(description="Preferred product", examples=["Running Shoes"])
    created_at: datetime = Field(description="When the customer was created", examples=["2030-01-30T12:00:00Z"])
    updated_at: datetime = Field(description="When the customer last changed", examples=["2030-01-30T12:00:00Z"])
