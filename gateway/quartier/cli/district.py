"""The grammar of ``quartier keys`` and ``quartier documents``."""

from pathlib import Path
from typing import TYPE_CHECKING

from quartier.cli.grammar import command, in_json, runtime, state
from quartier.cli.places import CONFIG

if TYPE_CHECKING:
    import argparse


def parsers(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add both."""
    _keys(commands)
    _documents(commands)


def _keys(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    keys = command(
        commands,
        "keys",
        "show who may sign documents of the district, or check a key list",
        "show          each key: what it may sign, from when until when, last use, fingerprint (default)\n"
        "check FILE    judge a list as the daemon would: its root's signature, its number, every key\n"
        "Asks the daemon; without one it reads the site file and the state directory.\n"
        "example: quartier keys check keys.jws\n"
        "         quartier keys check keys.jws --district issy --root 11qYAYKx…\n\n"
        "Exit codes: 0 well · 1 no district · 2 wrong use · 78 the list cannot be used.",
    )
    keys.add_argument("what", nargs="?", default="show", choices=("show", "check"), help="default: show")
    keys.add_argument("file", nargs="?", type=Path, metavar="FILE", help="check: the list")
    keys.add_argument(
        "--config", type=Path, default=CONFIG, metavar="FILE", help="the site file (default: %(default)s)"
    )
    keys.add_argument(
        "--root", action="append", default=[], metavar="KEY", help="check: by this root, without a site file"
    )
    keys.add_argument("--district", metavar="NAME", help="check: and for this district")
    in_json(keys)
    state(keys)
    runtime(keys)
    keys.set_defaults(run="keys:keys")


def _documents(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    documents = command(
        commands,
        "documents",
        "list what goes over the district's companion topics, or print the JSON Schema of one",
        "example: quartier documents envelope > envelope.json",
    )
    documents.add_argument("name", nargs="?", metavar="NAME", help="whose schema to print")
    documents.add_argument(
        "--write", type=Path, metavar="DIR", help="write the schemas and the page's table anew (gateway/docs)"
    )
    documents.set_defaults(run="documents:documents")
