"""What campaign-api can be told."""

from pydantic import Field

from leopard.settings import ServiceSettings


class ApiSettings(ServiceSettings):
    """Settings of campaign-api."""

    database_pool_size: int = Field(default=10, ge=1, le=200, description="Connections to PostgreSQL at the most")
    max_body_bytes: int = Field(
        default=4 * 1024 * 1024, ge=1024, description="A request body larger than this is refused, in bytes"
    )
    chunk_size: int = Field(default=1000, ge=1, le=100_000, description="Messages that a dispatcher takes at a time")
    max_listed_customers: int = Field(
        default=100_000, ge=1, le=1_000_000, description="Customers that one send may name by their ids"
    )
