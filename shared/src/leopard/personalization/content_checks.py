"""Checks rich content when a campaign is created or changed: the limits that hold whatever the recipients' values."""

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Final

from leopard.domain.statuses import Channel
from leopard.personalization.content import ButtonType, ParameterType, RichContent
from leopard.personalization.content_parts import BODY, ContentError, Part, Rule, parts_of
from leopard.templates.language import parse_template
from leopard.templates.tree import Body, Field, If, Node, Quoted, Text

_MOST_OF_A_TYPE: Final[Mapping[str, int]] = {ButtonType.URL: 2, ButtonType.CALL: 1, ParameterType.COPY_CODE: 1}
"""The most buttons of a type. For others the limit of all buttons holds."""


def check_channel(channel: str) -> None:
    """Refuse content on a channel that has none.

    Raises:
        ContentError: The channel takes only texts.
    """
    if channel != Channel.WHATSAPP:
        raise ContentError("content", f"needs the channel {Channel.WHATSAPP}")


def check_content(content: RichContent, known: frozenset[str], bodies: Mapping[str, str] | None = None) -> None:
    """Refuse content that no recipient could get.

    Args:
        content: The content.
        known: The names that are placeholders, from `known_names`.
        bodies: The texts of the campaign, each of which stands between header and footer, by the names that errors use.

    Raises:
        ContentError: A part breaks a limit.
        TemplateError: A part does not parse.
    """
    _check_buttons("content.buttons", [button.type for button in content.buttons])
    if content.template is not None:
        buttons = content.template.buttons
        _check_buttons("content.template.buttons", [button.type for button in buttons], together=False)
        if len({button.index for button in buttons}) < len(buttons):
            raise ContentError("content.template.buttons", "has two parameters with the same index")
    for part in parts_of(content):
        _check_part(part, parse_template(part.template, known).tree)
    if content.template is None:
        for name, body in (bodies or {}).items():
            if problem := _problem_of_length(BODY, parse_template(body, known).tree):
                raise ContentError(name, problem)


def _check_buttons(name: str, types: Sequence[str], *, together: bool = True) -> None:
    for kind, most in _MOST_OF_A_TYPE.items():
        if (count := types.count(kind)) > most:
            raise ContentError(name, f"has {count} buttons of type {kind}, and the limit is {most}")
    if together and len([*groupby(types, lambda kind: kind == ButtonType.REPLY)]) > 2:
        raise ContentError(name, "must have its buttons of type reply together, before or after all others")


def _check_part(part: Part, tree: Body) -> None:
    variables = [position for position, node in enumerate(tree) if isinstance(node, Field | If)]
    if not variables:
        problem = part.rule.problem_of(_fixed(tree))
    else:
        beginning = _fixed(tree[: variables[0]])
        problem = (
            _problem_of_variables(part.rule, variables, len(tree))
            or _problem_of_beginning(part.rule, beginning)
            or _problem_of_length(part.rule, tree)
        )
    if problem is not None:
        raise ContentError(part.name, problem)


def _problem_of_variables(rule: Rule, variables: Sequence[int], nodes: int) -> str | None:
    if rule.variables == 0:
        return "must not have placeholders or conditions"
    if rule.variables is not None and len(variables) > rule.variables:
        return f"has {len(variables)} placeholders and conditions, and the limit is {rule.variables}"
    if rule.variable_at_end and variables[-1] != nodes - 1:
        return "must have its placeholder or condition at the end"
    return None


def _problem_of_beginning(rule: Rule, beginning: str) -> str | None:
    begins = beginning.lower()
    if not rule.begins or begins.startswith(rule.begins) or any(one.startswith(begins) for one in rule.begins):
        return None
    return f"must begin with {' or '.join(rule.begins)}"


def _problem_of_length(rule: Rule, tree: Body) -> str | None:
    problem = rule.too_long(_shortest(tree))
    return f"{problem}, even where every placeholder is empty" if problem else None


def _shortest(body: Body) -> int:
    """The characters that every recipient's text has at least."""
    return sum(map(_shortest_node, body))


def _shortest_node(node: Node) -> int:
    match node:
        case Text(text) | Quoted(text):
            return len(text)
        case If(branches, otherwise):
            return min(_shortest(otherwise), *(_shortest(branch.body) for branch in branches))
        case _:
            return 0


def _fixed(body: Body) -> str:
    return "".join(node.text for node in body if isinstance(node, Text | Quoted))
