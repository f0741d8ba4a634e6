"""The OpenAPI documents of the application, of the committed file and of the last release."""

import json
import subprocess
from pathlib import Path
from typing import Any, Final

from campaign_api.main import create_app
from campaign_api.settings import ApiSettings

PROJECT: Final = Path(__file__).parents[2]
FILE: Final = "docs/openapi.json"

Document = dict[str, Any]


def application_document() -> Document:
    """Return the document that the application serves at `/openapi.json`."""
    # no connection is made before the application starts
    settings = ApiSettings.model_validate({"database_url": "postgresql://x/x", "amqp_url": "amqp://x/"})
    return create_app(settings).openapi()


def as_text(document: Document) -> str:
    """Return the text of the file for this document."""
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def committed_text() -> str:
    """Return the text of the committed file."""
    return (PROJECT / FILE).read_text()


def released_document(project: Path = PROJECT) -> Document:
    """Return the document of the last tagged version of this branch.

    Before the first tag nothing is released and no client depends on the API. Then the committed file is used, so that
    a removal needs `make openapi` and is visible in review. The same applies to a tag without the file.
    """
    tag = _git(project, "describe", "--tags", "--abbrev=0")
    released = _git(project, "show", f"{tag}:{FILE}") if tag else None
    document: Document = json.loads(released or (project / FILE).read_text())
    return document


def _git(project: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(["git", *arguments], cwd=project, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return None
    return done.stdout.strip() if done.returncode == 0 else None
