"""Find what the rig can measure of a site with real devices, and the checks that remain (pure)."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from quartier_hil import fittings, wanted
from quartier_hil.fittings import BOX
from quartier_hil.house import House
from quartier_hil.outputs import Output, outputs
from quartier_hil.rig.bench import Bench, Measured
from quartier_hil.scenario import Scenario
from quartier_hil.verdict.declared import expectations

_USUAL = {"charger": "ev1", "heatmeter": "hp1", "storage": "bat1", "solar": "pv1"}
_PARTS = {"bat1": "battery.", "pv1": "pv.", "hp1": "relay1."}
_GENERATION = "order.generation_max_w"
# What the rig works out from the power that it reads.
_FOLLOWING = ("energy_import_wh", "energy_export_wh")
_SWITCHED: tuple[wanted.InvariantName, ...] = ("minimum-times", "switchings", "floors")


def assets(house: House, device: str) -> dict[str, str]:
    """Return the assets in a device, each with the prefix of its quantities there."""
    if device == "gx":
        on_gx = {"bat1": house.battery, "pv1": house.pv}
        return {asset: _PARTS[asset] for asset, make in on_gx.items() if make == "gx"}
    if device in _USUAL:
        return {_USUAL[device]: ""}
    boxes = {name + BOX: name for asset in house.assets for name in fittings.names(asset)}
    return {boxes[device]: ""} if device in boxes else {}


def ordered(house: House, device: str) -> dict[str, str]:
    """Return the orders of a device: each quantity there with its column in the course."""
    found = {
        _prefix(out) + out.point.partition(".")[2]: out.order
        for out in outputs(house)
        if out.device == device
    }
    return found | ({"generation_max_w": _GENERATION} if device == "solar" else {})


def _prefix(out: Output) -> str:
    return _PARTS[out.asset] if out.device in {"gx", "relays"} else ""


def needed(house: House, device: str) -> list[str]:
    """Return the quantities of a device that must be measured for the site to work around it."""
    if device == "relays":
        return list(ordered(house, device))
    return [f"{prefix}power_w" for prefix in assets(house, device).values()]


def point(house: House, device: str, quantity: str) -> str:
    """The point of a device's quantity; empty where it belongs to none of its assets."""
    told = ordered(house, device)
    if quantity in told:
        return told[quantity]
    for asset, prefix in assets(house, device).items():
        if quantity.startswith(prefix) and "." not in quantity.removeprefix(prefix):
            return f"{asset}.{quantity.removeprefix(prefix)}"
    return ""


@dataclass(frozen=True)
class Sight:
    """Measurable points of one site with the devices ``real`` of a bench."""

    house: House
    bench: Bench
    real: tuple[str, ...]

    def measured(self) -> Iterator[tuple[str, str, Measured]]:
        """Yield each measured point, with its device and its source."""
        for name in self.real:
            for quantity, one in self.bench.devices[name].measured.items():
                yield point(self.house, name, quantity), name, one

    @property
    def _seen(self) -> set[str]:
        return {where for where, _, _ in self.measured()}

    @property
    def _hosts(self) -> Mapping[str, str]:
        """The assets that live in real devices, with the device."""
        return {asset: name for name in self.real for asset in assets(self.house, name)}

    @property
    def hidden_orders(self) -> dict[str, str]:
        """Return the columns of orders that are not read from a real device, with the device."""
        told = {order: name for name in self.real for order in ordered(self.house, name).values()}
        return {order: name for order, name in told.items() if order not in self._seen}

    def whose(self, name: str) -> str:
        """The real device that keeps this point to itself; empty: it is seen."""
        if name in self._seen:
            return ""
        owner, _, quantity = name.partition(".")
        if owner == "order":
            return self.hidden_orders.get(name, "")
        return "" if quantity in _FOLLOWING else self._hosts.get(owner, "")

    def shown(self, values: Mapping[str, float]) -> dict[str, float]:
        """Without what the rig does not know of real devices."""
        return {name: value for name, value in values.items() if not self.whose(name)}


@dataclass(frozen=True)
class Judged:
    """The scenario with the checks that remain, whether a tightening can be checked, and the other checks."""

    scenario: Scenario
    is_tightening: bool
    unjudged: tuple[str, ...]


def judged(scenario: Scenario, sight: Sight) -> Judged:
    """Return the promises of a scenario that can be evaluated while some devices are real."""
    checks: list[wanted.Check] = []
    left: list[str] = []
    for check in scenario.checks:
        hidden = sight.whose(getattr(check, "point", "")) if not isinstance(check, _ELSEWHERE) else ""
        if hidden:
            left.append(f"{check.check} {getattr(check, 'point', '')}: {hidden} is real and nobody reads it")
        elif isinstance(check, wanted.Invariants):
            checks.append(_narrowed(scenario, check, sight, left))
        else:
            checks.append(check)
            if isinstance(check, wanted.Released):
                left.append(f"released: not of {', '.join(sight.real)}, which nobody asks then")
    hidden_orders = ", ".join(sight.hidden_orders)
    if hidden_orders:
        left.append(f"tightening: nobody reads {hidden_orders}")
    return Judged(scenario.model_copy(update={"checks": tuple(checks)}), not hidden_orders, tuple(left))


# Points of these are what the district heard, whoever measures them.
_ELSEWHERE = (wanted.Told, wanted.NothingLost)


def _narrowed(
    scenario: Scenario, check: wanted.Invariants, sight: Sight, left: list[str]
) -> wanted.Invariants:
    """The invariants that can be judged; in ``left`` goes what cannot."""
    without: set[wanted.InvariantName] = set()
    if battery := sight.whose("bat1.soc_pct"):
        without.add("band-kept")
        left.append(f"band-kept: {battery} is real and nobody reads its charge")
    if hidden := sight.hidden_orders:
        left.append(f"{', '.join(_SWITCHED)}: not of {', '.join(hidden)}, which nobody reads")
    losses = {one.output.device for one in expectations(scenario)}
    if losses and losses <= {*sight.real}:
        without.add("declared")
    if apart := losses & {*sight.real}:
        left.append(f"declared: not of {_listed(apart)} while it is cut off")
    return check.model_copy(update={"without": tuple({*check.without, *without})})


def _listed(names: Collection[str]) -> str:
    return ", ".join(sorted(names))
