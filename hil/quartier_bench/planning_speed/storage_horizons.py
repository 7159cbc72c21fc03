"""Horizons with one storage to plan: drawn at random with all degenerate cases, and days of a house."""

import math
import random
from array import array
from dataclasses import dataclass
from math import inf

from quartier_native.storages import MEAN_COLUMNS, PLAN_COLUMNS, SAMPLED_COLUMNS, STEP_COLUMNS, STORE_FIELDS

_STEP_HOURS = (1 / 12, 0.25, 1.0)
_SUNRISE_H, _DAYLIGHT_H, _EVENING_H = 6.0, 12.0, 19.0


@dataclass(frozen=True, slots=True)
class Horizon:
    """The columns of the steps and the fields of the store, as ``plan_storage`` has them: Wh, and money
    per Wh.
    """

    steps: dict[str, list[float]]
    store: dict[str, float]

    @property
    def count(self) -> int:
        """Number of steps."""
        return len(self.steps["net_wh"])

    @property
    def scale(self) -> float:
        """Money that goes over the meter without a storage: what differences are relative to."""
        steps = self.steps
        return sum(abs(a * b) for a, b in zip(steps["net_wh"], steps["import_price"], strict=True)) + 1e-3

    def arrays(self) -> tuple["array[float]", "array[float]", "array[float]"]:
        """Return the arguments of ``plan_storage``: steps, store, and room for the plan."""
        steps = array("d", [value for name in STEP_COLUMNS for value in self.steps[name]])
        store = array("d", [self.store[name] for name in STORE_FIELDS])
        return steps, store, array("d", bytes(8 * self.count * len(PLAN_COLUMNS)))


def draw_horizon(seed: int, *, signs: bool = False) -> Horizon:
    """A horizon at random: equal prices, full and empty stores, caps that bind everywhere, targets out of
    reach.

    With ``signs`` some prices are below zero, and some exports bring more than an import costs.
    """
    source = random.Random(seed)  # noqa: S311 - a horizon, no secret
    count = source.choice((1, 2, 3, 6, 12, 24, 48))
    hours = source.choice(_STEP_HOURS)
    capacity_wh = source.choice((5000.0, 10_000.0, 13_500.0))
    power_wh = source.choice((2500.0, 5000.0, 10_000.0)) * hours
    into, out = source.choice(((0.95, 0.95), (1.0, 1.0), (0.9, 0.92), (0.81, 1.0)))
    load_wh = [source.uniform(0.0, 4000.0) * hours for _ in range(count)]
    sun_wh = [max(0.0, source.uniform(-4000.0, 6000.0)) * hours for _ in range(count)]
    imports, exports = _draw_prices(source, count)
    if signs:
        _flip_signs(source, imports, exports)
    contract_wh, over = inf, 0.0
    if source.random() < 0.3:
        contract_wh, over = source.choice((0.0, 1000.0, 2000.0)) * hours, source.uniform(0.0, 1e-3)
    reserve_wh = source.choice((0.0, 0.0, 0.2 * capacity_wh))
    energy_wh = source.choice(
        (0.0, reserve_wh, capacity_wh, 0.5 * capacity_wh, source.uniform(0, capacity_wh))
    )
    steps = {
        "net_wh": [load - sun for load, sun in zip(load_wh, sun_wh, strict=True)],
        "curtailable_wh": sun_wh,
        "import_price": imports,
        "export_price": exports,
        "over_price": [over] * count,
        "contract_wh": [contract_wh] * count,
        "import_max_wh": [hours * source.choice((1000.0, 3000.0, 6000.0, inf, inf, inf))] * count,
        "export_max_wh": [hours * source.choice((0.0, 1000.0, 3000.0, inf, inf, inf))] * count,
        "low_wh": [-power_wh / out] * count,
        "high_wh": [power_wh * into] * count,
        "ceiling_wh": [max(capacity_wh, energy_wh)] * count,
    }
    steps["floor_wh"] = _compute_floors(steps, min(reserve_wh, energy_wh), reserve_wh, into)
    store = {
        "charge_efficiency": into,
        "discharge_efficiency": out,
        "wear_price": source.choice((0.0, 0.0, 2e-5)),
        "energy_wh": energy_wh,
        "target_wh": source.choice((0.0, 0.0, 0.5 * capacity_wh, capacity_wh)),
        "worth_price": source.choice((0.0, 1e-4, 2.5e-4)),
    }
    return Horizon(steps, store)


@dataclass(frozen=True, slots=True)
class SampledHorizon:
    """A horizon whose steps have several net loads: of each (net Wh, curtailable Wh, weight), which stand for
    the horizon's own.  ``tiers`` of import come beside the horizon's contract.
    """

    horizon: Horizon
    samples: list[list[tuple[float, float, float]]]
    tiers: list[tuple[list[float], list[float]]]

    @property
    def scale(self) -> float:
        """Money that goes over the meter without a storage: what differences are relative to."""
        prices = self.horizon.steps["import_price"]
        rows = zip(self.samples, prices, strict=True)
        return 1e-3 + sum(
            abs(wh * price) * weight / sum(one[2] for one in step)
            for step, price in rows
            for wh, _, weight in step
        )

    def arrays(self) -> tuple["array[float]", ...]:
        """Return the arguments of ``plan_sampled``: steps, tiers, samples, store, and room for the plan."""
        steps, count = self.horizon.steps, self.horizon.count
        counts = [float(len(step)) for step in self.samples]
        tiers = [(steps["contract_wh"], steps["over_price"]), *self.tiers]
        rows = [row for step in self.samples for row in step]
        return (
            array("d", [*counts, *(value for name in SAMPLED_COLUMNS[1:] for value in steps[name])]),
            array("d", [value for tier in tiers for column in tier for value in column]),
            array("d", [value for column in zip(*rows, strict=True) for value in column]),
            self.horizon.arrays()[1],
            array("d", bytes(8 * count * len(MEAN_COLUMNS))),
        )


def draw_sampled_horizon(seed: int, *, signs: bool = False) -> SampledHorizon:
    """The same horizons at random, some or all of their steps with several net loads."""
    horizon = draw_horizon(seed, signs=signs)
    source = random.Random(f"samples {seed}")  # noqa: S311 - a horizon, no secret
    steps, most = horizon.steps, source.choice((1, 2, 3, 7, 10))
    hours = steps["high_wh"][0] / horizon.store["charge_efficiency"] / 5000.0
    samples = []
    for net_wh, sun_wh in zip(steps["net_wh"], steps["curtailable_wh"], strict=True):
        rows = [(net_wh, sun_wh, float(source.choice((1, 1, 2, 5))))]
        for _ in range(source.randint(1, most) - 1):
            sun = sun_wh * source.choice((0.0, 1.0, source.random()))
            load = max(0.0, net_wh + sun_wh + source.choice((0.0, source.gauss(0.0, 1500.0))) * hours)
            rows.append((load - sun, sun, float(source.choice((1, 1, 2, 5)))))
        samples.append(rows)
    tiers = [
        ([source.uniform(0.0, 3000.0) * hours] * horizon.count, [source.uniform(0.0, 1e-4)] * horizon.count)
        for _ in range(source.choice((0, 0, 1, 3)))
    ]
    _recompute_floors(horizon, samples)
    return SampledHorizon(horizon, samples, tiers)


def _recompute_floors(horizon: Horizon, samples: list[list[tuple[float, float, float]]]) -> None:
    """A store below its reserve is charged as the largest net load leaves room for."""
    steps, store = horizon.steps, horizon.store
    largest = {**steps, "net_wh": [max(net_wh for net_wh, _, _ in step) for step in samples]}
    reserve_wh = steps["floor_wh"][-1] if steps["floor_wh"] else 0.0
    begin_wh = min(reserve_wh, store["energy_wh"])
    steps["floor_wh"][:] = _compute_floors(largest, begin_wh, reserve_wh, store["charge_efficiency"])


def make_house_horizon(count: int, hours: float, seed: int = 1) -> Horizon:
    """Days of a house with sun, a 13.5 kWh battery and a price that moves: what the bench plans."""
    source = random.Random(seed)  # noqa: S311 - a house, no secret
    steps: dict[str, list[float]] = {name: [] for name in STEP_COLUMNS}
    for number in range(count):
        hour = number * hours % 24.0
        load_wh = (
            300.0 + 1500.0 * math.exp(-(((hour - _EVENING_H) / 2.5) ** 2)) + source.uniform(0, 400)
        ) * hours
        height = math.sin((hour - _SUNRISE_H) / _DAYLIGHT_H * math.pi)
        lit = _SUNRISE_H < hour < _SUNRISE_H + _DAYLIGHT_H
        sun_wh = 4500.0 * height * source.uniform(0.5, 1.0) * hours if lit else 0.0
        price = (
            0.22 + 0.15 * math.sin((hour - 13.0) / 24.0 * 4.0 * math.pi) + source.uniform(-0.02, 0.02)
        ) / 1000
        row = {
            "net_wh": load_wh - sun_wh,
            "curtailable_wh": sun_wh,
            "import_price": price,
            "export_price": min(8e-5, price),
            "over_price": 0.0,
            "contract_wh": inf,
            "import_max_wh": 9000.0 * hours,
            "export_max_wh": 5000.0 * hours,
            "low_wh": -5000.0 * hours / 0.95,
            "high_wh": 5000.0 * hours * 0.95,
            "floor_wh": 1350.0,
            "ceiling_wh": 13_500.0,
        }
        for name, value in row.items():
            steps[name].append(value)
    store = {
        "charge_efficiency": 0.95,
        "discharge_efficiency": 0.95,
        "wear_price": 1e-5,
        "energy_wh": 5000.0,
        "target_wh": 0.0,
        "worth_price": 1.5e-4,
    }
    return Horizon(steps, store)


def remove_store_bounds(horizon: Horizon, count: int | None = None) -> Horizon:
    """The same with a store that is never full and never empty, in all steps or the first ``count``: the most
    that a plan has to keep in order.
    """
    free = horizon.count if count is None else count
    steps = horizon.steps
    floors, ceilings = [-1e8] * free + steps["floor_wh"][free:], [1e8] * free + steps["ceiling_wh"][free:]
    return Horizon({**steps, "floor_wh": floors, "ceiling_wh": ceilings}, horizon.store)


def make_sampled_house_horizon(count: int, hours: float, samples: int, seed: int = 1) -> SampledHorizon:
    """The same days, each step but the first with so many net loads: its load and sun more or less."""
    horizon = make_house_horizon(count, hours, seed)
    source = random.Random(f"days {seed}")  # noqa: S311 - a house, no secret
    steps = horizon.steps
    rows = [[(steps["net_wh"][0], steps["curtailable_wh"][0], 1.0)]]
    for net_wh, sun_wh in zip(steps["net_wh"][1:], steps["curtailable_wh"][1:], strict=True):
        step = []
        for _ in range(samples):
            sun = sun_wh * source.uniform(0.4, 1.3)
            step.append(((net_wh + sun_wh) * source.uniform(0.5, 1.6) - sun, sun, 1.0))
        rows.append(step)
    return SampledHorizon(horizon, rows, [])


def _draw_prices(source: random.Random, count: int) -> tuple[list[float], list[float]]:
    kind = source.random()
    if kind < 0.3:
        imports = [source.choice((2e-4, 3e-4)) for _ in range(count)]
    elif kind < 0.5:
        imports = [2.5e-4] * count
    else:
        imports = [source.uniform(5e-5, 5e-4) for _ in range(count)]
    kind = source.random()
    if kind < 0.2:
        return imports, [0.0] * count
    if kind < 0.4:
        return imports, list(imports)
    return imports, [source.uniform(0.0, price) for price in imports]


def _flip_signs(source: random.Random, imports: list[float], exports: list[float]) -> None:
    for number in range(len(imports)):
        kind = source.random()
        if kind < 0.15:
            imports[number] = -source.uniform(0.0, 2e-4)
            exports[number] = imports[number] - source.choice((0.0, 5e-5))
        elif kind < 0.3:
            exports[number] = -source.uniform(0.0, 1e-4)
        elif kind < 0.4:
            exports[number] = imports[number] + source.uniform(0.0, 1e-4)


def _compute_floors(
    steps: dict[str, list[float]], energy_wh: float, reserve_wh: float, into: float
) -> list[float]:
    """A store below its reserve is charged as fast as power and the import cap allow."""
    floors = []
    for net_wh, cap_wh, high_wh in zip(
        steps["net_wh"], steps["import_max_wh"], steps["high_wh"], strict=True
    ):
        energy_wh = min(reserve_wh, energy_wh + max(0.0, min(high_wh, (cap_wh - net_wh) * into)))
        floors.append(energy_wh)
    return floors
