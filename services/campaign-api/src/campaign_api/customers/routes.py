"""Customers over HTTP."""

from fastapi import APIRouter
from pydantic import BaseModel

from campaign_api.customers.queries import (
    change_customer,
    create_customer,
    delete_customer,
    get_customer,
    list_customers,
)
from campaign_api.customers.schemas import Customer, CustomerChange, NewCustomer
from campaign_api.dependencies import ConnectionDep, TurnsDep
from campaign_api.turns import Subject
from campaign_api.web.errors import ErrorCode, answers
from campaign_api.web.field_types import RecordId
from campaign_api.web.json_bodies import JsonRoute
from campaign_api.web.paging import KeyPagination, PageQuery, next_cursor

router = APIRouter(prefix="/customers", tags=["customers"], route_class=JsonRoute)


class CustomerList(BaseModel):
    """A page of customers, oldest first."""

    customers: list[Customer]
    pagination: KeyPagination


@router.post("", status_code=201, responses=answers(ErrorCode.INVALID_REQUEST))
async def create(customer: NewCustomer, turns: TurnsDep) -> Customer:
    """Create a customer."""
    async with turns.changing(Subject("A customer with this phone", key=customer.phone)) as connection:
        return await create_customer(connection, customer)


@router.get("", responses=answers(ErrorCode.INVALID_REQUEST))
async def read_page(page: PageQuery, connection: ConnectionDep) -> CustomerList:
    """Customers, oldest first, by key: `cursor` is empty for the first page."""
    rows = await list_customers(connection, after=page.after() or 0, limit=page.size + 1)
    kept, cursor = next_cursor([customer.id for customer in rows], page.size)
    return CustomerList(customers=rows[:kept], pagination=KeyPagination(page_size=page.size, next_cursor=cursor))


@router.get("/{customer_id}", responses=answers(ErrorCode.INVALID_REQUEST, ErrorCode.CUSTOMER_NOT_FOUND))
async def read(customer_id: RecordId, connection: ConnectionDep) -> Customer:
    """One customer."""
    return await get_customer(connection, customer_id)


@router.patch("/{customer_id}", responses=answers(ErrorCode.INVALID_REQUEST, ErrorCode.CUSTOMER_NOT_FOUND))
async def change(customer_id: RecordId, change: CustomerChange, turns: TurnsDep) -> Customer:
    """Change a customer."""
    async with turns.changing(Subject(f"Customer {customer_id}")) as connection:
        return await change_customer(connection, customer_id, change)


@router.delete(
    "/{customer_id}", status_code=204, responses=answers(ErrorCode.INVALID_REQUEST, ErrorCode.CUSTOMER_NOT_FOUND)
)
async def delete(customer_id: RecordId, turns: TurnsDep) -> None:
    """Delete a customer, and with it every message to it."""
    async with turns.changing(Subject(f"Customer {customer_id}")) as connection:
        await delete_customer(connection, customer_id)
