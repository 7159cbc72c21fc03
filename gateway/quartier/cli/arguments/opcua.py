"""Parsers of the commands for OPC UA servers, ``trust`` and ``browse``, and the options of a login."""

from pathlib import Path
from typing import TYPE_CHECKING

from quartier.cli.arguments.shared_options import (
    add_command,
    add_json_option,
    add_state_option,
    find_state_dir,
    parse_positive_seconds,
)

if TYPE_CHECKING:
    import argparse


def add_trust_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """``quartier trust``."""
    parser = add_command(
        commands,
        "trust",
        "list the certificates of OPC UA servers, accept one, or remove one",
        "A server is refused until a person compares its certificate with the one that the server shows.\n"
        "WHICH is a fingerprint (SHA-256) or its first 8 digits or more; or the URL of a server, which is\n"
        "contacted and shown.  The gateway's certificate, which the server must trust, is listed first.\n"
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
    add_json_option(parser)
    add_state_option(parser)
    parser.set_defaults(run="devices.opcua_trust:run_trust")


def add_browse_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """``quartier browse``."""
    parser = add_command(
        commands,
        "browse",
        "show the nodes of an OPC UA server as a tree, with types and values",
        "The names of nodes are as a profile takes them.  It must be trusted first: quartier trust URL.\n"
        "example: quartier browse opc.tcp://192.168.1.50:4840 --user quartier --password-file plant.pw\n"
        "         quartier browse opc.tcp://192.168.1.50:4840 --anonymous --node "
        "'nsu=http://acme/;s=Pump'\n\n"
        "Exit codes: 0 well · 1 it refuses the login, or does not answer · 78 a wrong URL, node or login.",
    )
    parser.add_argument("url", help="its endpoint, opc.tcp://HOST:PORT")
    parser.add_argument("--node", default="", metavar="NODE", help="begin here (default: the Objects folder)")
    parser.add_argument(
        "--depth", type=int, default=8, metavar="N", help="how far down (default: %(default)s)"
    )
    parser.add_argument("--all", action="store_true", help="the server's own object too")
    add_login_options(parser)
    add_json_option(parser)
    add_state_option(parser)
    parser.set_defaults(run="devices.opcua:run_browse")


def add_login_options(parser: "argparse.ArgumentParser", *, places: bool = False) -> None:
    """Add the options of a login at an OPC UA server; with ``places`` also the place of our certificate."""
    group = parser.add_argument_group("at an OPC UA server")
    group.add_argument("--user", metavar="NAME", help="user name (default: none, which is anonymous)")
    group.add_argument("--password-file", metavar="FILE", help="file with its password")
    group.add_argument("--user-cert-file", metavar="FILE", help="certificate in place of a password")
    group.add_argument("--user-key-file", metavar="FILE", help="its private key (PEM)")
    group.add_argument("--anonymous", action="store_true", help="without a user")
    policies = ("best", "Aes256_Sha256_RsaPss", "Aes128_Sha256_RsaOaep", "Basic256Sha256")
    group.add_argument("--policy", choices=policies, help="default: the strongest that is offered")
    group.add_argument("--mode", choices=("sign-and-encrypt", "sign"), help="default: sign-and-encrypt")
    insecure = ("None", "Basic256", "Basic128Rsa15")
    group.add_argument(
        "--insecure-policy", choices=insecure, help="a policy without protection, instead of --policy"
    )
    group.add_argument(
        "--timeout-s", type=parse_positive_seconds, metavar="5s", help="how long an answer may take"
    )
    group.add_argument(
        "--pki", default="opcua", metavar="DIR", help="folder of certificates (default: %(default)s)"
    )
    if places:
        group.add_argument(
            "--state-dir", type=Path, default=find_state_dir(), metavar="DIR", help="where that folder is"
        )
