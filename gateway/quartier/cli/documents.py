"""``quartier documents``: what goes over the companion topics, as a table or as JSON Schema."""

import argparse
import sys
from pathlib import Path

from quartier.cli import output
from quartier.config.checks.similar_names import suggest_names
from quartier.district.documents import companion_namespace

PAGE = "companion.md"
BEGIN, END = "<!-- made by quartier documents --write -->\n", "<!-- end -->\n"


def documents(options: argparse.Namespace) -> int:
    """Print the table or one schema, or write the page's table and all schemas anew."""
    if options.write is not None:
        return _write(options.write)
    found = {row.name: row for row in companion_namespace.iterate_rows()}
    if options.name is None:
        columns = ("document", "topic", "way", ">QoS", "retained", "expiry", "confirmed by")
        output.console().print(output.table("", columns, map(_cells, found.values())))
        return 0
    if options.name not in found:
        print(
            f"no document is called {options.name};"
            f" {suggest_names(options.name, [*found], 'quartier documents')}",
            file=sys.stderr,
        )
        return 1
    output.dump(found[options.name].schema)
    return 0


def _cells(row: companion_namespace.MessageRow) -> tuple[str, ...]:
    retained = "yes" if row.retained else "no"
    return row.name, row.topic or "–", row.way, str(row.qos), retained, row.expiry, row.confirmed


def _write(folder: Path) -> int:
    """The page's table between its marks, and a file for each schema; others there go."""
    schemas, page = folder / "schemas", folder / PAGE
    schemas.mkdir(parents=True, exist_ok=True)
    texts = companion_namespace.make_schemas()
    for path in schemas.glob("*.json"):
        if path.name not in texts:
            path.unlink()
    for name, text in texts.items():
        (schemas / name).write_text(text, encoding="utf-8")
    if page.exists():
        page.write_text(filled(page.read_text(encoding="utf-8")), encoding="utf-8")
    return 0


def filled(page: str) -> str:
    """The page with its table made anew."""
    before, _, rest = page.partition(BEGIN)
    after = rest.partition(END)[2]
    return f"{before}{BEGIN}{companion_namespace.render_table()}{END}{after}" if rest else page
