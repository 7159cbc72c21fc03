"""Parsers of ``quartier history``, ``record``, ``backup`` and ``restore``."""

import argparse
from pathlib import Path

from quartier.cli.arguments import shared_options
from quartier.cli.arguments.shared_options import SITE_FILE


def add_history_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add ``quartier history``: stored samples, while the daemon runs or not."""
    history = shared_options.add_command(
        commands,
        "history",
        "print stored samples, while the daemon runs or not",
        "TIME: 2026-11-25 or 2026-11-25T14:30, with or without +01:00 (default: the site's time zone), now,\n"
        "today, yesterday, or 2h, 15min, 3d for so long ago.  --every takes 10s, 15min, 1h, 1d;\n"
        "after a --from for so long ago its spans begin at whole quarters, hours and days.\n"
        'A mean covers only the time with good values; "partly bad": some values of the span were not good.\n'
        "If nothing was read there is no value: a dash, empty in csv, null in jsonl.\n"
        "example: quartier history --points 'grid.*' --from 1d --every 15min --format csv",
    )
    history.add_argument(
        "--points", nargs="+", default=["*"], metavar="PATTERN", help="such as 'grid.*' (default: all)"
    )
    history.add_argument("--from", dest="start", default="1h", metavar="TIME", help="default: %(default)s")
    history.add_argument("--to", dest="end", default="now", metavar="TIME", help="default: %(default)s")
    history.add_argument(
        "--every", metavar="TIME", help="one row per point and this time: mean, or last of counters"
    )
    history.add_argument(
        "--format", choices=("table", "csv", "jsonl"), default="table", help="default: %(default)s"
    )
    history.add_argument(
        "--config", type=Path, default=SITE_FILE, metavar="FILE", help="the site file (default: %(default)s)"
    )
    shared_options.add_state_option(history)
    shared_options.add_runtime_option(history)
    history.set_defaults(run="operation.history:run_history")


def add_record_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add ``quartier record``: the bytes of a bus, as they stood on its wire."""
    found = shared_options.add_command(
        commands,
        "record",
        "write the last or next frames of a bus into a file, for Wireshark and quartier-hil replay",
        "The running daemon keeps the last minute of each bus (recording in the site file).  Modbus and\n"
        "BACnet become pcapng files, which tshark and Wireshark read as they are; lines of meters become\n"
        "text: time, direction, hex and ASCII.  A recording contains the serials and addresses of your "
        "devices:\n"
        "--anonymise replaces each by another one of the same length, with correct checksums.\n"
        "example: quartier record lan                      the frames kept now\n"
        "         quartier record lan --for 60s --out fault.pcapng\n"
        "         tshark -r fault.pcapng\n\n"
        "Exit codes: 0 written · 1 no such bus, or not possible · 2 wrong use · 69 no daemon answers\n"
        "            77 this user may not ask it.",
    )
    found.add_argument("bus", metavar="BUS", help="its name in the site file")
    found.add_argument(
        "--for",
        dest="for_s",
        type=shared_options.parse_positive_duration_s,
        metavar="60s",
        help="record the next 60 s instead, Ctrl-C ends it",
    )
    found.add_argument(
        "--out", type=Path, metavar="FILE", help="where to (default: BUS-TIME.pcapng or .txt, here)"
    )
    found.add_argument("--anonymise", action="store_true", help="mask serials and addresses of devices")
    shared_options.add_runtime_option(found)
    found.set_defaults(run="installer.record:run_record")


def add_backup_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add ``quartier backup``: the whole gateway in one file."""
    found = shared_options.add_command(
        commands,
        "backup",
        "write the whole gateway into one file: site file, keys, numbers, counters, history",
        "Stop the daemon first: samples that are still in memory would be missing.  The file holds\n"
        "private keys; only its owner may read it.  It is signed with the gateway's key: note the printed\n"
        "key, because a new machine asks for it.  The file is read back and verified at the end.\n"
        "example: sudo systemctl stop quartier; sudo quartier backup /media/usb/b012.qbk\n\n"
        "Exit codes: 0 written · 1 not written · 75 a daemon runs · 78 the site file cannot be used.",
    )
    found.add_argument("file", type=Path, metavar="FILE", help="where to; the file must not exist")
    _add_place_options(found)
    found.set_defaults(run="gateway.backup:run_backup")


def add_restore_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add ``quartier restore``: restore a backup on this machine or another."""
    found = shared_options.add_command(
        commands,
        "restore",
        "restore a backup on this machine; it then replaces the gateway of the backup",
        "First the signature and every file are verified and listed; then you must confirm before anything "
        "is\n"
        "written.  Only files of the gateway are written, in the service's folders with its rights.\n"
        "Sequence numbers continue above those of the old gateway, so the clock must be synchronised.\n"
        "Never start the old one again: see the page for operators.  --check only verifies and lists.\n"
        "example: sudo quartier restore /media/usb/b012.qbk\n\n"
        "Exit codes: 0 well · 1 it must not be put here, or the file is damaged · 75 a daemon runs.",
    )
    found.add_argument("file", type=Path, metavar="FILE", help="what quartier backup wrote")
    found.add_argument("--check", action="store_true", help="verify and list it, write nothing")
    found.add_argument("--force", action="store_true", help="move existing files aside, under another name")
    found.add_argument("--yes", action="store_true", help="do not ask; for scripts")
    found.add_argument(
        "--key",
        metavar="KEY",
        help="the key that quartier backup printed; a script needs it on a new machine",
    )
    found.add_argument(
        "--without-clock",
        action="store_true",
        help="accept a clock that is not synchronised: only if it is right to the hour",
    )
    _add_place_options(found)
    found.set_defaults(run="gateway.backup:run_restore")


def _add_place_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--config", type=Path, default=SITE_FILE, metavar="FILE", help="the site file (default: %(default)s)"
    )
    shared_options.add_json_option(parser)
    shared_options.add_state_option(parser)
    shared_options.add_runtime_option(parser)
