"""Lists in pages: by number, or by key."""

from dataclasses import dataclass
from typing import Annotated, Final

from fastapi import Depends, Query
from pydantic import BaseModel, Field
from starlette.datastructures import URL

from campaign_api.web.errors import ApiError, ErrorCode
from campaign_api.web.field_types import MAX_BIGINT

DEFAULT_SIZE: Final = 20
MAX_SIZE: Final = 100


class KeyPagination(BaseModel):
    """The position in a list that is read with `cursor`."""

    page_size: int = Field(description="Maximum number of items on a page", examples=[20])
    next_cursor: str | None = Field(description="The `cursor` of the next page; null on the last page", examples=["20"])


class NumberedPagination(BaseModel):
    """The position in a list that is read with `page`."""

    page: int = Field(description="Number of this page, from 1", examples=[1])
    page_size: int = Field(description="Maximum number of items on a page", examples=[20])
    total_count: int = Field(description="Number of items on all pages", examples=[42])
    total_pages: int = Field(description="Number of pages", examples=[3])


@dataclass(frozen=True, slots=True)
class Page:
    """The page that a request asks for."""

    number: int
    size: int
    cursor: str | None
    as_of: int | None

    @property
    def offset(self) -> int:
        """The number of rows before this page."""
        return min((self.number - 1) * self.size, MAX_BIGINT)

    def after(self) -> int | None:
        """The key of the cursor; null for the first page.

        Raises:
            ApiError: It is none of ours.
        """
        if not self.cursor:
            return None
        if not (self.cursor.isascii() and self.cursor.isdigit() and len(self.cursor) < 20):
            raise ApiError(ErrorCode.INVALID_REQUEST, "cursor: must be a next_cursor that this list gave out")
        return min(int(self.cursor), MAX_BIGINT)

    def numbered(self, total: int) -> NumberedPagination:
        """The position of this page in a list of `total` rows."""
        return NumberedPagination(
            page=self.number, page_size=self.size, total_count=total, total_pages=-(-total // self.size)
        )


def next_cursor(keys: list[int], size: int) -> tuple[int, str | None]:
    """How many of `size + 1` rows belong to the page, and the cursor of the next page."""
    if len(keys) <= size:
        return len(keys), None
    return size, str(keys[size - 1])


def page_links(url: URL, page: NumberedPagination, as_of: int) -> str:
    """The `Link` header of a numbered page; each URL has `as_of`, so that the pages do not shift."""
    numbers = {"first": 1}
    if page.page > 1 and page.total_pages:
        numbers["prev"] = min(page.page - 1, page.total_pages)
    if page.page < page.total_pages:
        numbers["next"] = page.page + 1
    links = {rel: url.include_query_params(page=number, as_of=as_of) for rel, number in numbers.items()}
    return ", ".join(f'<{link.path}?{link.query}>; rel="{rel}"' for rel, link in links.items())


def _page(
    page: Annotated[int, Query(description="Number of the page, from 1; lower numbers count as 1")] = 1,
    page_size: Annotated[
        int, Query(description="Maximum number of items, 1 to 100; other numbers count as 20")
    ] = DEFAULT_SIZE,
    cursor: Annotated[
        str | None,
        Query(description="Position in the list: empty for the first page, then `next_cursor` of the page before"),
    ] = None,
    as_of: Annotated[
        int | None,
        Query(
            ge=0,
            le=MAX_BIGINT,
            json_schema_extra={"format": "int64"},
            description=(
                "Leaves out campaigns with a higher id, so that new campaigns do not shift the pages."
                " The links of the `Link` header contain it."
            ),
        ),
    ] = None,
) -> Page:
    size = page_size if 1 <= page_size <= MAX_SIZE else DEFAULT_SIZE
    return Page(max(page, 1), size, cursor, as_of)


PageQuery = Annotated[Page, Depends(_page)]
