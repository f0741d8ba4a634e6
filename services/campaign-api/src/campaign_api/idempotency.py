"""Idempotency keys: the same request under the same key runs once and gets the same response.

The key is stored in the transaction of the request: a request that fails leaves no key behind. Of two requests at the
same moment, the second waits for the first and gets its response. The dispatcher deletes keys after a day.
"""

import hashlib
from collections.abc import Awaitable, Callable
from typing import Annotated, Any, Final, TypeVar

from fastapi import Header
from psycopg.types.json import Jsonb
from pydantic import BaseModel

from campaign_api.web.errors import ApiError, ErrorCode
from leopard.db.pool import Connection

Response = TypeVar("Response", bound=BaseModel)

IdempotencyKey = Annotated[
    str | None,
    Header(
        min_length=1,
        max_length=255,
        pattern=r"^[\x20-\x7e]+$",
        alias="Idempotency-Key",
        description=(
            "Makes it safe to repeat the request. If you send it again with the same key, it has no further effect, and"
            " you get the first response. Keys are kept for 24 hours."
        ),
        examples=["b7f4c2e0-summer-sale"],
    ),
]

_TAKE: Final = """
INSERT INTO idempotency_keys (key, endpoint, request_hash)
VALUES (%(key)s, %(endpoint)s, %(request_hash)s)
    ON CONFLICT (key, endpoint) DO UPDATE
   SET request_hash = excluded.request_hash, answer = NULL, created_at = now()
 WHERE idempotency_keys.created_at < now() - interval '24 hours'
"""

_SELECT_STORED: Final = """
SELECT request_hash, answer FROM idempotency_keys WHERE key = %(key)s AND endpoint = %(endpoint)s
"""

_STORE_RESPONSE: Final = (
    "UPDATE idempotency_keys SET answer = %(answer)s WHERE key = %(key)s AND endpoint = %(endpoint)s"
)


async def run_once(
    connection: Connection,
    key: str | None,
    endpoint: str,
    request: BaseModel,
    response: type[Response],
    operation: Callable[[], Awaitable[Response]],
) -> tuple[Response, bool]:
    """Run an operation, unless the same request was made under the same key before.

    Args:
        connection: Has the open transaction in which the operation works. The transaction must end if this raises.
        key: The client's key; without one the operation always runs.
        endpoint: The scope of the key: the same key may be used for another endpoint.
        request: The request, which must be the same for the same key.
        response: The model of the stored response.
        operation: What to run.

    Returns:
        The response, and whether the operation ran.

    Raises:
        ApiError: IDEMPOTENCY_CONFLICT where the key was used for another request; whatever the operation raises.
    """
    if key is None:
        return await operation(), True
    request_hash = hashlib.sha256(request.model_dump_json().encode()).digest()
    parameters = {"key": key, "endpoint": endpoint, "request_hash": request_hash}
    taken = await connection.execute(_TAKE, parameters)
    if taken.rowcount == 1:
        made = await operation()
        await connection.execute(_STORE_RESPONSE, {**parameters, "answer": Jsonb(_stored(made))})
        return made, True
    cursor = await connection.execute(_SELECT_STORED, parameters)
    stored = await cursor.fetchone()
    if stored is None or bytes(stored[0]) != request_hash:
        raise ApiError(
            ErrorCode.IDEMPOTENCY_CONFLICT, "This Idempotency-Key was used for another request in the last 24 hours"
        )
    return response.model_validate(stored[1]), False


def _stored(made: BaseModel) -> dict[str, Any]:
    """A response with the fields that it hides, because it computes others from them."""
    hidden = {name: getattr(made, name) for name, field in type(made).model_fields.items() if field.exclude}
    return {**made.model_dump(mode="json"), **hidden}
