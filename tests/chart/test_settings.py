"""Every setting of every service can be given by values, under its own name and with its own default."""

import re
from typing import Any

import pytest
from pydantic_settings import BaseSettings

from campaign_api.settings import ApiSettings
from chart.rendering import Manifest, containers_of, pod_of, render
from dispatcher.settings import DispatcherSettings
from leopard.settings import SECRETS_DIR
from sender_worker.settings import WorkerSettings

SECRETS = {"database_url", "amqp_url", "http_token"}
CERTIFICATES = {f"{store}_{file}_file" for store in ("database", "amqp") for file in ("ca", "certificate", "key")}
BY_THE_CHART = {"host", "port"} | CERTIFICATES
"""The container's address and port, which users need not choose, and where files are mounted."""
SERVICES: dict[str, type[BaseSettings]] = {
    "campaign-api": ApiSettings,
    "dispatcher": DispatcherSettings,
    "sender-worker": WorkerSettings,
}
KEYS = {"campaign-api": "campaignApi", "dispatcher": "dispatcher", "sender-worker": "senderWorker"}
COMMON = {
    "log_level",
    "log_format",
    "shutdown_seconds",
    "keep_alive_seconds",
    "lease_seconds",
    "chunk_size",
    "lock_timeout_seconds",
    "statement_timeout_seconds",
    "database_pooling",
    "database_prepared_statements",
}
DERIVED = {"dedicated_queues"}
"""What the chart reads off the pools, so that dispatcher and workers agree."""
CHOSEN_HERE = {"log_format": "json"}
"""Defaults of the chart that differ from the service's: a container's log is not read on a terminal."""


def config_map(values: dict[str, Any], service: str) -> dict[str, str]:
    [data] = [
        one["data"]
        for one in render(values)
        if one["kind"] == "ConfigMap" and re.search(rf"-{service}(-default)?$", one["metadata"]["name"])
    ]
    return dict(data)


def deployment(values: dict[str, Any], service: str) -> Manifest:
    [pod] = [
        pod_of(one)
        for one in render(values)
        if one["kind"] == "Deployment" and re.search(rf"-{service}(-default)?$", one["metadata"]["name"])
    ]
    assert pod is not None
    return pod


def camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(part.capitalize() for part in rest)


ALL = [(service, name) for service, settings in SERVICES.items() for name in settings.model_fields]


@pytest.mark.parametrize("service", SERVICES)
def test_no_variable_is_set_that_the_service_does_not_know(service: str) -> None:
    known = {f"LEOPARD_{name.upper()}" for name in SERVICES[service].model_fields} | {SECRETS_DIR}
    everything = {"senderWorker": {"settings": {"mockSeed": 5, "httpUrl": "http://x"}}}
    assert config_map(everything, service).keys() <= known
    pod = deployment({"senderWorker": {"httpToken": {"existingSecret": "t"}}}, service)
    [container] = pod["spec"]["containers"]
    assert {variable["name"] for variable in container["env"]} <= known


@pytest.mark.parametrize(("service", "name"), [(s, n) for s, n in ALL if n not in SECRETS | BY_THE_CHART | DERIVED])
def test_every_setting_arrives_under_its_name(service: str, name: str) -> None:
    field = SERVICES[service].model_fields[name]
    chosen: Any = {
        "log_level": "DEBUG",
        "log_format": "text",
        "provider": "http",
        "on_unknown_outcome": "fail",
        "http_url": "http://provider",
        "mock_success_rate": 0.5,
        "mock_latency_min_seconds": 0.01,
        "max_body_bytes": 4_194_305,
        "channel": "sms",
        "database_pooling": "transaction",
        "database_prepared_statements": "never",
        "sms_prices": '{"currency": "KES", "prefixes": {"254": "0.80"}}',
        "whatsapp_prices": '{"currency": "KES", "default": "1.5"}',
    }.get(name, 43)
    where: dict[str, Any] = {} if name in COMMON else {KEYS[service]: {"settings": {camel(name): chosen}}}
    values: dict[str, Any] = {"settings": {camel(name): chosen}} if name in COMMON else where
    if name == "provider":
        values["senderWorker"]["settings"]["httpUrl"] = "http://x"
    if name == "channel":
        values["senderWorker"]["pools"] = [{"name": "default"}, {"name": "rest", "settings": {"channel": ""}}]
    values["database"] = {"maxConnections": 1000}
    values.setdefault("settings", {}).setdefault("leaseSeconds", 300)
    assert config_map(values, service)[f"LEOPARD_{name.upper()}"] == str(chosen)
    assert field.description


@pytest.mark.parametrize("service", SERVICES)
def test_the_chart_s_defaults_are_the_services_own(service: str) -> None:
    data = config_map({}, service)
    for name, field in SERVICES[service].model_fields.items():
        if name in SECRETS | BY_THE_CHART | DERIVED:
            continue
        default = CHOSEN_HERE.get(name, field.default)
        given = data.get(f"LEOPARD_{name.upper()}")
        if default is None:
            assert given is None, name
        elif isinstance(default, (int, float)):
            assert given is not None
            assert float(given) == float(default), name
        else:
            assert given == getattr(default, "value", default), name


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_starts_with_what_the_chart_gives_it(service: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in config_map({}, service).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("LEOPARD_DATABASE_URL", "postgresql://x/y")
    monkeypatch.setenv("LEOPARD_AMQP_URL", "amqp://x/")
    settings = SERVICES[service]()
    port = deployment({}, service)["spec"]["containers"][0]["ports"][0]["containerPort"]
    assert settings.model_dump()["port"] == port


@pytest.mark.parametrize("service", SERVICES)
def test_secrets_are_files_where_the_service_looks_for_them(service: str) -> None:
    pod = deployment({"senderWorker": {"httpToken": {"existingSecret": "given"}}}, service)
    [container] = pod["spec"]["containers"]
    [volume] = [volume for volume in pod["spec"]["volumes"] if volume["name"] == "secrets"]
    [mount] = [mount for mount in container["volumeMounts"] if mount["name"] == "secrets"]
    assert {"name": SECRETS_DIR, "value": mount["mountPath"]} in container["env"]
    assert mount["readOnly"] is True
    files = {item["path"] for source in volume["projected"]["sources"] for item in source["secret"]["items"]}
    assert files == {f"leopard_{name}" for name in SECRETS & SERVICES[service].model_fields.keys()}


def secret_files(manifest: Manifest) -> dict[str, str]:
    pod = pod_of(manifest)
    assert pod is not None
    [volume] = [one for one in pod["spec"]["volumes"] if one["name"] == "secrets"]
    sources = [source["secret"] for source in volume["projected"]["sources"]]
    return {item["path"]: secret["name"] for secret in sources for item in secret["items"]}


CERTIFICATE_VALUES: dict[str, Any] = {
    "database": {
        "ca": {"existingConfigMap": "pg-ca", "key": "root.pem"},
        "clientCertificate": {"existingSecret": "pg-client", "keyKey": "key.pem"},
    },
    "rabbitmq": {"ca": {"existingSecret": "mq-ca"}, "clientCertificate": {"existingSecret": "mq-client"}},
}
DATABASE_FILES = {
    "LEOPARD_DATABASE_CA_FILE": ("pg-ca", "root.pem"),
    "LEOPARD_DATABASE_CERTIFICATE_FILE": ("pg-client", "tls.crt"),
    "LEOPARD_DATABASE_KEY_FILE": ("pg-client", "key.pem"),
}
BROKER_FILES = {
    "LEOPARD_AMQP_CA_FILE": ("mq-ca", "ca.crt"),
    "LEOPARD_AMQP_CERTIFICATE_FILE": ("mq-client", "tls.crt"),
    "LEOPARD_AMQP_KEY_FILE": ("mq-client", "tls.key"),
}


def certificate_files(pod: Manifest, container: Manifest) -> dict[str, tuple[str, str]]:
    """The object and the key behind each variable that names a file."""
    [volume] = [one for one in pod["spec"]["volumes"] if one["name"] == "secrets"]
    [mount] = [one for one in container["volumeMounts"] if one["name"] == "secrets"]
    sources = [next(iter(source.values())) for source in volume["projected"]["sources"]]
    mounted = {
        f"{mount['mountPath']}/{item['path']}": (source["name"], item["key"])
        for source in sources
        for item in source["items"]
    }
    return {one["name"]: mounted[one["value"]] for one in container["env"] if one["name"].endswith("_FILE")}


def test_certificates_are_mounted_in_every_container_that_connects() -> None:
    pods = [(one["kind"], pod) for one in render(CERTIFICATE_VALUES) if (pod := pod_of(one)) is not None]
    found = {
        (kind, container["name"]): certificate_files(pod, container)
        for kind, pod in pods
        if kind != "Pod"
        for container in containers_of(pod)
    }
    for (kind, name), files in found.items():
        expected = DATABASE_FILES if kind == "Job" or name == "wait-for-schema" else DATABASE_FILES | BROKER_FILES
        assert files == expected, (kind, name)
    assert {name for _, name in found} == {*SERVICES, "wait-for-schema", "migrate"}


def test_a_key_is_mounted_as_libpq_accepts_it() -> None:
    """Owned by root, readable by the group of the pod, by nobody else."""
    pod = deployment(CERTIFICATE_VALUES, "dispatcher")
    [volume] = [one for one in pod["spec"]["volumes"] if one["name"] == "secrets"]
    assert volume["projected"]["defaultMode"] == 0o440
    assert pod["spec"]["securityContext"]["fsGroup"] == pod["spec"]["securityContext"]["runAsGroup"]


def test_migrations_alone_get_a_url_past_a_pooler() -> None:
    manifests = render({"database": {"migrationSecret": {"name": "direct", "key": "url"}}})
    [job] = [secret_files(one) for one in manifests if one["kind"] == "Job"]
    assert job == {"leopard_database_url": "leopard-postgres", "leopard_migration_database_url": "direct"}
    services = [secret_files(one) for one in manifests if one["kind"] == "Deployment"]
    assert len(services) == 3
    assert all("leopard_migration_database_url" not in files for files in services)
