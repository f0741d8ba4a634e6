"""A wrong URL is refused with the reason, and the reason shows no password."""

import pytest

from leopard.urls import checked_broker_url, checked_database_url, checked_http_url

PASSWORD = "s3cr3t"  # noqa: S105 not a real password


@pytest.mark.parametrize(
    "url",
    [
        f"postgresql://leopard:{PASSWORD}@db:5432/leopard",
        f"postgres://leopard:{PASSWORD}@db/leopard?sslmode=verify-full&sslrootcert=/ca.crt",
        f"postgresql://u:{PASSWORD}@a:1,b:2/db?target_session_attrs=read-write",
        f"host=a,b port=5432 user=u password='{PASSWORD} with a blank' dbname=leopard",
        "host=/var/run/postgresql dbname=leopard",
        "postgresql:///leopard?host=/var/run/postgresql",
        "postgresql://[::1]:5432/leopard",
        "service=leopard",
    ],
)
def test_every_form_that_libpq_accepts_is_accepted(url: str) -> None:
    assert checked_database_url(url) == url
    assert checked_database_url(f" {url}\n") == url


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("", "is blank"),
        (" \t", "is blank"),
        ("mysql://x/y", "mysql:// is not PostgreSQL"),
        (f"postgresql+psycopg://u:{PASSWORD}@db/leopard", "is not PostgreSQL"),
        ("localhost:5432", "neither a URL nor a list of keywords"),
        (f"db password={PASSWORD}", "cannot be read by libpq"),
        (f"postgresql://u:%zz{PASSWORD}@db/leopard", "cannot be read by libpq"),
        (f"postgresql://db/leopard?secret=@{PASSWORD}", "cannot be read by libpq"),
        (f"password=a {PASSWORD}=b", "cannot be read by libpq"),
        (f"postgresql://u:{PASSWORD}@db/leopard?ssl_mode=require", "libpq knows no parameter ssl_mode"),
        ("host=db database=leopard", "libpq knows no parameter database"),
        (f"postgresql://u:{PASSWORD}@db:port/leopard", "a port is not a number"),
        (f"postgresql://u:{PASSWORD}@db:99999/leopard", "a port is not a number"),
        ("host=a,b,c port=1,2", "has 3 hosts but 2 ports"),
        (f"postgresql://u:{PASSWORD}@db/leopard?sslmode=on", "sslmode must be one of"),
        ("host=db target_session_attrs=writable", "target_session_attrs must be one of"),
        ("host=db connect_timeout=5s", "connect_timeout must be a whole number"),
    ],
)
def test_a_database_url_that_libpq_refuses_is_refused(url: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason) as refused:
        checked_database_url(url)
    assert PASSWORD not in str(refused.value)


@pytest.mark.parametrize(
    "url",
    [
        f"amqp://leopard:{PASSWORD}@mq:5672/",
        f"amqp://leopard:{PASSWORD}@mq//",
        f"amqps://leopard:p%40{PASSWORD}@mq.example.com/vhost?heartbeat=10&cafile=/ca.crt&name=leopard",
        "amqp://leopard-mq_1",
        "amqp://[::1]:5672/%2Fvhost",
    ],
)
def test_a_valid_amqp_url_is_accepted(url: str) -> None:
    assert checked_broker_url(url) == url


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        (" ", "is blank"),
        ("localhost:5672", "does not begin with amqp:// or amqps://"),
        ("http://mq:5672/", "http:// is not one of amqp://, amqps://"),
        ("amqp://", "has no host"),
        (f"amqp://u:{PASSWORD}@:5672/", "has no host"),
        (f"amqp://u:{PASSWORD}@mq:port/", "the port is not a number"),
        (f"amqp://u:{PASSWORD}@mq:0/", "the port is not a number"),
        (f"amqp://u:{PASSWORD}@mq:70000/", "the port is not a number"),
        (f"amqp://u:{PASSWORD}@a:5672,b:5672/", "has more than one host"),
        (f"amqp://u:a/{PASSWORD}@mq/", "the port is not a number"),
        (f"amqp://u:12/{PASSWORD}@mq/", "has an @ after the host"),
        (f"amqp://u:#{PASSWORD}@mq/", "contains a #"),
        (f"amqp://u:a {PASSWORD}@mq/", "contains a space"),
        ("amqp://[::zz]/", "the host does not parse|is not IPv6"),
        (f"amqp://u:{PASSWORD}@mq/?hartbeat=10", "has an unknown parameter"),
        (f"amqp://u:{PASSWORD}@mq/?heartbeat=10s", "the parameter heartbeat has a wrong value"),
    ],
)
def test_an_amqp_url_that_the_client_would_misread_is_refused(url: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason) as refused:
        checked_broker_url(url)
    assert PASSWORD not in str(refused.value)


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:9090/messages", f"https://u:{PASSWORD}@provider.example.com/v1?to=x", "http://[::1]/"]
)
def test_a_valid_http_url_is_accepted(url: str) -> None:
    assert checked_http_url(url) == url


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("127.0.0.1:9090/messages", "does not begin with http:// or https://"),
        ("ftp://provider/", "ftp:// is not one of"),
        ("http://", "has no host"),
        ("http:///messages", "has no host"),
        ("http://provider..example.com/", "the host does not parse"),
        (f"http://u:{PASSWORD}@provider:99999/", "the port is not a number"),
        (f"http://u:{PASSWORD}@provider/a b", "contains a space"),
    ],
)
def test_an_invalid_http_url_is_refused(url: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason) as refused:
        checked_http_url(url)
    assert PASSWORD not in str(refused.value)
