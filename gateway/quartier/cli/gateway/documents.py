"""``quartier documents``: the companion topics as a table or JSON Schema, and generated parts of pages."""

import argparse
import re
import sys
import textwrap
from pathlib import Path

from quartier.cli.rendering import output
from quartier.config.checks.similar_names import suggest_names
from quartier.district.documents import companion_namespace
from quartier_drivers.device_profile import loading

DOCUMENTS_PAGE = "companion.md"
ASSETS_FOLDER = "assets"
TABLE_BEGIN, TABLE_END = "<!-- made by quartier documents --write -->\n", "<!-- end -->\n"
_PROFILE_LIST = re.compile(
    r"(<!-- profiles that take (\w+), made by quartier documents --write -->\n).*?(<!-- end -->\n)", re.DOTALL
)
_PAGE_COLUMNS = 100


def run_documents(options: argparse.Namespace) -> int:
    """Print the table or one schema, or write all schemas and the generated parts of the pages anew."""
    if options.write is not None:
        return _write_pages(options.write)
    found = {row.name: row for row in companion_namespace.iterate_rows()}
    if options.name is None:
        columns = ("document", "topic", "way", ">QoS", "retained", "expiry", "confirmed by")
        output.make_console().print(output.make_table("", columns, map(_make_cells, found.values())))
        return 0
    if options.name not in found:
        print(
            f"no document is called {options.name};"
            f" {suggest_names(options.name, [*found], 'quartier documents')}",
            file=sys.stderr,
        )
        return 1
    output.print_json(found[options.name].schema)
    return 0


def _make_cells(row: companion_namespace.MessageRow) -> tuple[str, ...]:
    retained = "yes" if row.retained else "no"
    return row.name, row.topic or "–", row.way, str(row.qos), retained, row.expiry, row.confirmed


def _write_pages(folder: Path) -> int:
    """Write the page's table between its marks, and a file for each schema; delete other schemas there."""
    schemas, page = folder / "schemas", folder / DOCUMENTS_PAGE
    schemas.mkdir(parents=True, exist_ok=True)
    texts = companion_namespace.make_schemas()
    for path in schemas.glob("*.json"):
        if path.name not in texts:
            path.unlink()
    for name, text in texts.items():
        (schemas / name).write_text(text, encoding="utf-8")
    if page.exists():
        page.write_text(fill_page(page.read_text(encoding="utf-8")), encoding="utf-8")
    for page in sorted((folder / ASSETS_FOLDER).glob("*.md")):
        page.write_text(fill_profile_lists(page.read_text(encoding="utf-8")), encoding="utf-8")
    return 0


def fill_page(page: str) -> str:
    """Return the page with its table made anew."""
    before, _, rest = page.partition(TABLE_BEGIN)
    after = rest.partition(TABLE_END)[2]
    return f"{before}{TABLE_BEGIN}{companion_namespace.render_table()}{TABLE_END}{after}" if rest else page


def fill_profile_lists(page: str) -> str:
    """Return the page with each list of the built-in profiles that take an order made anew."""
    return _PROFILE_LIST.sub(lambda found: f"{found[1]}{render_profile_list(found[2])}{found[3]}", page)


def render_profile_list(quantity: str) -> str:
    """Return the built-in profiles that take orders for a quantity, as lines of a page."""
    names = [
        name
        for name in loading.list_profiles()
        if any(
            part[quantity].writable for part in loading.load_profile(name).parts.values() if quantity in part
        )
    ]
    text = f"Profiles that take `{quantity}`: {', '.join(f'`{name}`' for name in names) or 'none'}."
    return textwrap.fill(text, _PAGE_COLUMNS, break_on_hyphens=False, break_long_words=False) + "\n"
