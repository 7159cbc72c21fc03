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


def list_devices(house: SiteSpec) -> set[str]:
    """Return the Modbus devices of the site."""
    usual = {*LINE_DEVICES, *TCP_DEVICES}
    if house.battery == "gx":
        usual.discard("storage")
    if house.contact_import_w is None:
        usual.discard("inputs")
    if house.pv == "gx":
        usual.discard("solar")
    if "gx" not in (house.battery, house.pv):
        usual.discard("gx")
    return usual | set(site.list_device_names(house.boards, house.assets))


def list_wires(house: SiteSpec) -> dict[str, tuple[str, ...]]:
    """Return the wires of the site with the devices on each."""
    here = list_devices(house)
    line = tuple(name for name in LINE_DEVICES if name in here)
    return {SERIAL_WIRE: line, **{name + BUS_SUFFIX: (name,) for name in sorted(here - {*LINE_DEVICES})}}


def list_target_devices(house: SiteSpec, target: str) -> tuple[str, ...]:
    """The devices that a fault of ``target`` falls on: those of a wire, or itself."""
    return list_wires(house).get(target, (target,))


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


def explain_refusal(house: SiteSpec, target: str, kind: FaultKind, told: Mapping[str, Any]) -> str:
    """Return why a fault is impossible: unknown target, a verb that it cannot follow, a missing argument.

    Empty if it is possible.  ``told`` are its arguments.
    """
    if target in house.meters:
        why = _explain_meter_refusal(target, kind)
    elif target in list_wires(house):
        why = _explain_wire_refusal(kind, told)
    elif target in list_devices(house):
        why = _explain_device_refusal(house, target, kind, told)
    else:
        return f"device: {target} is not in this house"
    if why:
        return f"kind: {target} cannot be {kind}: {why}"
    return find_missing_argument(kind, told)


def _explain_meter_refusal(target: str, kind: FaultKind) -> str:
    if kind == "slow" and target != "mbus":
        return "it speaks by itself, nobody waits for an answer"
    return _METER_REFUSALS.get(kind, "")


def _explain_wire_refusal(kind: FaultKind, told: Mapping[str, Any]) -> str:
    if kind in (*FACTOR_FAULTS, *METER_FAULT_KINDS) or "value" in told:
        return "what is changed on a wire fails its check and is noise: garbage"
    return ""


def _explain_device_refusal(house: SiteSpec, target: str, kind: FaultKind, told: Mapping[str, Any]) -> str:
    if kind in ("stuck", "delayed", "wrong") and target == "relays":
        return "it measures nothing"
    if (kind in METER_FAULT_KINDS or "value" in told) and not _is_meter(house, target):
        return "it has no current transformers; expected a meter"
    if kind == "wrong" and target == "inputs" and "points" not in told:
        return "it measures no power; name the points, as in1.input_on"
    if kind == "bent" and target not in _list_controlled_devices(house):
        return "it takes no orders"
    return ""


def _is_meter(house: SiteSpec, target: str) -> bool:
    """Return whether a device measures one power from outside, as meters do."""
    return target in ("meter", "heatmeter") or target in {board.name + METER_SUFFIX for board in house.boards}


def _list_controlled_devices(house: SiteSpec) -> set[str]:
    """The devices that take orders."""
    usual = {"relays", *(list_devices(house) & set(TCP_DEVICES))}
    return usual | {name + DEVICE_SUFFIX for asset in house.assets for name in site.list_asset_names(asset)}


def list_fault_targets(house: SiteSpec) -> Iterator[str]:
    """Every name that a fault may fall on."""
    yield from sorted(list_devices(house))
    yield from list_wires(house)
    yield from house.meters
