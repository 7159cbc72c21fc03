"""``quartier browse`` and ``read opcua``: nodes and values of an OPC UA server, without a site file."""

import argparse
import asyncio
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.text import Text
from rich.tree import Tree

from quartier.cli.rendering import output
from quartier_drivers.errors import WireError
from quartier_drivers.opcua import reader

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from quartier_drivers.device_rows import DeviceReadout
    from quartier_drivers.opcua.bus_section import OpcuaBus
    from quartier_drivers.opcua.profile import OpcuaProfile
    from quartier_drivers.opcua.reader import BrowsedNode

_LOGIN_KEYS = (
    "user",
    "password_file",
    "user_cert_file",
    "user_key_file",
    "policy",
    "mode",
    "insecure_policy",
    "timeout_s",
)


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


def run_read_opcua(options: argparse.Namespace) -> int:
    """Print every variable of a server with its value, as ``quartier read sunspec`` does of models."""
    found = _read_tree(options, everything=False, start="", depth=16)
    if found is None:
        return 1
    variables = [(path, one) for path, one in found.flat() if one.kind == "Variable"]
    if options.json:
        output.print_json(
            [
                {"path": path, **{key: value for key, value in asdict(one).items() if key != "below"}}
                for path, one in variables
            ]
        )
        return 0
    cells = (
        (
            path.partition("/")[2],
            one.value,
            one.type_name,
            "writable" if one.writable else "",
            one.status,
            one.node,
        )
        for path, one in variables
    )
    output.make_console().print(
        output.make_table("", ("variable", ">value", "type", "", "status", "node"), cells)
    )
    return 0


def read_profile_rows(
    options: argparse.Namespace, profile: "OpcuaProfile"
) -> "Coroutine[Any, Any, DeviceReadout]":
    """Return a coroutine that reads the points of a profile."""
    return reader.read_once(make_section(options), profile)


def make_section(options: argparse.Namespace) -> "OpcuaBus":
    """Return what the command line says of the server and of who we are.  Raises ConfigError."""
    given = {key: getattr(options, key) for key in _LOGIN_KEYS if getattr(options, key) is not None}
    for key in ("password_file", "user_cert_file", "user_key_file"):
        if key in given:
            given[key] = _make_absolute(given[key])
    anonymous = options.anonymous or not {"user", "user_cert_file"} & given.keys()
    pki = str((options.state_dir / options.pki).absolute())
    return reader.make_section(options.url, {**given, "anonymous": anonymous, "pki": pki})


def _make_absolute(reference: str) -> str:
    return reference if reference.startswith("credential:") else str(Path(reference).absolute())


def _read_tree(
    options: argparse.Namespace, *, everything: bool, start: str, depth: int
) -> "BrowsedNode | None":
    try:
        return asyncio.run(reader.read_tree(make_section(options), start, depth, everything=everything))
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
