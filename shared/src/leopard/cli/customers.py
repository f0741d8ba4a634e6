"""`leopard customers import`: sends a file of customers to campaign-api."""

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from leopard.cli.arguments import ApiUrl
from leopard.cli.failures import CommandError

app = typer.Typer(help="Import customers.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Import customers."""


@app.command("import")
def import_customers(
    file: Annotated[str, typer.Argument(metavar="FILE", help="A CSV or NDJSON file, also with gzip; - reads stdin.")],
    url: ApiUrl = "http://localhost:8000",
    mode: Annotated[str, typer.Option(help="upsert, create_only or update_only.")] = "upsert",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Compare only, and store nothing.")] = False,
    default_country: Annotated[str, typer.Option(help="Country of numbers without a country code: KE.")] = "",
    columns: Annotated[list[str], typer.Option("--map", metavar="COLUMN:FIELD", help="The field of a column.")] = [],  # noqa: B006 typer copies it
    types: Annotated[list[str], typer.Option("--type", metavar="FIELD:TYPE", help="The type of a new field.")] = [],  # noqa: B006
    rejects: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Where to write rejected rows, with the reason of each.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the import as JSON.")] = False,
) -> None:
    """Import customers from FILE. The same file can be imported again after a failure."""
    from leopard.cli.customer_imports import Upload, UploadError, send_file, write_rejects

    query = {"mode": mode, "dry_run": str(dry_run).lower(), "default_country": default_country}
    pairs = [(name, value) for name, value in query.items() if value]
    pairs += [("map", column) for column in columns] + [("types", kind) for kind in types]
    try:
        done = send_file(Upload(url.rstrip("/"), file, pairs))
        if rejects is not None and done["rejected"]:
            write_rejects(url.rstrip("/"), done["id"], rejects)
    except (UploadError, OSError) as error:
        raise CommandError(f"{file}: {error}") from error
    if as_json:
        json.dump(done, sys.stdout, indent=2)
        print()
        return
    _show(done)


def _show(done: dict[str, Any]) -> None:
    words = "compared" if done["dry_run"] else "imported"
    print(f"import {done['id']}: {done['rows']:,} rows {words}, {done['rows_per_second']:,.0f} a second")
    for name in ("created", "updated", "unchanged", "duplicates", "rejected"):
        print(f"  {name:<10} {done[name]:>12,}")
    for reject in done["rejects"][:10]:
        column = f"{reject['column']} " if reject["column"] else ""
        print(f"  row {reject['row']}: {column}{reject['reason']}")
    if done["rejected"] > len(done["rejects"][:10]):
        print("  and more; --rejects FILE writes them all")
