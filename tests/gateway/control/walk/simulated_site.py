"""The simulated site of a walk: its physics, its devices with their timers, and the readings that they send.

Powers in W, plus takes from the building's bus.  Devices follow an order with the next step of time.
"""

from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field
from math import inf, isfinite
from random import Random

from quartier.control.observe import local_time
from quartier.site import asset_types
from quartier.site.asset_types import (
    PHASES,
    ROOT_NODE,
    Battery,
    ChargePointAsset,
    ControllableAsset,
    Load,
    OperationModeAsset,
    Pv,
)
from quartier.site.site_layout import Site
from quartier_drivers.readings import FLOAT, Layout, Readings

GOOD, BAD, STALE = range(3)  # places in ``contract.QUALITIES``
NORMAL = {"tank_c": 50.0, "room_c": 22.0, "co2_ppm": 600.0, "supply_c": 40.0, "return_c": 30.0}
NORMAL |= {"waiting_on": 1.0, "left_s": 3_600.0}
Three = tuple[float, float, float]


@dataclass
class Car:
    """What stands at a charge point; ``phases`` are those it charges on."""

    phases: int = 3
    max_a: float = 16.0
    wants_wh: float = inf
    got_wh: float = 0.0
    leaves_t: float | None = None


def point_of(asset: ControllableAsset) -> str:
    """What an asset is steered by, whether it takes orders or not."""
    if isinstance(asset, OperationModeAsset):
        return asset.point
    if isinstance(asset, Battery):
        return f"{asset.name}.setpoint_w"
    if isinstance(asset, ChargePointAsset):
        return f"{asset.name}.current_max_a"
    if isinstance(asset, Pv) and asset.curtail != "relay":
        return f"{asset.name}.generation_max_w"
    return f"{asset.name}.relay_on"


@dataclass
class SimulatedSite:
    """The building and the grid at second ``t`` of the truth, and how its devices lie, hide and disobey.

    ``lies`` maps a point to how its value is bent, ``silent`` are owners or points that say nothing, ``deaf``
    owners that take no order, ``other_writers`` points that somebody else writes all the time.
    """

    house: Site
    t: float = 0.0
    base_w: dict[str, Three] = field(default_factory=dict)
    sun: float = 0.3
    use: dict[str, float] = field(default_factory=dict)
    cars: dict[str, Car] = field(default_factory=dict)
    soc_pct: dict[str, float] = field(default_factory=dict)
    senses: dict[str, float] = field(default_factory=dict)
    closed: dict[str, bool] = field(default_factory=dict)
    operator: dict[str, float] = field(default_factory=dict)
    hz: float = 50.0
    hz_goal: float = 50.0
    hz_slope: float = 1.0
    volts_pct: list[float] = field(default_factory=lambda: [100.0, 100.0, 100.0])
    lies: dict[str, tuple[str, float]] = field(default_factory=dict)
    silent: set[str] = field(default_factory=set)
    deaf: set[str] = field(default_factory=set)
    other_writers: dict[str, float] = field(default_factory=dict)
    orders: dict[str, float] = field(default_factory=dict)
    told_t: dict[str, float] = field(default_factory=dict)
    power_w: dict[str, float] = field(default_factory=dict)
    spread_w: dict[str, Three] = field(default_factory=dict)
    flows_w: dict[str, list[float]] = field(default_factory=dict)
    asked_t: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        house, self._random = self.house, Random(self.house.seed)
        pick = self._random.choice
        self._under = {node.name: node.under for node in house.nodes}
        self._single = {n.name: n.phase or pick(PHASES) for n in house.nodes if n.phases_count == 1}
        self._ways = {a.name: self._way(a.node) for a in house.assets}
        self._wired = {a.name: self._wiring(a) for a in house.assets}
        self._says = {
            a.name: (self._random.random() < 0.7, self._random.random() < 0.7) for a in house.assets
        }
        self._phased = self._random.random() < 0.7
        self._layouts: dict[str, tuple[tuple[str, ...], Layout]] = {}
        self._due: dict[str, float] = {}
        self._by_point = {point_of(a): a for a in house.assets}
        self._night_t, self._is_night = -inf, False
        for asset in house.assets:
            self.use[asset.name] = 1.0
            if isinstance(asset, Battery):
                self.soc_pct[asset.name] = 50.0
            elif isinstance(asset, OperationModeAsset):
                self.senses |= {f"{asset.name}.{sense}": NORMAL[sense] for sense in asset.senses}
        self.closed = {c.name: c.acts_open for c in house.contacts}
        self.operator = {"subscribed_power_va": 12_000.0, "over_current_on": 0.0, "over_power_on": 0.0}
        self.base_w = {ROOT_NODE: (200.0, 200.0, 200.0)}
        self._flow()

    # --- how it is wired -------------------------------------------------------------------------

    def _way(self, node: str) -> tuple[str, ...]:
        return (node,) if node == ROOT_NODE else (node, *self._way(self._under[node]))

    def _wiring(self, asset: ControllableAsset) -> Three:
        """The part of its power on each phase of the building; of a car by its terminals L1, L2, L3."""
        single = next((self._single[n] for n in self._ways[asset.name] if n in self._single), None)
        on = single or (asset.phase if asset.phase in PHASES else None)
        if (
            on is None
            and asset.phase is None
            and not (isinstance(asset, ChargePointAsset) and asset.phases_count == 3)
        ):
            on = self._random.choice((*PHASES, None))
        if on is None:
            return (1 / 3, 1 / 3, 1 / 3)
        return tuple(float(on == phase) for phase in PHASES)

    # --- time ------------------------------------------------------------------------------------

    @property
    def is_out(self) -> bool:
        return max(self.volts_pct) < 50.0

    def pass_(self, dt_s: float, utc_ms: float) -> None:
        """Let time pass, on the orders that stand."""
        self.t += dt_s
        for point, value in self.other_writers.items():
            self.orders[point], self.told_t[point] = value, self.t
        self._forget()
        away_hz = self.hz_goal - self.hz
        self.hz += min(max(away_hz, -self.hz_slope * dt_s), self.hz_slope * dt_s)
        if self.t - self._night_t > 300:
            self._night_t = self.t
            self._is_night = local_time.find_sun_elevation_deg(utc_ms, 48.85, 2.35) < local_time.HORIZON_DEG
        self._flow()
        for asset in self.house.assets:
            watts = self.power_w[asset.name]
            if isinstance(asset, Battery):
                moved_pct = watts * dt_s / 36.0 / asset.capacity_wh
                self.soc_pct[asset.name] = min(100.0, max(0.0, self.soc_pct[asset.name] + moved_pct))
            elif isinstance(asset, ChargePointAsset) and asset.name in self.cars:
                self.cars[asset.name].got_wh += watts * dt_s / 3600.0
            elif isinstance(asset, OperationModeAsset):
                self._drift(asset, watts, dt_s)

    def _forget(self) -> None:
        """The timers of devices: what nobody refreshed is over."""
        for point in [p for p, t in self.told_t.items() if self.t - t > self._lease_s(p)]:
            self.let_go(point)

    def _lease_s(self, point: str) -> float:
        return self._by_point[point].lease_s if hasattr(self._by_point[point], "lease_s") else inf

    def _drift(self, asset: OperationModeAsset, watts: float, dt_s: float) -> None:
        part = watts / asset.rated_w
        for sense, per_s in (("tank_c", 0.01 * part - 0.003), ("left_s", -part)):
            point = f"{asset.name}.{sense}"
            if point in self.senses:
                self.senses[point] = max(0.0, self.senses[point] + per_s * dt_s)
        if isinstance(asset, asset_types.CoolingAsset):
            point = f"{asset.name}.room_c"
            self.senses[point] += (0.001 - 0.002 * part) * dt_s

    # --- orders ----------------------------------------------------------------------------------

    def obey(self, point: str, value: float) -> None:
        """A device takes what it is told, unless it is deaf."""
        if point.partition(".")[0] not in self.deaf:
            if self.orders.get(point) != value:
                self.asked_t[point] = self.t
            self.orders[point], self.told_t[point] = value, self.t

    def let_go(self, point: str) -> None:
        """The device's own control again; a CHP keeps what it was asked (``on_release`` is ``hold``)."""
        if isinstance(self._by_point[point], asset_types.ChpUnit):
            return
        self.orders.pop(point, None)
        self.told_t.pop(point, None)

    def mode_of(self, asset: OperationModeAsset) -> int:
        """The mode it runs in."""
        value = self.orders.get(asset.point)
        if value is None:
            return asset.normal
        return min(range(len(asset.modes)), key=lambda i: abs(asset.modes[i].value - value))

    # --- what flows ------------------------------------------------------------------------------

    def _flow(self) -> None:
        flows = {name: [0.0, 0.0, 0.0] for name in (ROOT_NODE, *self._under)}
        out = self.is_out
        for node, three in self.base_w.items():
            if not out:
                on = self._single.get(node)
                here = three if on is None else tuple(sum(three) * (phase == on) for phase in PHASES)
                self._add(flows, self._way(node), here)
        for asset in self.house.assets:
            watts, three = (0.0, (0.0, 0.0, 0.0)) if out else self._taken(asset)
            self.power_w[asset.name], self.spread_w[asset.name] = watts, three
            if watts:
                self._add(flows, self._ways[asset.name], three)
        self.flows_w = flows

    def _add(self, flows: dict[str, list[float]], way: tuple[str, ...], three: Three) -> None:
        for name in way:
            flow = flows[name]
            for k in range(3):
                flow[k] += three[k]

    def _taken(self, asset: ControllableAsset) -> tuple[float, Three]:
        if isinstance(asset, ChargePointAsset):
            return self._charging(asset)
        a, b, c = self._wired[asset.name]
        watts = self._watts(asset)
        return watts, (watts * a, watts * b, watts * c)

    def _watts(self, asset: Battery | Pv | Load | OperationModeAsset) -> float:
        order, use = self.orders.get(point_of(asset)), self.use[asset.name]
        if isinstance(asset, Battery):
            return self._stored_w(asset, order)
        if isinstance(asset, Pv):
            most_w = asset.rated_w if order is None or asset.curtail == "relay" else order
            on = 1.0 if order is None or asset.curtail != "relay" else order
            return -min(self.sun * asset.rated_w, max(0.0, most_w)) * on
        if isinstance(asset, Load):
            return use * asset.rated_w * (1.0 if order is None else float(order != 0))
        if isinstance(asset, asset_types.ChpUnit):
            asked = order == 1 and self.t - self.asked_t.get(asset.point, self.t) > 60
            return -asset.rated_w if asked or use > 1 else 0.0
        if isinstance(asset, asset_types.Lights) and not self._is_night:
            use = 0.0
        return min(use, 1.0) * asset.modes[self.mode_of(asset)].power_w

    def _stored_w(self, battery: Battery, order: float | None) -> float:
        want_w = 0.0 if order is None else order
        soc_pct, here_w = self.soc_pct[battery.name], self.power_w.get(battery.name, 0.0)
        if (want_w < 0 and soc_pct <= 0) or (want_w > 0 and soc_pct >= 100):
            want_w = 0.0
        step_w = battery.ramp_max_w_per_s * self.house.cycle_s
        return min(max(want_w, here_w - step_w), here_w + step_w)

    def _charging(self, ev: ChargePointAsset) -> tuple[float, Three]:
        car = self.cars.get(ev.name)
        order = self.orders.get(f"{ev.name}.current_max_a", ev.current_max_a)
        if car is None or order < ev.current_min_a or car.got_wh >= car.wants_wh:
            return 0.0, (0.0, 0.0, 0.0)
        each_w = min(order, car.max_a, ev.current_max_a) * ev.voltage_v
        count = min(car.phases, ev.phases_count)
        wired = self._wired[ev.name]
        if max(wired) > 0.9 or ev.phases_count == 1:
            return each_w * count, tuple(each_w * count * part for part in wired)
        first = PHASES.index(ev.l1_on or "l1")
        three = tuple(each_w if (k - first) % 3 < count else 0.0 for k in range(3))
        return each_w * count, three

    # --- what is told ----------------------------------------------------------------------------

    def told(self, now_ns: int) -> Iterator[Readings]:
        """What each device that is due and not silent says at this instant."""
        grid = self.house.grid
        if self._is_due(ROOT_NODE, grid.period_s):
            yield from self._told("grid", "grid", self._of_grid(), now_ns)
        yield from self.told_of_mains(now_ns)
        for node in self.house.nodes:
            if node.measured and self._is_due(node.name, node.period_s):
                yield from self._told(node.name, node.name, self._of_meter(node.name, phased=True), now_ns)
        for asset in self.house.assets:
            yield from self._told(asset.name, asset.name, self._of(asset), now_ns)
        for contact in self.house.contacts:
            yield from self._told(contact.name, contact.name, {"input_on": self.closed[contact.name]}, now_ns)
        for supply in self.house.supplies:
            if not supply.is_grid:
                said = {"apparent_power_va": abs(sum(self.flows_w[ROOT_NODE])), **self.operator}
                yield from self._told(supply.name, supply.name, said, now_ns)

    def told_of_mains(self, now_ns: int) -> Iterator[Readings]:
        """Frequency and voltage alone: also between two cycles."""
        said = {}
        if self.house.grid.frequency_period_s is not None:
            said["frequency_hz"] = round(self.hz + self._random.uniform(-0.004, 0.004), 3)
        if self.house.grid.voltage_period_s is not None:
            said |= {f"voltage_l{k + 1}_v": 2.3 * pct for k, pct in enumerate(self.volts_pct)}
        if said:
            yield from self._told("grid", "mains", said, now_ns)

    def _is_due(self, name: str, period_s: float) -> bool:
        if self.t < self._due.get(name, 0.0) - 1e-6:
            return False
        self._due[name] = self.t + period_s
        return True

    def _of_grid(self) -> dict[str, float]:
        if not self.house.grid.is_apparent:
            return self._of_meter(ROOT_NODE, phased=self._phased)
        flow_w = sum(self.flows_w[ROOT_NODE])
        said = {"apparent_power_va": max(0.0, flow_w) if self._phased else abs(flow_w)}
        if self._phased:
            said["apparent_power_export_va"] = max(0.0, -flow_w)
        return said | self.operator

    def _of_meter(self, name: str, *, phased: bool) -> dict[str, float]:
        flow = self.flows_w[name]
        said = {"power_w": sum(flow)}
        if phased:
            said |= {f"power_l{k + 1}_w": watts for k, watts in enumerate(flow)}
            said |= {f"current_l{k + 1}_a": abs(watts) / 230 for k, watts in enumerate(flow)}
        return said

    def _of(self, asset: ControllableAsset) -> dict[str, float]:
        name, (echoes, guards) = asset.name, self._says[asset.name]
        said = {"power_w": self.power_w[name]} if asset.measured else {}
        if asset.falls_back and not asset.accepts_no_fallback and guards:
            said["fallback_on"] = 1.0
        point = point_of(asset)
        if echoes and not (isinstance(asset, Pv) and asset.curtail == "none"):
            said[point.partition(".")[2]] = self.orders.get(point, self._unordered(asset))
        if isinstance(asset, Battery):
            said["soc_pct"] = self.soc_pct[name]
        elif isinstance(asset, ChargePointAsset):
            said |= self._of_car(asset, currents=echoes)
        elif isinstance(asset, OperationModeAsset):
            said |= {sense: self.senses[f"{name}.{sense}"] for sense in asset.senses}
        return said

    def _unordered(self, asset: ControllableAsset) -> float:
        if isinstance(asset, OperationModeAsset):
            return asset.modes[asset.normal].value
        if isinstance(asset, ChargePointAsset):
            return asset.current_max_a
        return (
            asset.rated_w
            if isinstance(asset, Pv) and asset.curtail == "limit"
            else float(not isinstance(asset, Battery))
        )

    def _of_car(self, ev: ChargePointAsset, *, currents: bool) -> dict[str, float]:
        car = self.cars.get(ev.name)
        said = {"plugged_on": float(car is not None)}
        if currents:
            each_a = self.power_w[ev.name] / 230 / min(3 if car is None else car.phases, ev.phases_count)
            count = 0 if car is None else min(car.phases, ev.phases_count)
            said |= {f"current_l{k + 1}_a": each_a if k < count else 0.0 for k in range(ev.phases_count)}
            said["session_energy_wh"] = 0.0 if car is None else car.got_wh
            wants_wh = 0.0 if car is None or not isfinite(car.wants_wh) else car.wants_wh
            said["energy_wanted_wh"] = wants_wh
            leaves = car is not None and car.leaves_t is not None
            said["departure_in_s"] = max(0.0, car.leaves_t - self.t) if leaves else 3_600.0
        return said

    def _told(self, owner: str, name: str, said: dict[str, float], now_ns: int) -> Iterator[Readings]:
        if owner in self.silent or not said:
            return
        known = self._layouts.get(name)
        if known is None:
            points = tuple(f"{owner}.{quantity}" for quantity in said)
            known = self._layouts[name] = points, Layout(points, bytes([FLOAT] * len(points)))
        points, layout = known
        if self.lies or self.silent:
            told = [self._bent(point, value) for point, value in zip(points, said.values(), strict=True)]
            yield Readings(layout, array("d", [v for v, _ in told]), bytes(q for _, q in told), now_ns)
        else:
            yield Readings(layout, array("d", said.values()), bytes(len(points)), now_ns)

    def _bent(self, point: str, value: float) -> tuple[float, int]:
        """What is told instead; the quality of a point that is silent is bad."""
        how, by = self.lies.get(point, ("", 0.0))
        if point in self.silent or how == "bad":
            return value, BAD
        if how == "is":
            value = by
        elif how == "times":
            value = value * by
        elif how == "stands":  # from now on
            self.lies[point] = "is", value
        return value, STALE if how == "stale" else GOOD
