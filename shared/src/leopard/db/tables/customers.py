"""Tables of customers, their fields and their segments. Runs no SQL."""

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import BigInteger, Index, Text, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Column, Field, SQLModel

from leopard.db.tables.columns import new_id, now, one_of
from leopard.domain.customer_fields import FieldType


class Customer(SQLModel, table=True):
    """A person who can get messages."""

    __tablename__: ClassVar[Any] = "customers"
    __table_args__ = (
        UniqueConstraint("phone", name="customers_phone_key"),
        Index(
            "idx_customers_attributes",
            "attributes",
            postgresql_using="gin",
            postgresql_ops={"attributes": "jsonb_path_ops"},
        ),
        Index("idx_customers_location", "location"),
    )

    id: int = new_id()
    phone: str = Field(sa_column=Column(Text, nullable=False))
    first_name: str | None = Field(sa_column=Column(Text))
    last_name: str | None = Field(sa_column=Column(Text))
    location: str | None = Field(sa_column=Column(Text))
    preferred_product: str | None = Field(sa_column=Column(Text))
    preferred_language: str | None = Field(sa_column=Column(Text))
    """A language tag (BCP 47), such as `en-KE`."""
    time_zone: str | None = Field(sa_column=Column(Text))
    """A time zone by its name (IANA), such as `Africa/Nairobi`."""
    attributes: dict[str, Any] = Field(sa_column=Column(JSONB, nullable=False, server_default=text("'{}'")))
    """Further fields, each named by the installation. `customer_fields` has their types."""
    created_at: datetime = now()
    updated_at: datetime = now()


class CustomerField(SQLModel, table=True):
    """The name of an attribute, with the type that its first value had."""

    __tablename__: ClassVar[Any] = "customer_fields"
    __table_args__ = (one_of("type", FieldType, "customer_fields_type_check"),)

    name: str = Field(sa_column=Column(Text, primary_key=True))
    type: FieldType = Field(sa_column=Column(Text, nullable=False))
    created_at: datetime = now()


class CustomerFieldCount(SQLModel, table=True):
    """A part of the number of customers that have a field. Triggers write it; the sum is the number."""

    __tablename__: ClassVar[Any] = "customer_field_counts"

    id: int = new_id()
    field: str = Field(sa_column=Column(Text, nullable=False))
    customers: int = Field(sa_column=Column(BigInteger, nullable=False))


class Segment(SQLModel, table=True):
    """A filter of customers, saved under a name."""

    __tablename__: ClassVar[Any] = "segments"
    __table_args__ = (UniqueConstraint("name", name="segments_name_key"),)

    id: int = new_id()
    name: str = Field(sa_column=Column(Text, nullable=False))
    filter: dict[str, Any] = Field(sa_column=Column(JSONB, nullable=False))
    created_at: datetime = now()
    updated_at: datetime = now()
