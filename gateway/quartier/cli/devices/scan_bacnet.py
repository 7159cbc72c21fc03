"""``quartier scan bacnet``: find the devices of a BACnet/IP network, and their lines for the site file."""

import argparse
import asyncio
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from quartier.cli.rendering import output
from quartier.cli.rendering.terminal import ProgressLine
from quartier_drivers.device_profile import loading
from quartier_drivers.errors import ConfigError, Fault

if TYPE_CHECKING:
    from collections.abc import Sequence

    from quartier_drivers.bacnet.bus_section import BacnetIpBus
    from quartier_drivers.bacnet.discovery.scan import FoundDevice, ScanResult, ScanTarget
    from quartier_drivers.bacnet.profile import BacnetProfile

_SEGMENTATION = ("both ways", "sends only", "takes only", "none")


def run_scan_bacnet(options: argparse.Namespace) -> int:
    """Look for devices; exit 1 when nobody answers."""
    from quartier_drivers.bacnet.discovery import (  # noqa: PLC0415, I001 - imports the wires
        reader,
        scan as discovery_scan,
    )
    from quartier_drivers.bacnet.factory import FACTORY  # noqa: PLC0415 - the same

    named = reader.parse_target(options.url)
    progress = _ScanProgress()
    survey = asyncio.run(
        _run_survey(
            FACTORY, named.bus, discovery_scan, _make_quest(options), _load_known_profiles(options), progress
        )
    )
    progress.end()
    text = render_bacnet_lines(named.bus, survey)
    if options.json:
        output.print_json({"url": options.url, **_render_survey(survey), "site_file": text})
    else:
        _print_survey(survey, text)
    if survey.end_reason or not survey.found:
        print(f"{options.url}: {survey.end_reason or _suggest_remedy(named.bus)}", file=sys.stderr)
    return 0 if survey.found else 1


async def _run_survey(
    factory: Any,
    bus: "BacnetIpBus",
    scanning: Any,
    quest: "ScanTarget",
    known: "Sequence[BacnetProfile]",
    progress: "_ScanProgress",
) -> "ScanResult":
    from quartier_drivers.transport.event_loop import (  # noqa: PLC0415 - a scan alone needs a clock of its own
        LoopClock,
    )

    found: ScanResult = await scanning.scan_network(
        factory.line("scan", bus, LoopClock()), quest, known, progress
    )
    return found


def _make_quest(options: argparse.Namespace) -> "ScanTarget":
    from quartier_drivers.bacnet.address import parse_place  # noqa: PLC0415 - nobody but this scan needs it
    from quartier_drivers.bacnet.discovery.scan import (  # noqa: PLC0415 - imports the wires
        ALL_INSTANCES,
        ScanTarget,
    )

    try:
        places = [parse_place(one) for one in options.at.split(",")] if options.at else []
    except ValueError as error:
        raise ConfigError([Fault(options.url, None, "at", str(error))]) from error
    return ScanTarget(options.instances or [ALL_INSTANCES], places, options.wait)


def _load_known_profiles(options: argparse.Namespace) -> "list[BacnetProfile]":
    """Load the profiles that identify a device; name and leave out those of the site with a fault."""
    from quartier_drivers.bacnet.profile import (  # noqa: PLC0415 - nobody but this scan needs it
        BacnetProfile,
    )

    found = []
    for name in loading.list_profiles(options.profiles):
        try:
            one = loading.load_profile(name, options.profiles)
        except ConfigError as error:
            print(f"left out: {error.faults[0]}", file=sys.stderr)
            continue
        if isinstance(one, BacnetProfile):
            found.append(one)
    return found


class _ScanProgress(ProgressLine):
    """Says how far a scan has come."""

    def __call__(self, what: str) -> None:
        self.tell(what, what, what)


def _suggest_remedy(bus: "BacnetIpBus") -> str:
    return (
        "no device answers; check that BACnet/IP is switched on in the devices and at UDP port "
        f"{bus.port}, name addresses with --at where no broadcast passes, or a BBMD with ?bbmd=ADDRESS for "
        "another subnet"
    )


def _print_survey(survey: "ScanResult", text: str) -> None:
    for note in survey.notes:
        print(f"note: {note}")
    if not survey.found:
        return
    rows = [row for device in survey.found for row in _make_rows(device)]
    columns = (">instance", "address", "device", "name", "profile", "how sure", "why")
    output.make_console().print(output.make_table("", columns, rows))
    print(f"\nFor the site file:\n\n{text}")


def _make_rows(found: "FoundDevice") -> list[tuple[str, ...]]:
    identity = found.identity
    head = (
        str(found.i_am.instance),
        str(found.i_am.place),
        " ".join(
            (identity.get("vendor-name", f"vendor {found.i_am.vendor_id}"), identity.get("model-name", ""))
        ),
        identity.get("object-name", "–"),
    )
    if not found.guesses:
        why = found.why or "no profile knows it; quartier read bacnet … --draft begins one"
        return [(*head, "–", "", why)]
    first, *others = found.guesses
    more = [("",) * len(head) + (one.profile, one.sure, one.why) for one in others]
    return [(*head, first.profile, first.sure, first.why), *more]


def _render_survey(survey: "ScanResult") -> dict[str, Any]:
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


def render_bacnet_lines(bus: "BacnetIpBus", survey: "ScanResult") -> str:
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


def _make_device_name(found: "FoundDevice", *, shared: bool) -> str:
    place = "".join(one if one.isalnum() else "_" for one in str(found.i_am.place).lower())
    return f"b{found.i_am.instance}" + (f"_{place}" if shared else "")


def _render_profile_lines(found: "FoundDevice") -> list[str]:
    if not found.guesses:
        return [
            'profile = ""                  # no profile knows it; quartier read bacnet --draft begins one'
        ]
    first, *others = found.guesses
    text = "" if first.sure == "sure" else f"  # {first.sure}: compare the maker's plate"
    more = [f'# profile = "{one.profile}"  # {one.sure}' for one in others]
    return [f'profile = "{first.profile}"{text}', *more]
