"""Find what can be measured and done with real devices: the checks that remain, the events that are
refused (pure).
"""

import difflib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from math import isclose

from quartier_drivers.errors import Fault
from quartier_hil.checks.promised_values import list_declared_values
from quartier_hil.real_devices.bench_model import Bench, MeasuredQuantity, RealDevice, Wire
from quartier_hil.scenario import expectations as wanted
from quartier_hil.scenario import fault_rules, site
from quartier_hil.scenario.events import Blackout, CarPlug, FaultEnd, FaultEvent, SecondMaster
from quartier_hil.scenario.outputs import Output, list_outputs
from quartier_hil.scenario.scenario_file import Event, Scenario
from quartier_hil.scenario.site import DEVICE_SUFFIX, METER_SUFFIX, SiteSpec
from quartier_sim.devices.device_faults import FaultKind

_STANDARD_ASSETS = {"charger": "ev1", "heatmeter": "hp1", "storage": "bat1", "solar": "pv1"}
_ASSET_PREFIXES = {"bat1": "battery.", "pv1": "pv.", "hp1": "relay1."}
_GENERATION = "order.generation_max_w"
# What the rig works out from the power that it reads.
_DERIVED_QUANTITIES = ("energy_import_wh", "energy_export_wh")
_SWITCHING_INVARIANTS: tuple[wanted.InvariantName, ...] = ("minimum-times", "switchings", "floors")


def list_device_assets(site_spec: SiteSpec, device: str) -> dict[str, str]:
    """Return the assets in a device, each with the prefix of its quantities there."""
    if device == "gx":
        on_gx = {"bat1": site_spec.battery, "pv1": site_spec.pv}
        return {asset: _ASSET_PREFIXES[asset] for asset, make in on_gx.items() if make == "gx"}
    if device in _STANDARD_ASSETS:
        return {_STANDARD_ASSETS[device]: ""}
    boxes = {
        name + DEVICE_SUFFIX: name for asset in site_spec.assets for name in site.list_asset_names(asset)
    }
    return {boxes[device]: ""} if device in boxes else {}


def list_device_orders(site_spec: SiteSpec, device: str) -> dict[str, str]:
    """Return the orders of a device: each quantity there with its column in the course."""
    found = {
        _find_prefix(out) + out.point.partition(".")[2]: out.order
        for out in list_outputs(site_spec)
        if out.device == device
    }
    return found | ({"generation_max_w": _GENERATION} if device == "solar" else {})


def _find_prefix(out: Output) -> str:
    return _ASSET_PREFIXES[out.asset] if out.device in {"gx", "relays"} else ""


def list_required_quantities(site_spec: SiteSpec, device: str) -> list[str]:
    """Return the quantities of a device that must be measured for the site to work around it."""
    if device == "relays":
        return list(list_device_orders(site_spec, device))
    return [f"{prefix}power_w" for prefix in list_device_assets(site_spec, device).values()]


def find_point(site_spec: SiteSpec, device: str, quantity: str) -> str:
    """The point of a device's quantity; empty where it belongs to none of its assets."""
    orders = list_device_orders(site_spec, device)
    if quantity in orders:
        return orders[quantity]
    for asset, prefix in list_device_assets(site_spec, device).items():
        if quantity.startswith(prefix) and "." not in quantity.removeprefix(prefix):
            return f"{asset}.{quantity.removeprefix(prefix)}"
    return ""


@dataclass(frozen=True)
class MeasurableSite:
    """Measurable points of one site with the devices ``real`` of a bench."""

    house: SiteSpec
    bench: Bench
    real: tuple[str, ...]

    def iterate_measurements(self) -> Iterator[tuple[str, str, MeasuredQuantity]]:
        """Yield each measured point, with its device and its source."""
        for name in self.real:
            for quantity, one in self.bench.devices[name].measured.items():
                yield find_point(self.house, name, quantity), name, one

    @property
    def _seen(self) -> set[str]:
        return {where for where, _, _ in self.iterate_measurements()}

    @property
    def _hosts(self) -> Mapping[str, str]:
        """The assets that live in real devices, with the device."""
        return {asset: name for name in self.real for asset in list_device_assets(self.house, name)}

    @property
    def hidden_orders(self) -> dict[str, str]:
        """Return the columns of orders that are not read from a real device, with the device."""
        devices_by_order = {
            order: name for name in self.real for order in list_device_orders(self.house, name).values()
        }
        return {order: name for order, name in devices_by_order.items() if order not in self._seen}

    def whose(self, name: str) -> str:
        """The real device that keeps this point to itself; empty: it is seen."""
        if name in self._seen:
            return ""
        owner, _, quantity = name.partition(".")
        if owner == "order":
            return self.hidden_orders.get(name, "")
        return "" if quantity in _DERIVED_QUANTITIES else self._hosts.get(owner, "")

    def drop_unknown_values(self, values: Mapping[str, float]) -> dict[str, float]:
        """Without what the rig does not know of real devices."""
        return {name: value for name, value in values.items() if not self.whose(name)}


@dataclass(frozen=True)
class RemainingChecks:
    """The scenario with the checks that remain, whether a tightening can be checked, and the other checks."""

    scenario: Scenario
    is_tightening: bool
    unjudged: tuple[str, ...]


def select_checks(scenario: Scenario, measurable_site: MeasurableSite) -> RemainingChecks:
    """Return the promises of a scenario that can be evaluated while some devices are real."""
    checks: list[wanted.AnyExpectation] = []
    left: list[str] = []
    for check in scenario.checks:
        hidden = (
            measurable_site.whose(getattr(check, "point", ""))
            if not isinstance(check, _OTHER_EXPECTATIONS)
            else ""
        )
        if hidden:
            left.append(f"{check.check} {getattr(check, 'point', '')}: {hidden} is real and nobody reads it")
        elif isinstance(check, wanted.InvariantExpectation):
            checks.append(_narrow_invariants(scenario, check, measurable_site, left))
        else:
            checks.append(check)
            if isinstance(check, wanted.ReleaseExpectation):
                left.append(f"released: not of {', '.join(measurable_site.real)}, which nobody asks then")
    hidden_orders = ", ".join(measurable_site.hidden_orders)
    if hidden_orders:
        left.append(f"tightening: nobody reads {hidden_orders}")
    return RemainingChecks(
        scenario.model_copy(update={"checks": tuple(checks)}), not hidden_orders, tuple(left)
    )


# Points of these are what the district heard, whoever measures them.
_OTHER_EXPECTATIONS = (wanted.ReportExpectation, wanted.ContinuityExpectation)


def _narrow_invariants(
    scenario: Scenario, check: wanted.InvariantExpectation, measurable_site: MeasurableSite, left: list[str]
) -> wanted.InvariantExpectation:
    """The invariants that can be judged; in ``left`` goes what cannot."""
    without: set[wanted.InvariantName] = set()
    if battery := measurable_site.whose("bat1.soc_pct"):
        without.add("band-kept")
        left.append(f"band-kept: {battery} is real and nobody reads its charge")
    if hidden := measurable_site.hidden_orders:
        left.append(f"{', '.join(_SWITCHING_INVARIANTS)}: not of {', '.join(hidden)}, which nobody reads")
    losses = {one.output.device for one in list_declared_values(scenario)}
    if losses and losses <= {*measurable_site.real}:
        without.add("declared")
    if apart := losses & {*measurable_site.real}:
        left.append(f"declared: not of {_join_names(apart)} while it is cut off")
    return check.model_copy(update={"without": tuple({*check.without, *without})})


def _join_names(names: Collection[str]) -> str:
    return ", ".join(sorted(names))


FAULT_WIRES: dict[FaultKind, Wire] = {"off": "power", "unplugged": "cable"}
"""The verbs that a bench can do to real devices, and the wire that each cuts."""
_REFUSED_FAULTS: dict[FaultKind, str] = {
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
_METER_REFUSAL = (
    "it reads the sum of a house most of which is simulated, and no current of that flows through a real "
    "device; the reference meter of a real device belongs in [meters]"
)
_REFUSED_DEVICES = {
    "meter": _METER_REFUSAL,
    "inputs": "its contact is the grid operator's, which is simulated and closes nothing on a real input",
}


def list_obstacles(
    scenario: Scenario, bench: Bench, real: tuple[str, ...], known: Collection[str]
) -> list[Fault]:
    """Everything that is in the way of a run, in the words of the scenario and of the bench.

    ``known`` are the points of the house.
    """
    if not real:
        return []
    found = list(_list_device_obstacles(scenario, bench, real, known))
    if not isclose(scenario.rate, 1.0):
        what = f"{scenario.rate:g}: a second of {', '.join(real)} is a real one; expected --rate 1"
        found.append(Fault("scenario", None, "rate", what))
    if not any(fault.file == "bench" for fault in found):
        for index, event in enumerate(scenario.events):
            for key, what in _list_event_obstacles(scenario, bench, real, event):
                found.append(Fault("scenario", None, f"events.{index}.{key}", what))
    return found


def _list_device_obstacles(
    scenario: Scenario, bench: Bench, real: tuple[str, ...], known: Collection[str]
) -> Iterator[Fault]:
    site_spec = scenario.house
    here = fault_rules.list_devices(site_spec)
    for name in real:
        if name not in bench.devices:
            yield Fault("bench", None, "real", f"{name} is not in [devices]: {', '.join(bench.devices)}")
            continue
        if name not in here:
            what = f"{name} is no device of this house: {', '.join(sorted(here))}"
            yield Fault("bench", None, "real", what)
            continue
        unfit = _METER_REFUSAL if name.endswith(METER_SUFFIX) else _REFUSED_DEVICES.get(name, "")
        if unfit:
            yield Fault("bench", None, "real", f"{name} cannot be real: {unfit}")
            continue
        measured = bench.devices[name].measured
        for quantity in list_required_quantities(site_spec, name):
            if quantity not in measured:
                what = "is missing: without it the simulated house does not feel the real device"
                yield Fault("bench", None, f"devices.{name}.measured.{quantity}", what)
        for quantity in measured:
            point = find_point(site_spec, name, quantity)
            if point not in known:
                near = difflib.get_close_matches(point, known, n=1)
                hint = f"; did you mean {near[0].partition('.')[2]}?" if near else ""
                what = f"the house has no such quantity of it{hint}"
                yield Fault("bench", None, f"devices.{name}.measured.{quantity}", what)


def _list_event_obstacles(
    scenario: Scenario, bench: Bench, real: tuple[str, ...], event: Event
) -> Iterator[tuple[str, str]]:
    match event:
        case FaultEvent() | FaultEnd():
            yield from _list_fault_obstacles(scenario, bench, real, event)
        case CarPlug() if "charger" in real and bench.devices["charger"].car is None:
            yield "do", "charger is real, and no relay of the bench brings it a car: devices.charger.car"
        case SecondMaster():
            device = {out.point: out.device for out in list_outputs(scenario.house)}.get(event.point, "")
            if device in real:
                yield "point", f"{device} is real: no second client writes to it here"
        case Blackout():
            for name in real:
                if name not in event.backed and bench.devices[name].power is None:
                    what = f"{name} is real, and no relay takes its supply: devices.{name}.power, or backed"
                    yield "do", what


def _list_fault_obstacles(
    scenario: Scenario, bench: Bench, real: tuple[str, ...], event: FaultEvent | FaultEnd
) -> Iterator[tuple[str, str]]:
    named = fault_rules.list_target_devices(scenario.house, event.device)
    real_names = [name for name in named if name in real]
    if not real_names:
        return
    if event.device == fault_rules.SERIAL_WIRE:
        yield (
            "device",
            f"{', '.join(real_names)} is real and not on {event.device}; name the devices one by one",
        )
    elif isinstance(event, FaultEvent):
        name = real_names[0]
        why = _explain_impossible_fault(
            name, bench.devices[name], fault_rules.convert_wire_fault(event.device, event.kind)
        )
        if why:
            yield "kind", f"{name} is real and cannot be {event.kind}: {why}"


def _explain_impossible_fault(name: str, device: RealDevice, kind: FaultKind) -> str:
    wire = FAULT_WIRES.get(kind)
    if wire is None:
        return _REFUSED_FAULTS[kind]
    if wire not in device.wires:
        return f"no relay of the bench cuts its {wire}: devices.{name}.{wire}"
    own = [quantity for quantity, one in device.measured.items() if one.where is not None]
    if wire == "cable" and any(quantity.endswith("power_w") for quantity in own):
        return "its power is read through the cable that is cut; give it a meter of the bench"
    return ""
