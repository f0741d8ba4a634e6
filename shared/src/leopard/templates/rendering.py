"""Template parsing and rendering: `{field}` is replaced by a value of the customer.

The API's preview and the worker use the same functions, so both give the same bytes.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from leopard.templates.field_names import FIELDS
from leopard.templates.problems import TemplateError

_BRACE: Final = re.compile(r"[{}]")


@dataclass(frozen=True, slots=True)
class Template:
    """A parsed template: literals and fields alternate, starting and ending with a literal."""

    literals: tuple[str, ...]
    fields: tuple[str, ...]
    unknown: tuple[str, ...]
    """Placeholders that are no field, each once, in the order of the text. Rendering keeps them unchanged."""

    def render(self, values: Mapping[str, str | None]) -> str:
        """Render the text for one customer. Placeholders inside a value are not replaced.

        A field that is missing, null or empty gives an empty string.
        """
        parts = [self.literals[0]]
        for field, literal in zip(self.fields, self.literals[1:], strict=True):
            parts.append(values.get(field) or "")
            parts.append(literal)
        return "".join(parts)


@lru_cache(maxsize=1024)
def parse_template(text: str) -> Template:
    """Parse a template.

    Only the innermost pair of braces is a placeholder. Braces around it are ordinary text.

    Raises:
        TemplateError: A brace has no counterpart.
    """
    literals: list[str] = []
    fields: list[str] = []
    unknown: dict[str, None] = {}
    opened: list[int] = []
    innermost: int | None = None
    literal_from = 0
    for brace in _BRACE.finditer(text):
        position = brace.start()
        if brace.group() == "{":
            opened.append(position)
            innermost = position
            continue
        if not opened:
            raise TemplateError("'}' closes nothing", text, position)
        start = opened.pop()
        if start != innermost:
            continue
        innermost = None
        name = text[start + 1 : position]
        if name in FIELDS:
            literals.append(text[literal_from:start])
            fields.append(name)
            literal_from = position + 1
        else:
            unknown[name] = None
    if opened:
        raise TemplateError("'{' is never closed", text, opened[-1])
    literals.append(text[literal_from:])
    return Template(tuple(literals), tuple(fields), tuple(unknown))
