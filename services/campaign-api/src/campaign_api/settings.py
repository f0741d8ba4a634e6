"""Settings of campaign-api."""

from pydantic import Field

from leopard.settings import ServiceSettings


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
