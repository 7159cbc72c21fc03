"""``quartier read bacnet``: every object of a BACnet device without a profile, or the draft of a profile."""

import argparse
import asyncio
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from quartier.cli.rendering import output
from quartier_drivers.errors import WireError

if TYPE_CHECKING:
    from quartier_drivers.bacnet.discovery.device_survey import ObjectRow
    from quartier_drivers.bacnet.discovery.reader import DeviceReport, ReadTarget


def run_read_bacnet(options: argparse.Namespace) -> int:
    """Read it once; exit 1 when it does not answer, or tells no objects."""
    from quartier_drivers.bacnet.discovery import (  # noqa: PLC0415 - a slow import
        profile_draft,
        reader,
    )

    try:
        report = asyncio.run(_read_objects(reader.parse_target(options.url)))
    except WireError as error:
        print(f"{options.url}: {error}", file=sys.stderr)
        return 1
    for fault in report.faults:
        print(f"{options.url}: {fault}", file=sys.stderr)
    if options.draft:
        print(profile_draft.render_draft(report.identity, report.vendor_id, report.rows), end="")
    elif options.json:
        output.print_json(_render_objects(report))
    else:
        _print_objects(report)
    return 0 if report.rows else 1


async def _read_objects(named: "ReadTarget") -> "DeviceReport":
    from quartier_drivers.bacnet.discovery.reader import read_device  # noqa: PLC0415 - the same
    from quartier_drivers.bacnet.factory import FACTORY  # noqa: PLC0415 - a slow import
    from quartier_drivers.transport.event_loop import LoopClock  # noqa: PLC0415 - the same

    return await read_device(FACTORY.line("read", named.bus, LoopClock()), named)


def _print_objects(report: "DeviceReport") -> None:
    who = report.identity
    model = " ".join(filter(None, (who.get("vendor-name"), who.get("model-name"), who.get("object-name"))))
    several = "several properties a request" if report.multiple else "one property a request"
    heading = (
        f"{model}: device {report.instance} at {report.place}, APDU of {report.apdu_max} octets, {several}"
    )
    columns = ("object", "name", ">value", "unit", "commanded at", "note")
    output.make_console().print(
        output.make_table(heading, columns, (_make_object_cells(row) for row in report.rows))
    )


def _make_object_cells(row: "ObjectRow") -> tuple[str, ...]:
    commands = ""
    if row.commands is not None:
        commands = ", ".join(f"{one.priority}: {one.value}" for one in row.commands) or "nobody"
    times = [
        f"{seconds} s {state} at least"
        for seconds, state in ((row.least_on_s, "on"), (row.least_off_s, "off"))
        if seconds
    ]
    notes = [*row.flags, *times, *([row.why] if row.why else [])]
    return (
        row.where,
        row.name,
        row.shown,
        row.unit,
        commands,
        "; ".join(notes),
    )


def _render_objects(report: "DeviceReport") -> dict[str, Any]:
    return {
        "instance": report.instance,
        "address": str(report.place),
        "vendor_id": report.vendor_id,
        "apdu_max": report.apdu_max,
        "multiple": report.multiple,
        "identity": dict(report.identity),
        "objects": [{**asdict(row), "object": row.where} for row in report.rows],
        "requests_count": report.requests_count,
        "faults": report.faults,
    }
