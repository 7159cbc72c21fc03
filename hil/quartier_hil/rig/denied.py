"""Refuse the parts of a scenario that real devices cannot do, each by name and with the reason (pure)."""

import difflib
from collections.abc import Collection, Iterator
from math import isclose

from quartier_drivers.errors import Fault
from quartier_hil import verbs
from quartier_hil.devices.fault import Kind
from quartier_hil.fittings import METER
from quartier_hil.happenings import Blackout, Master
from quartier_hil.outputs import outputs
from quartier_hil.rig import sight
from quartier_hil.rig.bench import Bench, Device, Lead
from quartier_hil.scenario import Clear, Event, Failure, Plug, Scenario

LEAD_OF: dict[Kind, Lead] = {"off": "power", "unplugged": "cable"}
"""The verbs that a bench can do to metal, and the lead that each cuts."""
_WHY: dict[Kind, str] = {
    "silent": "nobody can make it hold its tongue; unplugged cuts its cable",
    "stuck": "its values are its own",
    "garbage": "what it says is its own",
    "wrong": "its values are its own",
    "bent": "how it obeys is its own",
    "slow": "when it answers is its own",
    "late": "when it answers is its own",
    "delayed": "its values are its own",
    "intermittent": "contacts of a relay are no loose contact, and wear out",
}
_METERS = (
    "it reads the sum of a house most of which is simulated, and no current of that flows through metal; "
    "the reference meter of a real device stands in [meters]"
)
_UNFIT = {
    "meter": _METERS,
    "inputs": "its contact is the grid operator's, which is simulated and closes nothing on a real input",
}


def faults(scenario: Scenario, bench: Bench, real: tuple[str, ...], known: Collection[str]) -> list[Fault]:
    """Everything that is in the way of a run, in the words of the scenario and of the bench.

    ``known`` are the points of the house.
    """
    if not real:
        return []
    found = list(_of_devices(scenario, bench, real, known))
    if not isclose(scenario.rate, 1.0):
        what = f"{scenario.rate:g}: a second of {', '.join(real)} is a real one; expected --rate 1"
        found.append(Fault("scenario", None, "rate", what))
    if not any(fault.file == "bench" for fault in found):
        for index, event in enumerate(scenario.events):
            for key, what in _of_event(scenario, bench, real, event):
                found.append(Fault("scenario", None, f"events.{index}.{key}", what))
    return found


def _of_devices(
    scenario: Scenario, bench: Bench, real: tuple[str, ...], known: Collection[str]
) -> Iterator[Fault]:
    house = scenario.house
    here = verbs.devices(house)
    for name in real:
        if name not in bench.devices:
            yield Fault("bench", None, "real", f"{name} is not in [devices]: {', '.join(bench.devices)}")
            continue
        if name not in here:
            what = f"{name} is no device of this house: {', '.join(sorted(here))}"
            yield Fault("bench", None, "real", what)
            continue
        unfit = _METERS if name.endswith(METER) else _UNFIT.get(name, "")
        if unfit:
            yield Fault("bench", None, "real", f"{name} cannot be real: {unfit}")
            continue
        measured = bench.devices[name].measured
        for quantity in sight.needed(house, name):
            if quantity not in measured:
                what = "is missing: without it the simulated house does not feel the real device"
                yield Fault("bench", None, f"devices.{name}.measured.{quantity}", what)
        for quantity in measured:
            point = sight.point(house, name, quantity)
            if point not in known:
                near = difflib.get_close_matches(point, known, n=1)
                hint = f"; did you mean {near[0].partition('.')[2]}?" if near else ""
                what = f"the house has no such quantity of it{hint}"
                yield Fault("bench", None, f"devices.{name}.measured.{quantity}", what)


def _of_event(
    scenario: Scenario, bench: Bench, real: tuple[str, ...], event: Event
) -> Iterator[tuple[str, str]]:
    match event:
        case Failure() | Clear():
            yield from _of_fault(scenario, bench, real, event)
        case Plug() if "charger" in real and bench.devices["charger"].car is None:
            yield "do", "charger is real, and no relay of the bench brings it a car: devices.charger.car"
        case Master():
            device = {out.point: out.device for out in outputs(scenario.house)}.get(event.point, "")
            if device in real:
                yield "point", f"{device} is real: no second client writes to it here"
        case Blackout():
            for name in real:
                if name not in event.backed and bench.devices[name].power is None:
                    what = f"{name} is real, and no relay takes its supply: devices.{name}.power, or backed"
                    yield "do", what


def _of_fault(
    scenario: Scenario, bench: Bench, real: tuple[str, ...], event: Failure | Clear
) -> Iterator[tuple[str, str]]:
    named = verbs.named(scenario.house, event.device)
    metal = [name for name in named if name in real]
    if not metal:
        return
    if event.device == verbs.SERIAL:
        yield "device", f"{', '.join(metal)} is real and not on {event.device}; name the devices one by one"
    elif isinstance(event, Failure):
        name = metal[0]
        why = _unable(name, bench.devices[name], verbs.felt(event.device, event.kind))
        if why:
            yield "kind", f"{name} is real and cannot be {event.kind}: {why}"


def _unable(name: str, device: Device, kind: Kind) -> str:
    lead = LEAD_OF.get(kind)
    if lead is None:
        return _WHY[kind]
    if lead not in device.leads:
        return f"no relay of the bench cuts its {lead}: devices.{name}.{lead}"
    own = [quantity for quantity, one in device.measured.items() if one.where is not None]
    if lead == "cable" and any(quantity.endswith("power_w") for quantity in own):
        return "its power is read through the cable that is cut; give it a meter of the bench"
    return ""
