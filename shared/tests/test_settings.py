"""A wrong setting prevents the start, and the error names it."""

from pathlib import Path

import pytest

from leopard.settings import ServiceSettings, read_settings


@pytest.fixture
def _configured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEOPARD_DATABASE_URL", "postgresql://leopard:secret@db/leopard")
    monkeypatch.setenv("LEOPARD_AMQP_URL", "amqp://leopard:secret@mq/")


@pytest.mark.usefixtures("_configured")
def test_settings_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEOPARD_PORT", "9000")
    settings = read_settings(ServiceSettings)
    assert settings.port == 9000
    assert settings.amqp_url.get_secret_value() == "amqp://leopard:secret@mq/"


@pytest.mark.usefixtures("_configured")
def test_a_secret_is_not_shown() -> None:
    assert "secret@" not in repr(read_settings(ServiceSettings))


@pytest.mark.usefixtures("_configured")
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "http"),
        ("PORT", "70000"),
        ("SHUTDOWN_SECONDS", "-1"),
        ("LOG_LEVEL", "loud"),
        ("DATABASE_POOL_SIZE", "0"),
    ],
)
def test_a_wrong_value_prevents_the_start(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(f"LEOPARD_{name}", value)
    with pytest.raises(SystemExit) as stopped:
        read_settings(ServiceSettings)
    assert stopped.value.code == 2
    error = capsys.readouterr().err
    assert error.startswith(f"LEOPARD_{name}: ")
    assert "secret" not in error


def test_a_missing_value_prevents_the_start(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("LEOPARD_DATABASE_URL", raising=False)
    monkeypatch.delenv("LEOPARD_AMQP_URL", raising=False)
    with pytest.raises(SystemExit):
        read_settings(ServiceSettings)
    assert "LEOPARD_DATABASE_URL: Field required" in capsys.readouterr().err


def test_every_setting_has_a_description() -> None:
    assert [name for name, field in ServiceSettings.model_fields.items() if not field.description] == []


def test_secrets_can_be_files(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "leopard_database_url").write_text("postgresql://from/file\n")
    (tmp_path / "leopard_amqp_url").write_text("amqp://from/file")
    monkeypatch.setenv("LEOPARD_SECRETS_DIR", str(tmp_path))
    monkeypatch.setenv("LEOPARD_AMQP_URL", "amqp://from/variable")
    settings = read_settings(ServiceSettings)
    assert settings.database_url.get_secret_value() == "postgresql://from/file"
    assert settings.amqp_url.get_secret_value() == "amqp://from/variable"


@pytest.mark.usefixtures("_configured")
def test_a_missing_secrets_folder_prevents_the_start(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LEOPARD_SECRETS_DIR", "/nowhere")
    with pytest.raises(SystemExit) as ended:
        read_settings(ServiceSettings)
    assert ended.value.code == 2
    assert "LEOPARD_SECRETS_DIR: there is no folder /nowhere" in capsys.readouterr().err
