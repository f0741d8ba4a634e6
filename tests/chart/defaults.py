"""The chart's own copy of values.yaml, which templates can read: `make chart-defaults` writes it."""

import yaml

from chart.rendering import CHART

FILE = CHART / "templates/_defaults.tpl"
_TEMPLATE = """\
{{{{/* Written by `make chart-defaults` from values.yaml, which templates cannot read. */}}}}
{{{{- define "leopard.defaultValues" -}}}}
{}{{{{- end }}}}
"""


def defaults() -> str:
    """What the file must contain."""
    values = yaml.safe_load((CHART / "values.yaml").read_text())
    return _TEMPLATE.format(yaml.safe_dump(values, sort_keys=False, width=1000))


if __name__ == "__main__":
    FILE.write_text(defaults())
