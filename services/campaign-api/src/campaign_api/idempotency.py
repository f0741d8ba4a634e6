"""Requests that are made twice under one key, and answered twice alike.

The key is stored in the transaction of the request itself: a request that fails leaves no key behind, and of two at
the same moment the second waits for the first and gets its answer. The dispatcher forgets keys after a day.
"""

import hashlib
from collections.abc import Awaitable, Callable
from typing import Annotated, Final, TypeVar

from fastapi import Header
from psycopg.types.json import Jsonb
from pydantic import BaseModel

from campaign_api.errors import ApiError, ErrorCode
from leopard.db.pool import Connection

Answer = TypeVar("Answer", bound=BaseModel)

IdempotencyKey = Annotated[
    str | None,
    Header(
        min_length=1,
        max_length=255,
        pattern=r"^[\x20-\x7e]+$",
        description="Under the same key the same request gets the same answer and does nothing; kept for 24 hours",
    ),
]

_TAKE: Final = """
INSERT INTO idempotency_keys (key, endpoint, request_hash)
VALUES (%(key)s, %(endpoint)s, %(request_hash)s)
    ON CONFLICT (key, endpoint) DO UPDATE
   SET request_hash = excluded.request_hash, answer = NULL, created_at = now()
 WHERE idempotency_keys.created_at < now() - interval '24 hours'
"""

_EARLIER: Final = """
SELECT request_hash, answer FROM idempotency_keys WHERE key = %(key)s AND endpoint = %(endpoint)s
"""

_KEEP: Final = "UPDATE idempotency_keys SET answer = %(answer)s WHERE key = %(key)s AND endpoint = %(endpoint)s"


async def once(
    connection: Connection,
    key: str | None,
    endpoint: str,
    request: BaseModel,
    answer: type[Answer],
    act: Callable[[], Awaitable[Answer]],
) -> tuple[Answer, bool]:
    """Act, unless the same request was made under the same key before; the answer, and whether it was acted.

    Args:
        connection: Where the transaction is open that `act` works in; it must end where this raises.
        key: What the client calls the request; without one it is always acted.
        endpoint: What the key is for; the same key may be used elsewhere for something else.
        request: What must be the same.
        answer: What an earlier answer is read as.
        act: What is done.

    Raises:
        ApiError: IDEMPOTENCY_CONFLICT where the key was used for another request; whatever `act` raises.
    """
    if key is None:
        return await act(), True
    request_hash = hashlib.sha256(request.model_dump_json().encode()).digest()
    parameters = {"key": key, "endpoint": endpoint, "request_hash": request_hash}
    taken = await connection.execute(_TAKE, parameters)
    if taken.rowcount == 1:
        given = await act()
        await connection.execute(_KEEP, {**parameters, "answer": Jsonb(given.model_dump(mode="json"))})
        return given, True
    cursor = await connection.execute(_EARLIER, parameters)
    earlier = await cursor.fetchone()
    if earlier is None or bytes(earlier[0]) != request_hash:
        raise ApiError(
            ErrorCode.IDEMPOTENCY_CONFLICT, "This Idempotency-Key was used for another request in the last 24 hours"
        )
    return answer.model_validate(earlier[1]), False
