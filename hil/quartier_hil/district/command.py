"""``quartier-hil keys``, ``certs`` and ``acl``: what a district hands out to its gateways and its broker."""

import argparse
import datetime as dt
import sys
import time
from pathlib import Path

from quartier_hil.district.access import acl
from quartier_hil.district.authority import Authority
from quartier_hil.district.keyfolder import DAY_MS, LIST, ROLES, KeyFolder, public


def parsers(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the three commands."""
    _keys(
        commands.add_parser(
            "keys",
            help="a district's root, keys and signed key list; roll-over",
            description="Makes and rolls over the keys of a district in a folder. FOLDER/keys.jws is what "
            "gateways take, as issuers_file or by a job; `quartier keys check` judges it.",
        )
    )
    _certs(
        commands.add_parser(
            "certs",
            help="certificates for a broker, a host and gateways",
            description="Issues certificates of an authority in the folder, made when it is not there.",
        )
    )
    _acl(
        commands.add_parser(
            "acl",
            help="mosquitto's access list for gateways",
            description="Prints the access list for mosquitto's acl_file: each gateway writes and reads its "
            "own topics, nothing else. Needs use_identity_as_username true.",
        )
    )


def _keys(parser: argparse.ArgumentParser) -> None:
    verbs = parser.add_subparsers(required=True, metavar="VERB")
    new = verbs.add_parser("new", help="a root, a key for each role, and the list")
    new.add_argument("folder", type=Path, metavar="FOLDER")
    new.add_argument("--group", default="issy", help="name of the district [%(default)s]")
    new.set_defaults(command=_new, needed=())
    roll = verbs.add_parser("roll", help="the next key of a role; the one before lives on for a while")
    roll.add_argument("folder", type=Path, metavar="FOLDER")
    roll.add_argument("role", choices=tuple(ROLES))
    roll.add_argument("--overlap-days", type=float, default=30.0, help="[%(default)g]")
    roll.set_defaults(command=_roll, needed=())
    drop = verbs.add_parser("drop", help="take a key off the list at once")
    drop.add_argument("folder", type=Path, metavar="FOLDER")
    drop.add_argument("kid", metavar="KID")
    drop.set_defaults(command=_drop, needed=())


def _certs(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", type=Path, metavar="FOLDER")
    parser.add_argument("gateways", nargs="*", metavar="EDGE", help="buildings, such as b012")
    parser.add_argument("--group", default="issy", help="name of the district [%(default)s]")
    parser.add_argument("--broker", metavar="NAME", help="the broker's name in the network")
    parser.add_argument("--host", metavar="NAME", help="the district's host, as another client")
    parser.add_argument("--days", type=float, default=365.0, help="validity [%(default)g]")
    parser.set_defaults(command=_issue, needed=())


def _acl(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("gateways", nargs="+", metavar="EDGE", help="buildings, such as b012")
    parser.add_argument("--group", default="issy", help="name of the district [%(default)s]")
    parser.add_argument("--host", default="district", help="its Sparkplug host and user [%(default)s]")
    parser.set_defaults(command=_access, needed=())


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


def _new(options: argparse.Namespace) -> int:
    try:
        made = KeyFolder.new(options.folder, options.group, _now_ms())
    except OSError as error:
        return _failed(str(error))
    print(f"{options.folder / LIST} is signed.  In the site file of each gateway, under district_link:")
    print(f'root_keys = ["{public(made.root)}"]')
    return 0


def _roll(options: argparse.Namespace) -> int:
    try:
        kid = KeyFolder(options.folder).roll(options.role, _now_ms(), int(options.overlap_days * DAY_MS))
    except OSError as error:
        return _failed(str(error))
    print(f"{kid} is on the list; bring {options.folder / LIST} to the gateways before it is used")
    return 0


def _drop(options: argparse.Namespace) -> int:
    try:
        KeyFolder(options.folder).drop(options.kid, _now_ms())
    except OSError as error:
        return _failed(str(error))
    except KeyError as error:
        return _failed(str(error.args[0]))
    print(f"{options.kid} is off the list; bring {options.folder / LIST} to the gateways")
    return 0


def _issue(options: argparse.Namespace) -> int:
    valid = dt.timedelta(days=options.days)
    try:
        authority = Authority(options.folder, dt.datetime.now(dt.UTC))
        pairs = [authority.gateway(options.group, edge, valid) for edge in options.gateways]
        if options.broker:
            pairs.append(authority.broker(options.broker, valid))
        if options.host:
            pairs.append(authority.client(options.host, valid))
    except (OSError, ValueError, TypeError) as error:
        return _failed(str(error))
    for pair in pairs:
        print(pair.cert_file)
    return 0


def _access(options: argparse.Namespace) -> int:
    print(acl(options.group, options.gateways, options.host), end="")
    return 0


def _failed(why: str) -> int:
    print(f"quartier-hil: {why}", file=sys.stderr)
    return 2
