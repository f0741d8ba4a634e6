"""Answers to requests whose audience or filter does not fit the fields of customers."""

from collections.abc import Iterator
from contextlib import contextmanager

from campaign_api.customers.filters import filter_refused
from campaign_api.web.errors import segment_not_found
from leopard.audiences.filters import FilterError
from leopard.audiences.selection import SegmentNotFoundError


@contextmanager
def answering_audience_problems(field: str = "audience") -> Iterator[None]:
    """Answer a request whose audience cannot be selected.

    Args:
        field: Where the audience stands in the request.

    Raises:
        ApiError: INVALID_REQUEST in place of a FilterError, SEGMENT_NOT_FOUND in place of a SegmentNotFoundError.
    """
    try:
        yield
    except FilterError as error:
        raise filter_refused(error, field) from None
    except SegmentNotFoundError as error:
        raise segment_not_found(error.segment_id) from None
