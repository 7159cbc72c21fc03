"""``quartier-hil keys``, ``certs`` and ``acl``: credentials of the district's gateways and broker."""

import argparse
import datetime as dt
import sys
import time
from pathlib import Path

from quartier_district.broker_access import CertificateAuthority, format_access_list
from quartier_district.key_folder import DAY_MS, KEY_LIST_FILE, KEY_ROLES, KeyFolder, encode_public_key


def add_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the three commands."""
    _add_keys_arguments(
        commands.add_parser(
            "keys",
            help="a district's root, keys and signed key list; roll-over",
            description="Makes and rolls over the keys of a district in a folder. FOLDER/keys.jws is what "
            "gateways take, as issuers_file or by a job; `quartier keys check` judges it.",
        )
    )
    _add_certs_arguments(
        commands.add_parser(
            "certs",
            help="certificates for a broker, a host and gateways",
            description="Issues certificates of an authority in the folder, made when it is not there.",
        )
    )
    _add_acl_arguments(
        commands.add_parser(
            "acl",
            help="mosquitto's access list for gateways",
            description="Prints the access list for mosquitto's acl_file: each gateway writes and reads its "
            "own topics, nothing else. Needs use_identity_as_username true.",
        )
    )


def _add_keys_arguments(parser: argparse.ArgumentParser) -> None:
    verbs = parser.add_subparsers(required=True, metavar="VERB")
    new = verbs.add_parser("new", help="a root, a key for each role, and the list")
    new.add_argument("folder", type=Path, metavar="FOLDER")
    new.add_argument("--group", default="issy", help="name of the district [%(default)s]")
    new.set_defaults(command=_create_keys, needed=())
    roll = verbs.add_parser("roll", help="the next key of a role; the one before lives on for a while")
    roll.add_argument("folder", type=Path, metavar="FOLDER")
    roll.add_argument("role", choices=tuple(KEY_ROLES))
    roll.add_argument("--overlap-days", type=float, default=30.0, help="[%(default)g]")
    roll.set_defaults(command=_roll_key, needed=())
    drop = verbs.add_parser("drop", help="take a key off the list at once")
    drop.add_argument("folder", type=Path, metavar="FOLDER")
    drop.add_argument("kid", metavar="KID")
    drop.set_defaults(command=_drop_key, needed=())


def _add_certs_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", type=Path, metavar="FOLDER")
    parser.add_argument("gateways", nargs="*", metavar="EDGE", help="buildings, such as b012")
    parser.add_argument("--group", default="issy", help="name of the district [%(default)s]")
    parser.add_argument("--broker", metavar="NAME", help="the broker's name in the network")
    parser.add_argument("--host", metavar="NAME", help="the district's host, as another client")
    parser.add_argument("--days", type=float, default=365.0, help="validity [%(default)g]")
    parser.set_defaults(command=_issue_certificates, needed=())


def _add_acl_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("gateways", nargs="+", metavar="EDGE", help="buildings, such as b012")
    parser.add_argument("--group", default="issy", help="name of the district [%(default)s]")
    parser.add_argument("--host", default="district", help="its Sparkplug host and user [%(default)s]")
    parser.set_defaults(command=_print_access_list, needed=())


def _read_now_ms() -> int:
    return time.time_ns() // 1_000_000


def _create_keys(options: argparse.Namespace) -> int:
    try:
        made = KeyFolder.new(options.folder, options.group, _read_now_ms())
    except OSError as error:
        return _report_error(str(error))
    print(
        f"{options.folder / KEY_LIST_FILE} is signed.  In the site file of each gateway, under district_link:"
    )
    print(f'root_keys = ["{encode_public_key(made.root)}"]')
    return 0


def _roll_key(options: argparse.Namespace) -> int:
    try:
        kid = KeyFolder(options.folder).roll(options.role, _read_now_ms(), int(options.overlap_days * DAY_MS))
    except OSError as error:
        return _report_error(str(error))
    print(f"{kid} is on the list; bring {options.folder / KEY_LIST_FILE} to the gateways before it is used")
    return 0


def _drop_key(options: argparse.Namespace) -> int:
    try:
        KeyFolder(options.folder).drop(options.kid, _read_now_ms())
    except OSError as error:
        return _report_error(str(error))
    except KeyError as error:
        return _report_error(str(error.args[0]))
    print(f"{options.kid} is off the list; bring {options.folder / KEY_LIST_FILE} to the gateways")
    return 0


def _issue_certificates(options: argparse.Namespace) -> int:
    valid = dt.timedelta(days=options.days)
    try:
        authority = CertificateAuthority(options.folder, dt.datetime.now(dt.UTC))
        pairs = [authority.gateway(options.group, edge, valid) for edge in options.gateways]
        if options.broker:
            pairs.append(authority.broker(options.broker, valid))
        if options.host:
            pairs.append(authority.client(options.host, valid))
    except (OSError, ValueError, TypeError) as error:
        return _report_error(str(error))
    for pair in pairs:
        print(pair.cert_file)
    return 0


def _print_access_list(options: argparse.Namespace) -> int:
    print(format_access_list(options.group, options.gateways, options.host), end="")
    return 0


def _report_error(why: str) -> int:
    print(f"quartier-hil: {why}", file=sys.stderr)
    return 2
