"""``quartier read``: read one device without a site file."""

import argparse
import asyncio
import sys
from typing import TYPE_CHECKING

from quartier.cli.rendering import output
from quartier.config.checks.similar_names import check_profile
from quartier_drivers.device_profile import loading
from quartier_drivers.device_reports import ReadRequest
from quartier_drivers.errors import WireError
from quartier_drivers.registry import PROTOCOLS, SCANNED_PROTOCOLS, load_protocol

if TYPE_CHECKING:
    from quartier_drivers.device_rows import DeviceReadout

WRONG_PROFILE_HINT = (
    "it answers, but has nothing that the profile reads; quartier scan modbus names the profiles that fit it"
)


def run_read(options: argparse.Namespace) -> int:
    """Read one device once, naming what to check.

    Exit 1 when it does not answer, has nothing to read, or does not look like the profile.
    """
    if options.profile in PROTOCOLS and load_protocol(options.profile).listing:
        return _list_device(options)
    try:
        readout = asyncio.run(_read_device(options))
    except WireError as error:
        print(f"{options.url}: {error}", file=sys.stderr)
        return 1
    rows = readout.rows
    qualities = {row.quality.upper() for row in rows if row.quality}
    is_stranger = qualities == {"BAD"}
    if is_stranger:
        print(f"{options.url}: {WRONG_PROFILE_HINT}", file=sys.stderr)
    for what in readout.contradictions:
        print(f"{options.url}: the device does not look like {options.profile}: {what}", file=sys.stderr)
    if readout.contradictions:
        print(f"{options.url}: {_suggest_scan(options)}", file=sys.stderr)
        is_stranger = True
    if options.json:
        output.print_json([row._asdict() for row in rows])
        return int(is_stranger)
    cells = (
        (row.point, output.format_number(row.value), row.unit, row.raw, row.quality.lower()) for row in rows
    )
    output.make_console().print(output.make_table("", ("point", ">value", "unit", ">raw", "quality"), cells))
    return int(is_stranger)


def _list_device(options: argparse.Namespace) -> int:
    """Print all that a device shows without a profile, or the draft of a profile."""
    try:
        listing = load_protocol(options.profile).list_device(ReadRequest(options.url, vars(options)))
    except WireError as error:
        print(f"{options.url}: {error}", file=sys.stderr)
        return 1
    for fault in listing.faults:
        print(f"{options.url}: {fault}", file=sys.stderr)
    if listing.draft:
        print(listing.draft, end="")
    elif options.json:
        output.print_json(listing.data)
    else:
        for table in listing.tables:
            output.make_console().print(output.make_table(table.title, table.columns, table.rows))
    return int(listing.is_empty)


def _suggest_scan(options: argparse.Namespace) -> str:
    protocol = loading.load_profile(options.profile, options.profiles).protocol
    advice = "no value is trusted; compare the plate of the device"
    scanned = next((one for one in (protocol, PROTOCOLS[protocol].on) if one in SCANNED_PROTOCOLS), "")
    next_step = f"; quartier scan {scanned} '{options.url}' names the profiles that fit it"
    return advice + (next_step if scanned else "")


async def _read_device(options: argparse.Namespace) -> "DeviceReadout":
    """Return what the profile's protocol reads."""
    check_profile(options.profile, options.profiles)
    loaded = loading.load_profile(options.profile, options.profiles)
    request = ReadRequest(options.url, vars(options))
    return await load_protocol(loaded.protocol).read_profile(loaded, request)
