"""The customers of an audience, as one SQL condition on `customers`. No other place says whom an audience holds."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from pydantic import ValidationError

from leopard.audiences.conditions import Condition, FieldTypes, compile_filter
from leopard.audiences.filter_grammar import parse_filter
from leopard.audiences.filters import Filter, FilterError, Not, filter_fields
from leopard.audiences.model import Audience, first_problem
from leopard.db.attribute_types import known_types
from leopard.db.pool import Connection
from leopard.domain.customer_fields import COLUMNS
from leopard.domain.phone_numbers import TEST_PREFIX

_SEGMENTS: Final = "SELECT id, filter FROM segments WHERE id = ANY(%(ids)s)"

_NO_TEST_CUSTOMER: Final = f"NOT starts_with(customers.phone, '{TEST_PREFIX}')"

_EXCLUDED: Final = "exclude."
_MAX_ID: Final = 2**63 - 1


class SegmentNotFoundError(Exception):
    """An audience names a segment that does not exist."""

    def __init__(self, segment_id: int) -> None:
        super().__init__(f"segment {segment_id} does not exist")
        self.segment_id = segment_id


UNUSABLE_AUDIENCE: Final = (ValidationError, FilterError, SegmentNotFoundError)
"""Errors of an audience that no repetition solves."""


def audience_problem(error: Exception) -> str:
    """What is wrong with an unusable audience, without any value of it."""
    return first_problem(error) if isinstance(error, ValidationError) else str(error)


@dataclass(frozen=True, slots=True)
class Selection:
    """The customers of an audience: an SQL condition, its parameters, and the size of the sample."""

    condition: str
    parameters: dict[str, Any]
    limit: int | None


async def select_audience(connection: Connection, audience: Audience) -> Selection:
    """The customers of an audience, with the present filters of its segments.

    Raises:
        SegmentNotFoundError: A segment does not exist.
        FilterError: A filter compares a field that is not known, or a value that does not fit its type.
    """
    stored = await _stored_filters(connection, audience)
    trees = {path: parse_filter(filter_, path) for path, filter_ in _filters(audience, stored).items()}
    types = await _known_types(connection, trees.values())
    parts = [Condition(_NO_TEST_CUSTOMER), *_listed("=", "ANY", "customer_ids", audience.customer_ids)]
    if audience.exclude is not None:
        parts += _listed("<>", "ALL", "excluded_ids", audience.exclude.customer_ids)
    for path, tree in trees.items():
        wanted = Not(tree) if path.startswith(_EXCLUDED) else tree
        parts.append(compile_filter(wanted, types, prefix=path.replace(".", "_")))
    return Selection(
        "\n   AND ".join(part.sql for part in parts),
        {name: value for part in parts for name, value in part.parameters.items()},
        audience.limit,
    )


async def compiled_filter(connection: Connection, filter_: object, path: str) -> Condition:
    """The SQL condition for customers that match a filter in JSON.

    Raises:
        FilterError: It is not in the grammar, or does not fit the known fields.
    """
    tree = parse_filter(filter_, path)
    return compile_filter(tree, await _known_types(connection, [tree]))


async def _stored_filters(connection: Connection, audience: Audience) -> dict[int, Any]:
    named = [audience.segment, audience.exclude.segment if audience.exclude is not None else None]
    ids = [segment for segment in named if segment is not None]
    if not ids:
        return {}
    cursor = await connection.execute(_SEGMENTS, {"ids": ids})
    stored: dict[int, Any] = dict(await cursor.fetchall())
    for segment in ids:
        if segment not in stored:
            raise SegmentNotFoundError(segment)
    return stored


def _filters(audience: Audience, stored: Mapping[int, Any]) -> dict[str, Any]:
    """The filters of an audience by their paths."""
    filters = {}
    for path, part in (("", audience), (_EXCLUDED, audience.exclude)):
        if part is not None and part.filter is not None:
            filters[f"{path}filter"] = part.filter.root
        if part is not None and part.segment is not None:
            filters[f"{path}segment"] = stored[part.segment]
    return filters


async def _known_types(connection: Connection, trees: Iterable[Filter]) -> FieldTypes:
    fields = frozenset[str]().union(*map(filter_fields, trees)) - COLUMNS.keys()
    return await known_types(connection, [name.removeprefix("attributes.") for name in fields])


def _listed(operator: str, quantifier: str, parameter: str, ids: list[int] | None) -> list[Condition]:
    if ids is None:
        return []
    # written as text: psycopg can adapt a list too, but takes twenty times as long
    listed = "{" + ",".join(str(id_) for id_ in ids if id_ <= _MAX_ID) + "}"
    return [Condition(f"customers.id {operator} {quantifier}(%({parameter})s::bigint[])", {parameter: listed})]
