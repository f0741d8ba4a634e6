"""The SQL of customers: create, read, change, delete."""

from typing import Any, Final

from psycopg import errors, sql
from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from campaign_api.customers.attributes import AttributeLimits, answering_field_problems, check_size, merged, types_of
from campaign_api.customers.fields import keep_types
from campaign_api.customers.schemas import Customer, CustomerChange, NewCustomer
from campaign_api.web.errors import ApiError, ErrorCode, customer_not_found
from leopard.audiences.conditions import Condition
from leopard.db.pool import Connection
from leopard.domain.phone_spellings import other_spellings

COLUMNS: Final = """
    id, phone, first_name, last_name, location, preferred_product, preferred_language, time_zone, attributes,
    created_at, updated_at
"""
"""What a `Customer` is made of."""

# Numbers stored before spellings were normalised stay unchanged, and count as used.
_CREATE: Final = f"""
INSERT INTO customers
       (phone, first_name, last_name, location, preferred_product, preferred_language, time_zone, attributes)
SELECT %(phone)s, %(first_name)s, %(last_name)s, %(location)s, %(preferred_product)s, %(preferred_language)s,
       %(time_zone)s, %(attributes)s
 WHERE NOT EXISTS (SELECT FROM customers WHERE phone = ANY(%(other_spellings)s))
RETURNING {COLUMNS}
"""

_GET: Final = f"SELECT {COLUMNS} FROM customers WHERE id = %(customer_id)s"

_LIST: Final = f"SELECT {COLUMNS} FROM customers WHERE id > %(after)s AND {{condition}} ORDER BY id LIMIT %(limit)s"

# Two changes that exchange the phone numbers of two customers would wait for each other.
_LOCK: Final = """
SELECT FROM customers WHERE id = %(customer_id)s OR phone = %(phone)s ORDER BY id FOR UPDATE
"""

# The foreign key deletes messages in no defined order.
_LOCK_MESSAGES: Final = "SELECT FROM outbound_messages WHERE customer_id = %(customer_id)s ORDER BY id FOR UPDATE"

_CHANGE: Final = f"""
UPDATE customers
   SET phone = %(phone)s, first_name = %(first_name)s, last_name = %(last_name)s, location = %(location)s,
       preferred_product = %(preferred_product)s, preferred_language = %(preferred_language)s,
       time_zone = %(time_zone)s, attributes = %(attributes)s, updated_at = now()
 WHERE id = %(customer_id)s
   AND NOT EXISTS (
       SELECT FROM customers AS others
        WHERE others.phone = ANY(%(other_spellings)s) AND others.id <> customers.id
       )
RETURNING {COLUMNS}
"""

_DELETE: Final = "DELETE FROM customers WHERE id = %(customer_id)s"


async def create_customer(connection: Connection, customer: NewCustomer, limits: AttributeLimits) -> Customer:
    """Store a new customer, in the caller's transaction.

    Raises:
        ApiError: INVALID_REQUEST where another customer has that phone number, or an attribute is refused.
    """
    attributes = await _keep_attributes(connection, customer.attributes, limits)
    created = await _one(
        connection,
        _CREATE,
        {
            **customer.model_dump(),
            "attributes": Jsonb(attributes),
            "other_spellings": other_spellings(customer.phone),
        },
    )
    if created is None:
        raise _phone_taken()
    return created


async def get_customer(connection: Connection, customer_id: int) -> Customer:
    """One customer.

    Raises:
        ApiError: CUSTOMER_NOT_FOUND.
    """
    return _found(await _one(connection, _GET, {"customer_id": customer_id}), customer_id)


async def list_customers(connection: Connection, condition: Condition, *, after: int, limit: int) -> list[Customer]:
    """Customers that a condition selects, with ids above `after`, oldest first."""
    async with connection.cursor(row_factory=class_row(Customer)) as cursor:
        parameters = {**condition.parameters, "after": after, "limit": limit}
        await cursor.execute(sql.SQL(_LIST.format(condition=condition.sql)), parameters)
        return await cursor.fetchall()


async def change_customer(
    connection: Connection, customer_id: int, change: CustomerChange, limits: AttributeLimits
) -> Customer:
    """Change a customer, in the caller's transaction.

    Raises:
        ApiError: CUSTOMER_NOT_FOUND; INVALID_REQUEST where another customer has that phone number, or an attribute is
            refused.
    """
    # before the customer is locked: locks are taken in one order
    await _keep_attributes(connection, change.attributes or {}, limits)
    await connection.execute(_LOCK, {"customer_id": customer_id, "phone": change.phone})
    customer = await get_customer(connection, customer_id)
    attributes = merged(customer.attributes, change.attributes or {})
    if change.attributes:
        with answering_field_problems():
            check_size(attributes, limits)
    changed = await _one(
        connection,
        _CHANGE,
        {
            **customer.model_dump(),
            **change.model_dump(exclude_unset=True),
            "attributes": Jsonb(attributes),
            "customer_id": customer_id,
            "other_spellings": [] if change.phone is None else other_spellings(change.phone),
        },
    )
    if changed is None:
        raise _phone_taken()
    return changed


async def delete_customer(connection: Connection, customer_id: int) -> None:
    """Delete a customer, and with it every message to it, in the caller's transaction.

    Raises:
        ApiError: CUSTOMER_NOT_FOUND.
    """
    await connection.execute(_LOCK, {"customer_id": customer_id, "phone": None})
    await connection.execute(_LOCK_MESSAGES, {"customer_id": customer_id})
    deleted = await connection.execute(_DELETE, {"customer_id": customer_id})
    if deleted.rowcount == 0:
        raise customer_not_found(customer_id)


async def _keep_attributes(
    connection: Connection, attributes: dict[str, Any], limits: AttributeLimits
) -> dict[str, Any]:
    """The attributes that have a value, after their types were stored."""
    kept = merged({}, attributes)
    with answering_field_problems():
        await keep_types(connection, types_of(kept, limits), most=limits.known)
        check_size(kept, limits)
    return kept


async def _one(connection: Connection, statement: str, parameters: dict[str, Any]) -> Customer | None:
    try:
        async with connection.cursor(row_factory=class_row(Customer)) as cursor:
            await cursor.execute(statement, parameters)
            return await cursor.fetchone()
    except errors.UniqueViolation:
        raise _phone_taken() from None


def _found(customer: Customer | None, customer_id: int) -> Customer:
    if customer is None:
        raise customer_not_found(customer_id)
    return customer


def _phone_taken() -> ApiError:
    details = [{"field": "phone", "message": "is already taken by another customer"}]
    return ApiError(ErrorCode.INVALID_REQUEST, "phone: is already taken by another customer", details)
