"""Settings of campaign-api."""

from typing import Annotated

from pydantic import BeforeValidator, Field, ValidationError
from pydantic_settings import NoDecode

from campaign_api.prices import PriceTable
from leopard.settings import BlankAsUnset, ServiceSettings


def _price_table(value: object) -> object:
    if not isinstance(value, str):
        return value
    try:
        return PriceTable.model_validate_json(value)
    except ValidationError as error:
        problem = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in problem["loc"])
        msg = f"{where} {problem['msg']}".strip()
        raise ValueError(msg) from None


Prices = Annotated[PriceTable | None, NoDecode, BeforeValidator(_price_table), BlankAsUnset]


class ApiSettings(ServiceSettings):
    """Settings of campaign-api."""

    database_pool_size: int = Field(default=10, ge=1, le=200, description="Maximum number of PostgreSQL connections")
    max_body_bytes: int = Field(
        default=4 * 1024 * 1024, ge=1024, description="Maximum size of a request body, in bytes"
    )
    chunk_size: int = Field(default=1000, ge=1, le=100_000, description="Messages that a dispatcher claims at a time")
    max_listed_customers: int = Field(
        default=100_000, ge=1, le=1_000_000, description="Maximum number of customer ids in one send"
    )
    max_imports: int = Field(default=2, ge=1, le=100, description="Maximum number of imports at once in a process")
    max_exports: int = Field(default=2, ge=1, le=100, description="Maximum number of exports at once in a process")
    max_dry_runs: int = Field(default=2, ge=1, le=100, description="Maximum number of dry runs at once in a process")
    sms_prices: Prices = Field(
        default=None,
        description='Prices of an SMS segment: {"currency": "KES", "prefixes": {"254": "0.80"}, "default": "6"}',
    )
    whatsapp_prices: Prices = Field(default=None, description="Prices of a WhatsApp message, in the same form")
    max_import_rejects: int = Field(
        default=100_000, ge=0, le=10_000_000, description="Maximum number of rejected rows that are kept of an import"
    )
    import_idle_seconds: float = Field(
        default=60, gt=0, le=86_400, description="Seconds without data after which an upload is given up"
    )
    max_attributes: int = Field(default=100, ge=1, le=1000, description="Maximum number of attributes of a customer")
    max_attribute_name: int = Field(
        default=60, ge=1, le=200, description="Maximum length of an attribute's name, in characters"
    )
    max_attributes_bytes: int = Field(
        default=16_384, ge=2, le=1_048_576, description="Maximum size of a customer's attributes as JSON, in bytes"
    )
    max_known_attributes: int = Field(
        default=500, ge=1, le=10_000, description="Maximum number of different attributes of all customers"
    )
