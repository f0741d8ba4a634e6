"""The API's documentation at `/docs`: Swagger UI, served from this package so that it works without internet."""

from collections.abc import Awaitable, Callable
from importlib import resources
from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

_HTML: Final = "text/html; charset=utf-8"
_SCRIPT: Final = "text/javascript; charset=utf-8"

# path, file below static/, media type; the page uses relative URLs, so that it works behind a prefix
_FILES: Final = (
    ("/docs", "docs.html", _HTML),
    ("/docs/start.js", "start.js", _SCRIPT),
    ("/docs/swagger-ui-bundle.js", "swagger-ui/swagger-ui-bundle.js", _SCRIPT),
    ("/docs/swagger-ui.css", "swagger-ui/swagger-ui.css", "text/css; charset=utf-8"),
    ("/docs/favicon-32x32.png", "swagger-ui/favicon-32x32.png", "image/png"),
)

DESCRIPTION: Final = """Create SMS and WhatsApp campaigns, send them, and follow their progress.

Every response that is not 2xx has the same body, an `error` with a `code` for programs and a `message` for people.
Later versions may add fields and codes: ignore those that you do not know. Times are in RFC 3339 format."""

TAGS: Final = [
    {"name": "campaigns", "description": "Create, read, change and delete campaigns"},
    {"name": "sending", "description": "Send a campaign, control it, preview its text, and list its messages"},
    {"name": "dry runs", "description": "Render a whole campaign without sending it"},
    {"name": "customers", "description": "Create, read, change and delete customers"},
    {"name": "imports", "description": "Import customers from files"},
    {"name": "segments", "description": "Filters of customers that are saved under a name"},
    {"name": "audiences", "description": "How many customers an audience has"},
]

_HEADERS: Final = {
    # Swagger UI sets styles by script; it loads and asks nothing from another host
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:;"
        " font-src data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "max-age=3600",
}


def documentation_routes() -> list[Route]:
    """The documentation page and the files that it needs."""
    static = resources.files("campaign_api") / "static"
    return [Route(path, _serving((static / file).read_bytes(), kind), methods=["GET"]) for path, file, kind in _FILES]


def _serving(content: bytes, media_type: str) -> Callable[[Request], Awaitable[Response]]:
    async def serve(_request: Request) -> Response:
        return Response(content, media_type=media_type, headers=_HEADERS)

    return serve
