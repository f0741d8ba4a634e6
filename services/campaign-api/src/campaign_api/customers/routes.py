"""Customers over HTTP."""

from typing import Annotated

from fastapi import APIRouter
from pydantic import BaseModel, Field

from campaign_api.customers.attributes import attribute_limits
from campaign_api.customers.fields import CustomerField, list_fields
from campaign_api.customers.filters import FilterQuery, PhoneQuery, customer_condition
from campaign_api.customers.queries import (
    change_customer,
    create_customer,
    delete_customer,
    get_customer,
    list_customers,
)
from campaign_api.customers.schemas import Customer, CustomerChange, NewCustomer
from campaign_api.dependencies import ConnectionDep, ResourcesDep, TurnsDep
from campaign_api.turns import Subject
from campaign_api.web.error_responses import BODY_ERRORS, error_responses
from campaign_api.web.errors import ErrorCode
from campaign_api.web.field_types import CustomerId
from campaign_api.web.json_bodies import JsonRoute
from campaign_api.web.paging import KeyPagination, PageQuery, next_cursor

router = APIRouter(prefix="/customers", tags=["customers"], route_class=JsonRoute)


class CustomerList(BaseModel):
    """A page of customers, oldest first."""

    customers: Annotated[list[Customer], Field(description="The customers")]
    pagination: KeyPagination = Field(description="The position of this page in the list")


class CustomerFieldList(BaseModel):
    """The fields of customers."""

    fields: Annotated[list[CustomerField], Field(description="The fields")]


@router.post(
    "",
    status_code=201,
    operation_id="create_customer",
    summary="Create a customer",
    response_description="The new customer",
    responses=error_responses(ErrorCode.INVALID_REQUEST, *BODY_ERRORS),
)
async def create(customer: NewCustomer, resources: ResourcesDep) -> Customer:
    """Create a customer. No two customers may have the same phone number."""
    limits = attribute_limits(resources.settings)
    async with resources.turns.changing(Subject("A customer with this phone", key=customer.phone)) as connection:
        return await create_customer(connection, customer, limits)


@router.get(
    "",
    operation_id="list_customers",
    summary="List customers",
    response_description="A page of customers",
    responses=error_responses(ErrorCode.INVALID_REQUEST),
)
async def read_page(
    page: PageQuery, connection: ConnectionDep, phone: PhoneQuery = None, filter_: FilterQuery = None
) -> CustomerList:
    """List customers, oldest first. Read the next page with `cursor`."""
    condition = await customer_condition(connection, phone, filter_)
    rows = await list_customers(connection, condition, after=page.after() or 0, limit=page.size + 1)
    kept, cursor = next_cursor([customer.id for customer in rows], page.size)
    return CustomerList(customers=rows[:kept], pagination=KeyPagination(page_size=page.size, next_cursor=cursor))


@router.get(
    "/fields",
    operation_id="list_customer_fields",
    summary="List the fields of customers",
    response_description="The fields",
    responses=error_responses(ErrorCode.INVALID_REQUEST),
)
async def read_fields(connection: ConnectionDep) -> CustomerFieldList:
    """List every field that customers can have: the columns, then the attributes by name."""
    return CustomerFieldList(fields=await list_fields(connection))


@router.get(
    "/{customer_id}",
    operation_id="get_customer",
    summary="Get a customer",
    response_description="The customer",
    responses=error_responses(ErrorCode.INVALID_REQUEST, ErrorCode.CUSTOMER_NOT_FOUND),
)
async def read(customer_id: CustomerId, connection: ConnectionDep) -> Customer:
    """Get a customer."""
    return await get_customer(connection, customer_id)


@router.patch(
    "/{customer_id}",
    operation_id="update_customer",
    summary="Update a customer",
    response_description="The customer after the change",
    responses=error_responses(ErrorCode.INVALID_REQUEST, ErrorCode.CUSTOMER_NOT_FOUND, *BODY_ERRORS),
)
async def change(customer_id: CustomerId, change: CustomerChange, resources: ResourcesDep) -> Customer:
    """Change a customer. Absent fields stay as they are; so do absent attributes."""
    limits = attribute_limits(resources.settings)
    async with resources.turns.changing(Subject(f"Customer {customer_id}")) as connection:
        return await change_customer(connection, customer_id, change, limits)


@router.delete(
    "/{customer_id}",
    status_code=204,
    operation_id="delete_customer",
    summary="Delete a customer",
    response_description="The customer is deleted",
    responses=error_responses(ErrorCode.INVALID_REQUEST, ErrorCode.CUSTOMER_NOT_FOUND),
)
async def delete(customer_id: CustomerId, turns: TurnsDep) -> None:
    """Delete a customer and all messages to this customer."""
    async with turns.changing(Subject(f"Customer {customer_id}")) as connection:
        await delete_customer(connection, customer_id)
