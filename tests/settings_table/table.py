"""The table of all settings, as Markdown between two markers of the README."""

from enum import Enum
from pathlib import Path
from typing import Any, Final

from pydantic_settings import BaseSettings

from campaign_api.settings import ApiSettings
from dispatcher.settings import DispatcherSettings
from leopard.settings import SECRETS_DIR, MigrationSettings
from sender_worker.settings import WorkerSettings

README: Final = Path(__file__).parents[2] / "README.md"
BEGIN: Final = "<!-- settings: written by make settings-table -->\n"
END: Final = "<!-- end of settings -->\n"

_PROGRAMS: Final[dict[str, type[BaseSettings]]] = {
    "campaign-api": ApiSettings,
    "dispatcher": DispatcherSettings,
    "sender-worker": WorkerSettings,
    "`leopard migrate`": MigrationSettings,
}
_SERVICES: Final = 3
_FOLDER: Final = (
    f"| `{SECRETS_DIR}` | | all | Folder with files named after the secret settings, such as `leopard_database_url`;"
    " a variable takes precedence over its file |"
)


def settings_table() -> str:
    """Return the table, with one row for each variable: name, defaults, programs that read it, and description."""
    found: dict[str, list[tuple[str, Any]]] = {}
    for program, settings in _PROGRAMS.items():
        for name, field in settings.model_fields.items():
            found.setdefault(name, []).append((program, field))
    rows = [_row(name, uses) for name, uses in found.items()]
    return "\n".join(["| variable | default | for | description |", "|---|---|---|---|", *rows, _FOLDER]) + "\n"


def with_table(readme: str) -> str:
    """Return the README with the current table."""
    before, rest = readme.split(BEGIN)
    after = rest.split(END)[1]
    return f"{before}{BEGIN}{settings_table()}{END}{after}"


def _row(name: str, uses: list[tuple[str, Any]]) -> str:
    defaults = list(dict.fromkeys(_default(field) for _, field in uses))
    descriptions = {field.description for _, field in uses}
    if len(descriptions) > 1:
        msg = f"{name} has several descriptions: {descriptions}"
        raise ValueError(msg)
    default = ", ".join(defaults) if len(defaults) == 1 else ", ".join(_default(field) for _, field in uses)
    programs = "all" if len(uses) >= _SERVICES else ", ".join(program for program, _ in uses)
    return f"| `LEOPARD_{name.upper()}` | {default} | {programs} | {descriptions.pop()} |"


def _default(field: Any) -> str:
    if field.is_required():
        return "required"
    value = field.default.value if isinstance(field.default, Enum) else field.default
    return "" if value is None or value == frozenset() else f"`{value}`"
