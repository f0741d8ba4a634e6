"""Imports of customers over HTTP."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, Field

from campaign_api.customers.attributes import attribute_limits
from campaign_api.dependencies import ConnectionDep, ResourcesDep, TurnsDep
from campaign_api.imports.bulk import BatchAnswer, CustomerBatch, store_customers
from campaign_api.imports.columns import read_map
from campaign_api.imports.orders import BatchQuery, ImportOrder, ImportQuery, encoding_of, read_types, size_of
from campaign_api.imports.queries import begin_import, cancel_import, get_import, list_imports
from campaign_api.imports.rejects import rejects_as_csv
from campaign_api.imports.running import ImportFailedError, RunningImport
from campaign_api.imports.schemas import Import, ImportWithRejects
from campaign_api.imports.uploads import FileOptions
from campaign_api.turns import Subject
from campaign_api.web.error_responses import BODY_ERRORS, error_responses
from campaign_api.web.errors import ApiError, ErrorCode
from campaign_api.web.field_types import MAX_BIGINT, ImportId
from campaign_api.web.json_bodies import BulkJsonRoute
from campaign_api.web.paging import KeyPagination, PageQuery, next_cursor
from leopard.domain.imports import ImportStatus

router = APIRouter(tags=["imports"])
bulk_router = APIRouter(tags=["customers"], route_class=BulkJsonRoute)

PATH: Final = "/customers/import"

_BINARY: Final = {"schema": {"type": "string", "format": "binary"}}
_BODY: Final[dict[str, Any]] = {
    "requestBody": {
        "required": True,
        "description": "The file, as a stream of any size; gzip is unpacked",
        "content": {
            "text/csv": {**_BINARY, "example": "phone,first_name,points\n+254700123458,Alice,120\n"},
            "application/x-ndjson": {**_BINARY, "example": '{"phone": "+254700123458", "first_name": "Alice"}\n'},
        },
    }
}
_CSV: Final[dict[int | str, dict[str, Any]]] = {
    200: {"content": {"text/csv": {"schema": {"type": "string"}}}, "description": "The rejected rows"}
}


class ImportList(BaseModel):
    """A page of imports, newest first."""

    imports: Annotated[list[Import], Field(description="The imports")]
    pagination: KeyPagination = Field(description="The position of this page in the list")


@router.post(
    PATH,
    status_code=201,
    operation_id="import_customers",
    summary="Import customers",
    response_description="The import, at its end",
    openapi_extra=_BODY,
    responses=error_responses(
        ErrorCode.INVALID_REQUEST,
        ErrorCode.INVALID_STATUS,
        ErrorCode.PAYLOAD_TOO_LARGE,
        ErrorCode.UNSUPPORTED_MEDIA_TYPE,
    ),
)
async def create(
    request: Request, response: Response, resources: ResourcesDep, query: Annotated[ImportQuery, Query()]
) -> ImportWithRejects:
    """Import customers from CSV or NDJSON. A customer with the phone number of a row is updated, or created.

    Empty cells change nothing. Rows that cannot be stored are rejected with a reason, and harm no other row. Rows are
    stored in batches: after a failure the same file can be imported again.
    """
    encoding = encoding_of(request.headers)
    async with resources.imports.admitted():
        async with resources.pool.connection() as connection:
            import_id = await begin_import(connection, query, bytes_total=size_of(request.headers))
        file = FileOptions(
            limits=attribute_limits(resources.settings),
            format=query.format,
            encoding=encoding,
            default_country=query.default_country,
            fields=read_map(query.fields),
        )
        order = ImportOrder(
            import_id=import_id,
            mode=query.mode,
            dry_run=query.dry_run,
            file=file,
            types=read_types(query.types),
            most_rejects=resources.settings.max_import_rejects,
            idle_seconds=resources.settings.import_idle_seconds,
        )
        try:
            await RunningImport(resources.pool, order).run(request.stream())
        except ImportFailedError as error:
            code = ErrorCode.INVALID_STATUS if error.status is ImportStatus.CANCELLED else ErrorCode.INVALID_REQUEST
            nothing = query.dry_run or not error.rows
            kept = "nothing was stored" if nothing else f"its first {error.rows} rows are stored"
            raise ApiError(code, f"Import {import_id}: {error.problem}; {kept}") from None
    response.headers["Location"] = f"/imports/{import_id}"
    async with resources.pool.connection() as connection:
        return await get_import(connection, import_id)


@bulk_router.post(
    "/customers/batch",
    operation_id="create_customer_batch",
    summary="Create or update many customers",
    response_description="What became of each customer",
    responses=error_responses(ErrorCode.INVALID_REQUEST, *BODY_ERRORS),
)
async def create_many(
    batch: CustomerBatch, resources: ResourcesDep, query: Annotated[BatchQuery, Query()]
) -> BatchAnswer:
    """Create or update up to 10,000 customers by their phone numbers. A wrong one is rejected and harms no other."""
    limits = attribute_limits(resources.settings)
    at_once = max(1, resources.settings.database_pool_size // 4)
    async with resources.turns.changing(Subject("A batch of customers", at_once=at_once)) as connection:
        return await store_customers(connection, batch, query.mode, limits, dry_run=query.dry_run)


@router.get(
    "/imports",
    operation_id="list_imports",
    summary="List imports",
    response_description="A page of imports",
    responses=error_responses(ErrorCode.INVALID_REQUEST),
)
async def read_page(page: PageQuery, connection: ConnectionDep) -> ImportList:
    """List imports, newest first. Read the next page with `cursor`."""
    rows = await list_imports(connection, before=page.after() or MAX_BIGINT, limit=page.size + 1)
    kept, cursor = next_cursor([row.id for row in rows], page.size)
    return ImportList(imports=rows[:kept], pagination=KeyPagination(page_size=page.size, next_cursor=cursor))


@router.get(
    "/imports/{import_id}",
    operation_id="get_import",
    summary="Get an import",
    response_description="The import",
    responses=error_responses(ErrorCode.INVALID_REQUEST, ErrorCode.IMPORT_NOT_FOUND),
)
async def read(import_id: ImportId, connection: ConnectionDep) -> ImportWithRejects:
    """Get an import, also while it runs."""
    return await get_import(connection, import_id)


@router.get(
    "/imports/{import_id}/rejects",
    operation_id="list_import_rejects",
    summary="Get the rejected rows of an import",
    response_class=StreamingResponse,
    responses={**_CSV, **error_responses(ErrorCode.INVALID_REQUEST, ErrorCode.IMPORT_NOT_FOUND)},
)
async def read_rejects(import_id: ImportId, resources: ResourcesDep) -> StreamingResponse:
    """Get the rejected rows as CSV, with the reason in the last column. Correct them and import that file."""
    async with resources.pool.connection() as connection:
        found = await get_import(connection, import_id)
    columns = [column.name for column in found.columns]
    return StreamingResponse(
        rejects_as_csv(resources.pool, import_id, columns),
        media_type="text/csv",
        headers={"Content-Disposition": f'attachment; filename="import-{import_id}-rejects.csv"'},
    )


@router.post(
    "/imports/{import_id}/cancel",
    operation_id="cancel_import",
    summary="Cancel an import",
    response_description="The import after the change",
    responses=error_responses(ErrorCode.INVALID_REQUEST, ErrorCode.INVALID_STATUS, ErrorCode.IMPORT_NOT_FOUND),
)
async def cancel(import_id: ImportId, turns: TurnsDep) -> Import:
    """Cancel a running import. Rows that it has stored stay."""
    async with turns.changing(Subject(f"Import {import_id}")) as connection:
        return await cancel_import(connection, import_id)
