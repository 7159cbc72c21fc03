"""Tells what a scan of a BACnet/IP network found: the devices, and their lines for the site file."""

import asyncio
from dataclasses import asdict
from typing import Any

from quartier_drivers.bacnet.address import parse_place
from quartier_drivers.bacnet.bus_section import BacnetIpBus
from quartier_drivers.bacnet.discovery.reader import parse_target
from quartier_drivers.bacnet.discovery.scan import (
    ALL_INSTANCES,
    FoundDevice,
    ScanResult,
    ScanTarget,
    scan_network,
)
from quartier_drivers.bacnet.factory import FACTORY
from quartier_drivers.bacnet.profile import BacnetProfile
from quartier_drivers.device_profile import loading
from quartier_drivers.device_reports import ScanListener, ScanReport, ScanRequest
from quartier_drivers.errors import ConfigError, Fault
from quartier_drivers.transport.event_loop import LoopClock

_SEGMENTATION = ("both ways", "sends only", "takes only", "none")
_COLUMNS = (">instance", "address", "device", "name", "profile", "how sure", "why")


def scan(request: ScanRequest, listener: ScanListener) -> ScanReport:
    """Look for devices.  Raises ConfigError for a wrong URL or address."""
    bus = parse_target(request.url).bus
    quest, known = _make_quest(request), _load_known_profiles(request, listener)

    async def survey_network() -> ScanResult:
        line = FACTORY.line("scan", bus, LoopClock())
        return await scan_network(line, quest, known, lambda what: listener.tell(what, what, what))

    survey = asyncio.run(survey_network())
    return ScanReport(
        found_count=len(survey.found),
        columns=_COLUMNS,
        rows=[row for device in survey.found for row in _make_rows(device)],
        notes=survey.notes,
        data=_render_survey(survey),
        site_lines=render_bacnet_lines(bus, survey),
        end=survey.end_reason or ("" if survey.found else _suggest_remedy(bus)),
    )


def _make_quest(request: ScanRequest) -> ScanTarget:
    try:
        places = [parse_place(one) for one in request.at.split(",")] if request.at else []
    except ValueError as error:
        raise ConfigError([Fault(request.url, None, "at", str(error))]) from error
    return ScanTarget(request.instances or [ALL_INSTANCES], places, request.wait_s)


def _load_known_profiles(request: ScanRequest, listener: ScanListener) -> list[BacnetProfile]:
    """Load the profiles that identify a device; name and leave out those of the site with a fault."""
    found = []
    for name in loading.list_profiles(request.folders):
        try:
            one = loading.load_profile(name, request.folders)
        except ConfigError as error:
            listener.warn(f"left out: {error.faults[0]}")
            continue
        if isinstance(one, BacnetProfile):
            found.append(one)
    return found


def _suggest_remedy(bus: BacnetIpBus) -> str:
    return (
        "no device answers; check that BACnet/IP is switched on in the devices and at UDP port "
        f"{bus.port}, name addresses with --at where no broadcast passes, or a BBMD with ?bbmd=ADDRESS for "
        "another subnet"
    )


def _make_rows(met: FoundDevice) -> list[tuple[str, ...]]:
    told = met.identity
    head = (
        str(met.i_am.instance),
        str(met.i_am.place),
        " ".join((told.get("vendor-name", f"vendor {met.i_am.vendor_id}"), told.get("model-name", ""))),
        told.get("object-name", "–"),
    )
    if not met.guesses:
        why = met.why or "no profile knows it; quartier read bacnet … --draft begins one"
        return [(*head, "–", "", why)]
    first, *others = met.guesses
    more = [("",) * len(head) + (one.profile, one.sure, one.why) for one in others]
    return [(*head, first.profile, first.sure, first.why), *more]


def _render_survey(survey: ScanResult) -> dict[str, Any]:
    found = [
        {
            "instance": device.i_am.instance,
            "address": str(device.i_am.place),
            "vendor_id": device.i_am.vendor_id,
            "apdu_max": device.i_am.apdu_max,
            "segmentation": _format_segmentation(device.i_am.segmentation),
            "identity": dict(device.identity),
            "guesses": [asdict(one) for one in device.guesses],
            "why": device.why,
        }
        for device in survey.found
    ]
    return {
        "found": found,
        "asked_count": survey.asked_count,
        "notes": survey.notes,
        "lost": survey.end_reason,
    }


def _format_segmentation(number: int) -> str:
    return _SEGMENTATION[number] if number < len(_SEGMENTATION) else str(number)


def render_bacnet_lines(bus: BacnetIpBus, survey: ScanResult) -> str:
    """Return the lines of a site file for what was found: by instance, by address where two share one."""
    if not survey.found:
        return ""
    lines = ["[buses.bacnet]"]
    for key, value in bus.model_dump(exclude_defaults=True).items():
        lines.append(f'{key} = "{value}"' if isinstance(value, str) else f"{key} = {value}")
    instances = [device.i_am.instance for device in survey.found]
    for device in survey.found:
        number = device.i_am.instance
        shared = instances.count(number) > 1
        lines += [
            "",
            f"[devices.{_make_device_name(device, shared=shared)}]",
            'bus = "bacnet"',
            *_render_profile_lines(device),
        ]
        lines.append(f'address = "{device.i_am.place}"' if shared else f"unit = {number}")
    return "\n".join(lines) + "\n"


def _make_device_name(met: FoundDevice, *, shared: bool) -> str:
    place = "".join(one if one.isalnum() else "_" for one in str(met.i_am.place).lower())
    return f"b{met.i_am.instance}" + (f"_{place}" if shared else "")


def _render_profile_lines(met: FoundDevice) -> list[str]:
    if not met.guesses:
        return [
            'profile = ""                  # no profile knows it; quartier read bacnet --draft begins one'
        ]
    first, *others = met.guesses
    text = "" if first.sure == "sure" else f"  # {first.sure}: compare the maker's plate"
    more = [f'# profile = "{one.profile}"  # {one.sure}' for one in others]
    return [f'profile = "{first.profile}"{text}', *more]
