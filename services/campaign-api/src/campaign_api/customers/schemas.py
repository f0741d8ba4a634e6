"""Customers as clients write and read them."""

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, Field

from campaign_api.web.field_types import NotNull, Phone, RequestModel, Text


class NewCustomer(RequestModel):
    """A customer to be created."""

    phone: Phone = Field(examples=["+254700123456"])
    first_name: Text | None = Field(default=None, examples=["Alice"])
    last_name: Text | None = Field(default=None, examples=["Mwangi"])
    location: Text | None = Field(default=None, examples=["Nairobi"])
    preferred_product: Text | None = Field(default=None, examples=["Running Shoes"])


class CustomerChange(RequestModel):
    """What is to change of a customer; what is not given stays."""

    phone: Annotated[Phone | None, NotNull] = Field(default=None, examples=["+254700123457"])
    first_name: Text | None = Field(default=None, examples=["Alice"])
    last_name: Text | None = Field(default=None, examples=["Mwangi"])
    location: Text | None = Field(default=None, examples=["Mombasa"])
    preferred_product: Text | None = Field(default=None, examples=[None])


class Customer(BaseModel):
    """A customer."""

    id: int
    phone: str
    first_name: str | None
    last_name: str | None
    location: str | None
    preferred_product: str | None
    created_at: datetime
    updated_at: datetime
