"""Lists every object of a BACnet device without a profile, and drafts a profile."""

import asyncio
from dataclasses import asdict
from typing import Any

from quartier_drivers.bacnet.discovery import profile_draft
from quartier_drivers.bacnet.discovery.device_survey import ObjectRow
from quartier_drivers.bacnet.discovery.reader import (
    DeviceReport,
    ReadTarget,
    parse_target,
    read_device,
    read_points,
)
from quartier_drivers.bacnet.factory import FACTORY
from quartier_drivers.bacnet.profile import BacnetProfile
from quartier_drivers.device_reports import DeviceListing, ListedTable, ReadRequest
from quartier_drivers.device_rows import DeviceReadout
from quartier_drivers.transport.event_loop import LoopClock

_COLUMNS = ("object", "name", ">value", "unit", "commanded at", "note")


def list_device(request: ReadRequest) -> DeviceListing:
    """Read a device once.  Raises ConfigError (URL), LinkLost, or NoReply."""
    report = asyncio.run(_read_objects(parse_target(request.url)))
    rows = [_make_object_cells(row) for row in report.rows]
    return DeviceListing(
        [ListedTable(_describe_device(report), _COLUMNS, rows)],
        _render_objects(report),
        report.faults,
        draft=profile_draft.render_draft(report.identity, report.vendor_id, report.rows)
        if request.options.get("draft")
        else "",
        is_empty=not report.rows,
    )


async def read_profile(profile: BacnetProfile, request: ReadRequest) -> DeviceReadout:
    """Read the points of a profile once.  Raises ConfigError (URL), LinkLost or NoReply."""
    return await read_points(profile, request.url)


async def _read_objects(named: ReadTarget) -> DeviceReport:
    return await read_device(FACTORY.line("read", named.bus, LoopClock()), named)


def _describe_device(report: DeviceReport) -> str:
    who = report.identity
    model = " ".join(filter(None, (who.get("vendor-name"), who.get("model-name"), who.get("object-name"))))
    several = "several properties a request" if report.multiple else "one property a request"
    return f"{model}: device {report.instance} at {report.place}, APDU of {report.apdu_max} octets, {several}"


def _make_object_cells(row: ObjectRow) -> tuple[str, ...]:
    commands = ""
    if row.commands is not None:
        commands = ", ".join(f"{one.priority}: {one.value}" for one in row.commands) or "nobody"
    times = [
        f"{seconds} s {word} at least"
        for seconds, word in ((row.least_on_s, "on"), (row.least_off_s, "off"))
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


def _render_objects(report: DeviceReport) -> dict[str, Any]:
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
