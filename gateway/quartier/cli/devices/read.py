"""``quartier read``: read one device without a site file."""

import argparse
import asyncio
import sys
from typing import TYPE_CHECKING

from quartier.cli.rendering import output
from quartier.config.checks.similar_names import check_profile
from quartier_drivers.device_profile import loading
from quartier_drivers.errors import WireError

if TYPE_CHECKING:
    from quartier_drivers.device_rows import DeviceReadout

WRONG_PROFILE_HINT = (
    "it answers, but has nothing that the profile reads; quartier scan modbus names the profiles that fit it"
)


def run_read(options: argparse.Namespace) -> int:
    """Read one device once, naming what to check.

    Exit 1 when it does not answer, has nothing to read, or does not look like the profile.
    """
    if options.profile == "sunspec":
        from quartier.cli.devices import (  # noqa: PLC0415 - a device that tells by itself what it has
            read_sunspec,
        )

        return read_sunspec.run_read_sunspec(options)
    if options.profile == "bacnet":
        from quartier.cli.devices import read_bacnet  # noqa: PLC0415 - the same

        return read_bacnet.run_read_bacnet(options)
    if options.profile == "opcua":
        from quartier.cli.devices import opcua  # noqa: PLC0415 - the same

        return opcua.run_read_opcua(options)
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


def _suggest_scan(options: argparse.Namespace) -> str:
    protocol = loading.load_profile(options.profile, options.profiles).protocol
    scanned = "bacnet" if protocol == "bacnet" else "modbus"
    next_step = f"quartier scan {scanned} '{options.url}'"
    return f"no value is trusted; compare the plate of the device; {next_step} names the profiles that fit it"


async def _read_device(options: argparse.Namespace) -> "DeviceReadout":
    """Return what the factory of the profile's protocol reads."""
    check_profile(options.profile, options.profiles)
    loaded = loading.load_profile(options.profile, options.profiles)
    if loaded.protocol == "sunspec":
        from quartier_drivers.sunspec.reader import (  # noqa: PLC0415 - a slow import
            read_points,
        )

        return await read_points(loaded, options.url)  # type: ignore[arg-type]  # its protocol says which it is
    if loaded.protocol == "bacnet":
        from quartier_drivers.bacnet.discovery import reader  # noqa: PLC0415 - the same

        return await reader.read_points(loaded, options.url)  # type: ignore[arg-type]  # as above
    if loaded.protocol == "opcua":
        from quartier.cli.devices import opcua  # noqa: PLC0415 - the same

        return await opcua.read_profile_rows(options, loaded)  # type: ignore[arg-type]  # its protocol says which it is
    from quartier_drivers.modbus.discovery.reader import read_once  # noqa: PLC0415 - the same

    return await read_once(options.profile, options.url, folders=options.profiles)
