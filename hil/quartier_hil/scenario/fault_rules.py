"""Find the faults that each device, wire or meter of a site can have, and refuse the others (pure).

A wire stands for all devices on it.  Verbs are those of ``devices.fault``; the clock has its own event.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from quartier_hil.scenario import site
from quartier_hil.scenario.site import DEVICE_SUFFIX, METER_SUFFIX, SiteSpec
from quartier_sim.devices.device_faults import (
    FACTOR_FAULTS,
    METER_FAULT_KINDS,
    FaultKind,
    find_missing_argument,
)

LINE_DEVICES = ("meter", "heatmeter", "relays", "inputs")
"""The devices on the serial line ``rs485``."""
TCP_DEVICES = ("gx", "charger", "storage", "solar")
"""Those with a bus of their own."""
SERIAL_WIRE = "rs485"
BUS_SUFFIX = "_net"
"""After a device's name: the name of the network wire that it hangs on alone."""
PATIENCE_S = 1.0
"""A request not answered within this is given up: the default of a bus section, and less on a fast rig."""
SILENT_S = 15.0
"""spec/failsafe.md#device-silent: 15 s for what is read each 5 s or more often."""
_METER_REFUSALS = {
    "unplugged": 'its adapter is pulled out by do = "unplug"',
    "silent": "who speaks by itself and is not heard has no power: off",
    "bent": "takes no orders",
    "late": "answers bear no id",
}


def list_devices(site_spec: SiteSpec) -> set[str]:
    """Return the Modbus devices of the site."""
    usual = {*LINE_DEVICES, *TCP_DEVICES}
    if site_spec.battery == "gx":
        usual.discard("storage")
    if site_spec.contact_import_w is None:
        usual.discard("inputs")
    if site_spec.pv == "gx":
        usual.discard("solar")
    if "gx" not in (site_spec.battery, site_spec.pv):
        usual.discard("gx")
    return usual | set(site.list_device_names(site_spec.boards, site_spec.assets))


def list_wires(site_spec: SiteSpec) -> dict[str, tuple[str, ...]]:
    """Return the wires of the site with the devices on each."""
    here = list_devices(site_spec)
    line = tuple(name for name in LINE_DEVICES if name in here)
    return {SERIAL_WIRE: line, **{name + BUS_SUFFIX: (name,) for name in sorted(here - {*LINE_DEVICES})}}


def list_target_devices(site_spec: SiteSpec, target: str) -> tuple[str, ...]:
    """The devices that a fault of ``target`` falls on: those of a wire, or itself."""
    return list_wires(site_spec).get(target, (target,))


def target_includes(target: str, device: str) -> bool:
    """Return whether a fault that names a device or a wire is a device's."""
    return target in (device, device + BUS_SUFFIX) or (target == SERIAL_WIRE and device in LINE_DEVICES)


def convert_wire_fault(target: str, kind: FaultKind) -> FaultKind:
    """Return the fault at the devices: those on a dead wire run on by themselves."""
    is_wire = target == SERIAL_WIRE or target.endswith(BUS_SUFFIX)
    return "unplugged" if is_wire and kind == "off" else kind


def blocks_all_answers(kind: FaultKind, seconds: float | None) -> bool:
    """Return whether a fault keeps all sound answers away for longer than any client waits."""
    if kind == "slow":
        return (seconds or 0.0) > PATIENCE_S
    return kind in {"off", "unplugged", "silent", "garbage"} or (
        kind == "intermittent" and (seconds or 0.0) >= SILENT_S
    )


def explain_refusal(site_spec: SiteSpec, target: str, kind: FaultKind, arguments: Mapping[str, Any]) -> str:
    """Return why a fault is impossible: unknown target, a verb that it cannot follow, a missing argument.

    Empty if it is possible.  ``arguments`` are those of the fault.
    """
    if target in site_spec.meters:
        why = _explain_meter_refusal(target, kind)
    elif target in list_wires(site_spec):
        why = _explain_wire_refusal(kind, arguments)
    elif target in list_devices(site_spec):
        why = _explain_device_refusal(site_spec, target, kind, arguments)
    else:
        return f"device: {target} is not in this house"
    if why:
        return f"kind: {target} cannot be {kind}: {why}"
    return find_missing_argument(kind, arguments)


def _explain_meter_refusal(target: str, kind: FaultKind) -> str:
    if kind == "slow" and target != "mbus":
        return "it speaks by itself, nobody waits for an answer"
    return _METER_REFUSALS.get(kind, "")


def _explain_wire_refusal(kind: FaultKind, arguments: Mapping[str, Any]) -> str:
    if kind in (*FACTOR_FAULTS, *METER_FAULT_KINDS) or "value" in arguments:
        return "what is changed on a wire fails its check and is noise: garbage"
    return ""


def _explain_device_refusal(
    site_spec: SiteSpec, target: str, kind: FaultKind, arguments: Mapping[str, Any]
) -> str:
    if kind in ("stuck", "delayed", "wrong") and target == "relays":
        return "it measures nothing"
    if (kind in METER_FAULT_KINDS or "value" in arguments) and not _is_meter(site_spec, target):
        return "it has no current transformers; expected a meter"
    if kind == "wrong" and target == "inputs" and "points" not in arguments:
        return "it measures no power; name the points, as in1.input_on"
    if kind == "bent" and target not in _list_controlled_devices(site_spec):
        return "it takes no orders"
    return ""


def _is_meter(site_spec: SiteSpec, target: str) -> bool:
    """Return whether a device measures one power from outside, as meters do."""
    return target in ("meter", "heatmeter") or target in {
        board.name + METER_SUFFIX for board in site_spec.boards
    }


def _list_controlled_devices(site_spec: SiteSpec) -> set[str]:
    """The devices that take orders."""
    usual = {"relays", *(list_devices(site_spec) & set(TCP_DEVICES))}
    return usual | {
        name + DEVICE_SUFFIX for asset in site_spec.assets for name in site.list_asset_names(asset)
    }


def list_fault_targets(site_spec: SiteSpec) -> Iterator[str]:
    """Every name that a fault may fall on."""
    yield from sorted(list_devices(site_spec))
    yield from list_wires(site_spec)
    yield from site_spec.meters
