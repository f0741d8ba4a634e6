"""The documentation page loads nothing from other hosts, and its files match the published checksums."""

import hashlib
import re
from importlib import resources
from urllib.parse import urljoin

import httpx2
import pytest

STATIC = resources.files("campaign_api") / "static"


@pytest.mark.parametrize("prefix", ["", "/behind/a/prefix"])
async def test_the_page_and_its_files_come_from_this_server(client: httpx2.AsyncClient, prefix: str) -> None:
    page = await client.get("/docs")
    assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    start = await client.get("/docs/start.js")
    named = re.findall(r'(?:src|href)="([^"]*)"', page.text) + re.findall(r'url: "([^"]*)"', start.text)
    assert len(named) == 5
    for text in (page.text, start.text):
        assert not re.search(r"https?:|//[a-z]", text.replace("// it would ask", ""))
    for reference in named:
        url = urljoin(f"http://leopard{prefix}/docs", reference)
        assert url.startswith(f"http://leopard{prefix}/")
        found = await client.get(url.replace(prefix, "") if prefix else url)
        assert found.status_code == 200, url
        assert found.content


async def test_the_content_security_policy_allows_only_this_server(client: httpx2.AsyncClient) -> None:
    policy = (await client.get("/docs")).headers["content-security-policy"]
    sources = dict(directive.split(" ", 1) for directive in re.split(r";\s*", policy))
    assert sources["default-src"] == "'none'"
    assert sources["script-src"] == sources["connect-src"] == "'self'"
    assert "http" not in policy
    assert "*" not in policy


@pytest.mark.parametrize("path", ["/redoc", "/docs/oauth2-redirect", "/docs/README.md", "/docs/../main.py"])
async def test_no_other_file_is_served(client: httpx2.AsyncClient, path: str) -> None:
    assert (await client.get(path)).status_code == 404


def test_the_files_match_the_published_checksums() -> None:
    folder = STATIC / "swagger-ui"
    lines = (line.split("  ") for line in (folder / "SHA256SUMS").read_text().splitlines())
    listed = {name: checksum for checksum, name in lines}
    assert set(listed) == {file.name for file in folder.iterdir()} - {"SHA256SUMS"}
    assert {"LICENSE", "NOTICE", "swagger-ui-bundle.js.LICENSE.txt"} <= set(listed)
    for name, checksum in listed.items():
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == checksum, name
