"""Checks templates of campaigns, and says what is wrong with them."""

from campaign_api.web.errors import ApiError, ErrorCode
from leopard.templates.problems import TemplateError
from leopard.templates.rendering import parse_template


def check_template(text: str) -> None:
    """Refuse a template that cannot be rendered.

    Raises:
        ApiError: INVALID_TEMPLATE, and where it goes wrong.
    """
    try:
        parse_template(text)
    except TemplateError as error:
        raise ApiError(ErrorCode.INVALID_TEMPLATE, f"The template does not parse: {error}") from None


def template_warnings(text: str) -> list[str]:
    """Warnings about a template: unknown placeholders, or that this version cannot parse it."""
    try:
        return [f"Unknown placeholder {{{name}}}" for name in parse_template(text).unknown]
    except TemplateError as error:
        return [f"The template does not parse in this version: {error}"]
