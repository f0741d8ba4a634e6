"""Settings that every service has, and how settings are read: once, at the start, from `LEOPARD_` variables.

What is secret may be in files instead, `leopard_database_url` and so on, in the folder `LEOPARD_SECRETS_DIR`; a
variable of the same name wins.
"""

import os
import sys
from collections.abc import Callable, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final, Self, TypeVar

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from leopard.certificates import (
    CertificateFiles,
    checked_authorities,
    checked_file,
    checked_libpq_key,
    with_broker_certificates,
    with_database_certificates,
)
from leopard.urls import checked_broker_url, checked_database_url, checked_http_url

Seconds = Annotated[float, Field(gt=0, le=86_400)]
Port = Annotated[int, Field(ge=1, le=65_535)]


def _secret(check: Callable[[str], str]) -> AfterValidator:
    return AfterValidator(lambda secret: SecretStr(check(secret.get_secret_value())))


def _blank_as_unset(value: object) -> object:
    given = value.get_secret_value() if isinstance(value, SecretStr) else value
    return None if isinstance(given, str) and not given.strip() else value


DatabaseUrl = Annotated[SecretStr, _secret(checked_database_url)]
BrokerUrl = Annotated[SecretStr, _secret(checked_broker_url)]
HttpUrl = Annotated[str, AfterValidator(checked_http_url)]
BlankAsUnset = BeforeValidator(_blank_as_unset)
"""Reads a blank value as none, for what need not be given."""
AuthoritiesFile = Annotated[Annotated[Path, AfterValidator(checked_authorities)] | None, BlankAsUnset]
CertificateFile = Annotated[Annotated[Path, AfterValidator(checked_file)] | None, BlankAsUnset]
LibpqKeyFile = Annotated[Annotated[Path, AfterValidator(checked_libpq_key)] | None, BlankAsUnset]


class LogFormat(StrEnum):
    """How a log line is written."""

    AUTO = "auto"
    JSON = "json"
    TEXT = "text"


class LogLevel(StrEnum):
    """The least severe log line that is written."""

    DEBUG = "DEBUG"
    INFO = "INFO"
    WARNING = "WARNING"
    ERROR = "ERROR"


class DatabasePooling(StrEnum):
    """What stands between a service and PostgreSQL."""

    AUTO = "auto"
    NONE = "none"
    SESSION = "session"
    TRANSACTION = "transaction"


class PreparedStatements(StrEnum):
    """Whether PostgreSQL keeps the plans of statements that a connection repeats."""

    AUTO = "auto"
    ALWAYS = "always"
    NEVER = "never"


class DatabaseSettings(BaseSettings):
    """Where PostgreSQL is."""

    model_config = SettingsConfigDict(env_prefix="LEOPARD_")

    database_url: DatabaseUrl = Field(
        description="PostgreSQL URL in libpq's form: postgresql://user:password@host:5432/leopard",
    )
    database_ca_file: AuthoritiesFile = Field(
        default=None,
        description="File with the CA certificates that verify PostgreSQL, in PEM; by default those of the system",
    )
    database_certificate_file: CertificateFile = Field(
        default=None, description="File with the client certificate for PostgreSQL, in PEM"
    )
    database_key_file: LibpqKeyFile = Field(default=None, description="File with the key of that certificate, in PEM")

    @model_validator(mode="after")
    def _name_certificates(self) -> Self:
        self._database_certificates().check_pair()
        self.database_url = self._with_certificates(self.database_url)
        return self

    def _database_certificates(self) -> CertificateFiles:
        return CertificateFiles(
            "LEOPARD_DATABASE", self.database_ca_file, self.database_certificate_file, self.database_key_file
        )

    def _with_certificates(self, url: SecretStr) -> SecretStr:
        return SecretStr(with_database_certificates(url.get_secret_value(), self._database_certificates()))


class MigrationSettings(DatabaseSettings):
    """Where migrations run."""

    migration_database_url: Annotated[DatabaseUrl | None, BlankAsUnset] = Field(
        default=None, description="Direct PostgreSQL URL for migrations, if the other URL leads to a pooler"
    )

    @model_validator(mode="after")
    def _name_certificates_of_migrations(self) -> Self:
        if self.migration_database_url is not None:
            self.migration_database_url = self._with_certificates(self.migration_database_url)
        return self

    def url(self) -> str:
        """The URL that migrations use."""
        return (self.migration_database_url or self.database_url).get_secret_value()


class BrokerSettings(BaseSettings):
    """Where RabbitMQ is."""

    model_config = SettingsConfigDict(env_prefix="LEOPARD_")

    amqp_url: BrokerUrl = Field(description="RabbitMQ URL (AMQP 0-9-1): amqp://user:password@host:5672/vhost")
    amqp_ca_file: AuthoritiesFile = Field(
        default=None,
        description="File with the CA certificates that verify RabbitMQ, in PEM; by default those of the system",
    )
    amqp_certificate_file: CertificateFile = Field(
        default=None, description="File with the client certificate for RabbitMQ, in PEM"
    )
    amqp_key_file: CertificateFile = Field(default=None, description="File with the key of that certificate, in PEM")

    @model_validator(mode="after")
    def _name_broker_certificates(self) -> Self:
        files = CertificateFiles("LEOPARD_AMQP", self.amqp_ca_file, self.amqp_certificate_file, self.amqp_key_file)
        files.check_pair()
        self.amqp_url = SecretStr(with_broker_certificates(self.amqp_url.get_secret_value(), files))
        return self


class ServiceSettings(DatabaseSettings, BrokerSettings):
    """What every service needs to know."""

    model_config = SettingsConfigDict(env_prefix="LEOPARD_")

    host: str = Field(default="", description="Address to listen on; if empty, every IPv4 and IPv6 address")
    port: Port = Field(default=8080, description="Port to listen on")
    keep_alive_seconds: int = Field(
        default=65,
        ge=1,
        le=3600,
        description="Seconds to keep an idle HTTP connection open; must be longer than your load balancer's",
    )
    log_format: LogFormat = Field(
        default=LogFormat.AUTO, description="Log format: json, text, or auto (text on a terminal, otherwise json)"
    )
    log_level: LogLevel = Field(
        default=LogLevel.INFO, description="Lowest level that is logged: DEBUG, INFO, WARNING or ERROR"
    )
    database_pool_size: int = Field(default=5, ge=1, le=200, description="Maximum number of PostgreSQL connections")
    lock_timeout_seconds: Seconds = Field(default=5, description="Seconds that a statement waits for a lock")
    statement_timeout_seconds: Seconds = Field(default=30, description="Seconds that a statement may take")
    database_pooling: DatabasePooling = Field(
        default=DatabasePooling.AUTO,
        description="Pooler in front of PostgreSQL: none, session, transaction, or auto (detected)",
    )
    database_prepared_statements: PreparedStatements = Field(
        default=PreparedStatements.AUTO,
        description="When statements are prepared: always, never, or auto (not behind a transaction pooler)",
    )
    shutdown_seconds: Seconds = Field(default=25, description="Seconds that work in flight may take after SIGTERM")


SECRETS_DIR: Final = "LEOPARD_SECRETS_DIR"

S = TypeVar("S", bound=BaseSettings)


def read_settings(settings: type[S]) -> S:
    """Read settings from the environment, or end the process with a line for each wrong one (exit status 2)."""
    secrets_dir = os.environ.get(SECRETS_DIR) or None
    if secrets_dir is not None and not Path(secrets_dir).is_dir():
        print(f"{SECRETS_DIR}: there is no folder {secrets_dir}", file=sys.stderr)  # noqa: T201
        sys.exit(2)
    try:
        return settings(_secrets_dir=secrets_dir)
    except ValidationError as error:
        prefix = settings.model_config.get("env_prefix", "")
        for problem in error.errors(include_input=False, include_url=False):
            print(_line(prefix, problem["loc"], problem["msg"]), file=sys.stderr)  # noqa: T201 logs are not up yet
        sys.exit(2)


def _line(prefix: str, place: Sequence[int | str], said: str) -> str:
    # what is wrong with several settings together names them itself
    name = f"{prefix}{place[0]}".upper() + ": " if place else ""
    return name + said.removeprefix("Value error, ")
