"""Find the faults that each device, wire or meter of a site can have, and refuse the others (pure).

A wire stands for all devices on it.  Verbs are those of ``devices.fault``; the clock has its own event.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from quartier_hil import fittings
from quartier_hil.devices.fault import METERED, Kind
from quartier_hil.fittings import BOX, METER
from quartier_hil.house import House

LINE = ("meter", "heatmeter", "relays", "inputs")
"""The devices on the serial line ``rs485``."""
DEVICES = ("gx", "charger", "storage", "solar")
"""Those with a bus of their own."""
SERIAL = "rs485"
NET = "_net"
"""After a device's name: the name of the network wire that it hangs on alone."""
PATIENCE_S = 1.0
"""A request not answered within this is given up: the default of a bus section, and less on a fast rig."""
SILENT_S = 15.0
"""spec/failsafe.md#device-silent: 15 s for what is read each 5 s or more often."""
_SECONDS = ("slow", "late", "delayed", "intermittent")
_FACTORS = ("wrong", "bent")
_SCALED = (*_FACTORS, "clamps")
_SMART = {
    "unplugged": 'its adapter is pulled out by do = "unplug"',
    "silent": "who speaks by itself and is not heard has no power: off",
    "bent": "takes no orders",
    "late": "answers bear no id",
}


def devices(house: House) -> set[str]:
    """Return the Modbus devices of the site."""
    usual = {*LINE, *DEVICES}
    if house.battery == "gx":
        usual.discard("storage")
    if house.contact_import_w is None:
        usual.discard("inputs")
    if house.pv == "gx":
        usual.discard("solar")
    if "gx" not in (house.battery, house.pv):
        usual.discard("gx")
    return usual | set(fittings.boxes(house.boards, house.assets))


def wires(house: House) -> dict[str, tuple[str, ...]]:
    """Return the wires of the site with the devices on each."""
    here = devices(house)
    line = tuple(name for name in LINE if name in here)
    return {SERIAL: line, **{name + NET: (name,) for name in sorted(here - {*LINE})}}


def named(house: House, target: str) -> tuple[str, ...]:
    """The devices that a fault of ``target`` falls on: those of a wire, or itself."""
    return wires(house).get(target, (target,))


def is_on(target: str, device: str) -> bool:
    """Return whether a fault that names a device or a wire is a device's."""
    return target in (device, device + NET) or (target == SERIAL and device in LINE)


def felt(target: str, kind: Kind) -> Kind:
    """Return the fault at the devices: those on a dead wire run on by themselves."""
    is_wire = target == SERIAL or target.endswith(NET)
    return "unplugged" if is_wire and kind == "off" else kind


def is_unheard(kind: Kind, seconds: float | None) -> bool:
    """Return whether a fault keeps all sound answers away for longer than any client waits."""
    if kind == "slow":
        return (seconds or 0.0) > PATIENCE_S
    return kind in {"off", "unplugged", "silent", "garbage"} or (
        kind == "intermittent" and (seconds or 0.0) >= SILENT_S
    )


def refusal(house: House, target: str, kind: Kind, told: Mapping[str, Any]) -> str:
    """Return why a fault is impossible: unknown target, a verb that it cannot follow, a missing argument.

    Empty if it is possible.  ``told`` are its arguments.
    """
    if target in house.meters:
        why = _of_smart_meter(target, kind)
    elif target in wires(house):
        why = _of_wire(kind, told)
    elif target in devices(house):
        why = _of_device(house, target, kind, told)
    else:
        return f"device: {target} is not in this house"
    if why:
        return f"kind: {target} cannot be {kind}: {why}"
    return missing(kind, told)


def missing(kind: Kind, told: Mapping[str, Any]) -> str:
    """Return the argument that a fault lacks, as text; empty if it has all."""
    if kind in _SECONDS and not told.get("seconds"):
        return f"seconds: is missing: how long, for {kind}"
    if kind == "coarse" and not told.get("value"):
        return "value: is missing: from how many W on a change is shown, for coarse"
    if kind in _SCALED and "factor" not in told:
        return f"factor: is missing: what is multiplied by it, for {kind}"
    return ""


def _of_smart_meter(target: str, kind: Kind) -> str:
    if kind == "slow" and target != "mbus":
        return "it speaks by itself, nobody waits for an answer"
    return _SMART.get(kind, "")


def _of_wire(kind: Kind, told: Mapping[str, Any]) -> str:
    if kind in (*_FACTORS, *METERED) or "value" in told:
        return "what is changed on a wire fails its check and is noise: garbage"
    return ""


def _of_device(house: House, target: str, kind: Kind, told: Mapping[str, Any]) -> str:
    if kind in ("stuck", "delayed", "wrong") and target == "relays":
        return "it measures nothing"
    if (kind in METERED or "value" in told) and not _is_meter(house, target):
        return "it has no current transformers; expected a meter"
    if kind == "wrong" and target == "inputs" and "points" not in told:
        return "it measures no power; name the points, as in1.input_on"
    if kind == "bent" and target not in _ordered(house):
        return "it takes no orders"
    return ""


def _is_meter(house: House, target: str) -> bool:
    """Return whether a device measures one power from outside, as meters do."""
    return target in ("meter", "heatmeter") or target in {board.name + METER for board in house.boards}


def _ordered(house: House) -> set[str]:
    """The devices that take orders."""
    usual = {"relays", *(devices(house) & set(DEVICES))}
    return usual | {name + BOX for asset in house.assets for name in fittings.names(asset)}


def all_of(house: House) -> Iterator[str]:
    """Every name that a fault may fall on."""
    yield from sorted(devices(house))
    yield from wires(house)
    yield from house.meters
