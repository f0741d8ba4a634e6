"""`leopard customers import` sends a file or standard input, and says what became of it."""

import io
import json
from pathlib import Path
from types import SimpleNamespace

import pytest

from leopard.cli.main import main
from leopard.db.pool import Connection
from running_api import Service
from support.factories import rows

CONTENT = "Handy,first_name,nr\n+254700000001,Ann,0012\n2.547E+11,Ben,0013\n0700000003,Cem,0014\n"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "customers.csv"
    path.write_text(CONTENT)
    return path


async def test_a_file_is_imported_and_its_rejects_are_written(
    service: Service, connection: Connection, file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rejects = tmp_path / "rejects.csv"
    arguments = ["--url", service.url, "--default-country", "KE", "--type", "nr:text", "--rejects", str(rejects)]
    assert main(["customers", "import", str(file), *arguments]) == 0
    shown = capsys.readouterr().out
    assert "3 rows imported" in shown
    assert "row 3: Handy was shortened by a spreadsheet" in shown
    assert rejects.read_text().splitlines()[1].startswith('2.547E+11,Ben,0013,"row 3: Handy was shortened')
    found = await rows(connection, "SELECT phone, attributes FROM customers ORDER BY id")
    assert found == [
        {"phone": "+254700000001", "attributes": {"nr": "0012"}},
        {"phone": "+254700000003", "attributes": {"nr": "0014"}},
    ]


async def test_standard_input_is_imported(
    service: Service, connection: Connection, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(CONTENT.encode())))
    monkeypatch.setenv("LEOPARD_API_URL", service.url)
    assert main(["customers", "import", "-", "--dry-run", "--json"]) == 0
    done = json.loads(capsys.readouterr().out)
    assert (done["dry_run"], done["created"], done["rejected"]) == (True, 1, 2)
    assert await rows(connection, "SELECT FROM customers") == []


@pytest.mark.parametrize(
    ("content", "arguments", "words"),
    [
        ("name\nAnn\n", [], "No column is named phone"),
        ("name\n" + "Ann\n" * 3_000_000, [], "No column is named phone"),
        (CONTENT, ["--mode", "replace"], "mode"),
    ],
)
def test_a_refused_file_ends_with_its_reason(
    service: Service, file: Path, content: str, arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    file.write_text(content)
    assert main(["customers", "import", str(file), "--url", service.url, *arguments]) == 1
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith(str(file))
    assert words in line


@pytest.mark.parametrize("name", ["missing.csv", "customers.csv"])
def test_a_file_or_an_api_that_is_not_there_is_named(file: Path, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["customers", "import", str(file.with_name(name)), "--url", "http://127.0.0.1:1"]) == 1
    [line] = capsys.readouterr().err.splitlines()
    assert name in line
