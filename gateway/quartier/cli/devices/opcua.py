"""``quartier browse``: nodes and values of an OPC UA server, without a site file."""

import argparse
import asyncio
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING

from rich.text import Text
from rich.tree import Tree

from quartier.cli.rendering import output
from quartier_drivers.errors import WireError
from quartier_drivers.opcua import device_listing, reader

if TYPE_CHECKING:
    from quartier_drivers.opcua.reader import BrowsedNode


def run_browse(options: argparse.Namespace) -> int:
    """Print the tree of a server; exit 1 when it does not let us in, saying what helps."""
    found = _read_tree(options, everything=options.all, start=options.node, depth=options.depth)
    if found is None:
        return 1
    if options.json:
        output.print_json(asdict(found))
    else:
        output.make_console().print(_make_tree(found))
    return 0


def _read_tree(
    options: argparse.Namespace, *, everything: bool, start: str, depth: int
) -> "BrowsedNode | None":
    try:
        return asyncio.run(
            reader.read_tree(
                device_listing.make_section(options.url, vars(options)), start, depth, everything=everything
            )
        )
    except WireError as error:
        print(error, file=sys.stderr)
        return None


def _make_tree(branch: "BrowsedNode") -> Tree:
    made = Tree(_render_label(branch), guide_style="dim")
    for one in branch.below:
        made.children.append(_make_tree(one))
    return made


def _render_label(branch: "BrowsedNode") -> Text:
    words = Text(branch.name or branch.node, style="bold" if branch.below else "")
    if branch.kind == "Variable":
        words.append(f" = {branch.value or '–'}", style="green" if not branch.status else "red")
        words.append(
            f"  {branch.type_name}{', writable' if branch.writable else ''}{_describe_status(branch)}",
            style="dim",
        )
    elif branch.kind != "Object":
        words.append(f"  {branch.kind}", style="dim")
    words.append(f"  {branch.node}", style="cyan")
    return words


def _describe_status(branch: "BrowsedNode") -> str:
    return f", {branch.status}" if branch.status else ""
