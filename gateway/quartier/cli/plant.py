"""Parsers of the commands for OPC UA servers: ``trust``, ``browse``."""

from typing import TYPE_CHECKING

from quartier.cli.grammar import command, in_json, state

if TYPE_CHECKING:
    import argparse


def trust(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """``quartier trust``."""
    parser = command(
        commands,
        "trust",
        "list the certificates of OPC UA servers, accept one, or remove one",
        "A server is refused until somebody has compared its certificate with what the server itself shows.\n"
        "WHICH is a fingerprint (SHA-256) or its first 8 digits or more; or the URL of a server, which is\n"
        "looked at and shown.  Our own certificate, which the server must trust, is listed first.\n"
        "example: quartier trust opc.tcp://192.168.1.50:4840\n"
        "         quartier trust 2b647a90aace51c7\n\n"
        "Exit codes: 0 well · 1 nothing, or more than one, is meant; a server is shown, not trusted yet.",
    )
    parser.add_argument("which", nargs="?", metavar="WHICH", help="fingerprint or URL (default: list all)")
    parser.add_argument("--remove", action="store_true", help="trust it no longer")
    parser.add_argument(
        "--pki",
        default="opcua",
        metavar="DIR",
        help="the bus's folder of certificates (default: %(default)s)",
    )
    in_json(parser)
    state(parser)
    parser.set_defaults(run="trust:trust")
