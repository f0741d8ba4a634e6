"""Batches of an import: the customers of some thousand rows, each phone number once."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from pyroaring import BitMap64

from campaign_api.imports.customers import CustomerReader, ImportedCustomer, Reject
from campaign_api.imports.records import BadRow, CsvRow, JsonRow

BATCH_ROWS: Final = 10_000
BATCH_LENGTH: Final = 8_000_000
"""Characters of rows after which a batch ends, so that long rows need no more memory."""


@dataclass(slots=True)
class Batch:
    """The rows of an import that are stored together."""

    rows: int
    customers: list[ImportedCustomer] = field(default_factory=list)
    repeated: set[str] = field(default_factory=set)
    """Phone numbers that a batch before had as well."""
    replaced: dict[int, int] = field(default_factory=dict)
    """Rows whose phone number a later row of the batch has, with the number of the last one."""
    rejects: list[Reject] = field(default_factory=list)


class Batches:
    """Makes batches of rows, and remembers the phone numbers of the whole file."""

    def __init__(self) -> None:
        # two bytes for each number, in most files
        self._seen = BitMap64()

    def batch(self, rows: Sequence[CsvRow | JsonRow | BadRow], reader: CustomerReader) -> Batch:
        """The batch of these rows. Of several rows with the same number, the last one counts."""
        batch = Batch(len(rows))
        customers: dict[str, ImportedCustomer] = {}
        earlier: list[tuple[int, str]] = []
        for row in rows:
            if isinstance(row, BadRow):
                batch.rejects.append(Reject(row.number, None, row.reason, [row.text]))
                continue
            customer = reader.read(row)
            if isinstance(customer, Reject):
                batch.rejects.append(customer)
                continue
            earlier.append((customer.number, customer.phone))
            customers[customer.phone] = customer
        batch.customers = list(customers.values())
        for number, phone in earlier if len(earlier) > len(customers) else ():
            if number != customers[phone].number:
                batch.replaced[number] = customers[phone].number
        self._remember(batch)
        return batch

    def _remember(self, batch: Batch) -> None:
        for customer in batch.customers:
            number = int(customer.phone)
            if number in self._seen:
                batch.repeated.add(customer.phone)
            else:
                self._seen.add(number)
