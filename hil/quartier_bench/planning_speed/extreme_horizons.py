"""Horizons with one storage that no house has and a file may still state: nothing to move, limits of zero,
prices
twelve orders of magnitude apart, steps of different lengths.

Where costs are convex the linear program is the reference (``storage_program``), and the mixed-integer one
where
burning energy in a battery that charges and discharges at once would pay.  Energies and prices are scaled
by
powers of two, which round nothing: the reference solves the horizon as drawn, the planner as scaled.
"""

import random
from dataclasses import dataclass
from math import inf

from quartier_bench.planning_speed.storage_horizons import Horizon, SampledHorizon

ENERGY_FACTORS = (2.0**-10, 1.0, 1.0, 1.0, 2.0**12)
PRICE_FACTORS = (2.0**-30, 1.0, 1.0, 1.0, 2.0**16)
_STEP_COUNTS = (1, 1, 2, 2, 3, 5, 8, 13, 24, 48)
_STEP_HOURS = (1 / 12, 0.25, 1.0)
_EFFICIENCIES = (1.0, 1.0, 0.95, 0.9, 0.5, 0.1, 1 / 64, 1e-3)
_ENERGY_COLUMNS = ("net_wh", "curtailable_wh", "contract_wh", "import_max_wh", "export_max_wh")
_STORE_COLUMNS = ("low_wh", "high_wh", "floor_wh", "ceiling_wh")
_ROUNDING_SHARE = 1e-15
_PRICE_COLUMNS = ("import_price", "export_price", "over_price")


@dataclass(frozen=True, slots=True)
class ExtremeHorizon:
    """A horizon as the judge has it; ``energy`` and ``price`` are what the planner has it times."""

    horizon: Horizon
    energy: float
    price: float

    @property
    def planner_horizon(self) -> Horizon:
        """As the planner has it."""
        steps, store = self.horizon.steps, self.horizon.store
        factors = dict.fromkeys((*_ENERGY_COLUMNS, *_STORE_COLUMNS), self.energy) | dict.fromkeys(
            _PRICE_COLUMNS, self.price
        )
        return Horizon(
            {name: [value * factors[name] for value in values] for name, values in steps.items()},
            {
                **store,
                "wear_price": store["wear_price"] * self.price,
                "energy_wh": store["energy_wh"] * self.energy,
                "target_wh": store["target_wh"] * self.energy,
                "worth_price": store["worth_price"] * self.price,
            },
        )


def compute_rounding_money(horizon: Horizon, loose_wh: float = 0.0) -> float:
    """Money that rounding may make: of the store's energies, and of what a judge was loosened by, each Wh at
    the highest price.
    """
    steps, store = horizon.steps, horizon.store
    dearest = store["wear_price"] + max(abs(price) for name in _PRICE_COLUMNS for price in steps[name])
    widest_wh = max(abs(wh) for name in _STORE_COLUMNS for wh in steps[name])
    per_wh = 1.0 / store["charge_efficiency"] / store["discharge_efficiency"]
    return dearest * (_ROUNDING_SHARE * widest_wh + loose_wh * per_wh)


def draw_extreme_horizon(seed: int, *, signs: bool = False) -> ExtremeHorizon:
    """One at random; with ``signs`` some prices are below zero, exports may bring more than imports cost, and
    generation may exceed what can be curtailed.
    """
    source = random.Random(f"hostile {seed}")  # noqa: S311 - a horizon, no secret
    count = source.choice(_STEP_COUNTS)
    hours = [source.choice(_STEP_HOURS)] * count
    if source.random() < 0.3:
        hours = [source.choice(_STEP_HOURS) for _ in range(count)]
    into, out = source.choice(_EFFICIENCIES), source.choice(_EFFICIENCIES)
    capacity_wh = source.choice((0.0, 1.0, 1000.0, 5000.0, 10_000.0))
    energy_wh = source.choice((0.0, capacity_wh, 0.5 * capacity_wh, capacity_wh + 1000.0))
    sun_wh = [
        _draw_one(source, (0.0, 0.0, 1000.0, 2000.0, source.uniform(0.0, 6000.0))) * each for each in hours
    ]
    load_wh = [
        _draw_one(source, (0.0, 0.0, 1000.0, 2000.0, source.uniform(0.0, 4000.0))) * each for each in hours
    ]
    if signs and source.random() < 0.3:
        load_wh = [wh - source.choice((0.0, 500.0)) for wh in load_wh]
    imports, exports = _draw_prices(source, count)
    if signs:
        _flip_signs(source, imports, exports)
    reserve_wh = source.choice((0.0, 0.0, 0.2 * capacity_wh, capacity_wh))
    low_wh, high_wh = _draw_power_bounds(source, hours, into, out)
    steps = {
        "net_wh": [load - sun for load, sun in zip(load_wh, sun_wh, strict=True)],
        "curtailable_wh": sun_wh,
        "import_price": imports,
        "export_price": exports,
        "over_price": _draw_all(source, count, (0.0, 1e-4, max(0.0, *imports))),
        "contract_wh": _draw_all(source, count, (0.0, 500.0, 1000.0, inf)),
        "import_max_wh": _draw_all(source, count, (0.0, 500.0, 1000.0, 3000.0, inf, inf)),
        "export_max_wh": _draw_all(source, count, (0.0, 500.0, 1000.0, inf, inf)),
        "low_wh": low_wh,
        "high_wh": high_wh,
        "floor_wh": [min(reserve_wh, energy_wh)] * count,
        "ceiling_wh": [max(capacity_wh, energy_wh)] * count,
    }
    if source.random() < 0.2:  # bounds of their own in some steps: perhaps none keeps them
        for number in range(count):
            if source.random() < 0.3:
                at_wh = source.choice((0.0, 0.5, 1.0)) * capacity_wh
                steps["floor_wh"][number] = at_wh
                steps["ceiling_wh"][number] = at_wh + source.choice((0.0, 100.0, capacity_wh))
    store = {
        "charge_efficiency": into,
        "discharge_efficiency": out,
        "wear_price": source.choice((0.0, 0.0, 1e-5, max(0.0, *imports))),
        "energy_wh": energy_wh,
        "target_wh": source.choice((0.0, 0.5 * capacity_wh, capacity_wh, 2.0 * capacity_wh + 1.0, -1.0)),
        "worth_price": source.choice((0.0, min(imports), max(imports), imports[0] / into, -1e-4)),
    }
    return ExtremeHorizon(Horizon(steps, store), source.choice(ENERGY_FACTORS), source.choice(PRICE_FACTORS))


@dataclass(frozen=True, slots=True)
class ExtremeSampledHorizon:
    """The same with several net loads a step."""

    samples: SampledHorizon
    energy: float
    price: float

    @property
    def planner_horizon(self) -> SampledHorizon:
        """As the planner has it."""
        there, energy = self.samples, self.energy
        return SampledHorizon(
            ExtremeHorizon(there.horizon, energy, self.price).planner_horizon,
            [[(net * energy, sun * energy, weight) for net, sun, weight in step] for step in there.samples],
            [
                ([wh * energy for wh in above], [money * self.price for money in over])
                for above, over in there.tiers
            ],
        )


def draw_extreme_sampled_horizon(seed: int, *, signs: bool = False) -> ExtremeSampledHorizon:
    """One at random: up to 64 alike and different net loads, weights six orders apart, tiers at the cap, at
    one another and at nothing.
    """
    one = draw_extreme_horizon(seed, signs=signs)
    source = random.Random(f"hostile samples {seed}")  # noqa: S311 - a horizon, no secret
    horizon, steps = one.horizon, one.horizon.steps
    most = source.choice((1, 2, 3, 8)) if horizon.count > 5 else source.choice((1, 2, 5, 64))
    samples = []
    for net_wh, sun_wh in zip(steps["net_wh"], steps["curtailable_wh"], strict=True):
        rows = [(net_wh, sun_wh, _draw_weight(source))]
        for _ in range(source.randint(1, most) - 1):
            sun = sun_wh * source.choice((0.0, 1.0, 1.0, source.random()))
            load = max(0.0, net_wh + sun_wh + source.choice((0.0, 0.0, 500.0, source.gauss(0.0, 1500.0))))
            rows.append((load - sun, sun, _draw_weight(source)))
        samples.append(rows)
    tiers = [
        (
            source.choice(
                (
                    steps["import_max_wh"],
                    steps["contract_wh"],
                    _draw_all(source, horizon.count, (0.0, 500.0, 800.0)),
                )
            ),
            _draw_all(source, horizon.count, (0.0, 1e-4, max(steps["import_price"]))),
        )
        for _ in range(source.choice((0, 1, 3, 7)))
    ]
    tiers = [(list(above), [max(0.0, money) for money in over]) for above, over in tiers]
    return ExtremeSampledHorizon(SampledHorizon(horizon, samples, tiers), one.energy, one.price)


def _draw_weight(source: random.Random) -> float:
    return source.choice((1.0, 1.0, 2.0, 3.0, 10_000.0))


def _draw_one(source: random.Random, values: tuple[float, ...]) -> float:
    return source.choice(values)


def _draw_all(source: random.Random, count: int, values: tuple[float, ...]) -> list[float]:
    """One of the values in all steps, or one in each."""
    if source.random() < 0.6:
        return [source.choice(values)] * count
    return [source.choice(values) for _ in range(count)]


def _draw_power_bounds(
    source: random.Random, hours: list[float], into: float, out: float
) -> tuple[list[float], list[float]]:
    """Least and most change of the stored energy: none at all in some, a change that must be in a few."""
    charge_w, discharge_w = (source.choice((0.0, 500.0, 2500.0, 10_000.0)) for _ in range(2))
    low_wh = [0.0 - discharge_w * each / out for each in hours]
    high_wh = [charge_w * each * into for each in hours]
    for number in range(len(hours)):
        kind = source.random()
        if kind < 0.05:
            low_wh[number] = high_wh[number] = 0.0
        elif kind < 0.07:
            low_wh[number] = high_wh[number]
        elif kind < 0.09:
            high_wh[number] = low_wh[number]
    return low_wh, high_wh


def _draw_prices(source: random.Random, count: int) -> tuple[list[float], list[float]]:
    """Each import at least the export: equal ones, none, some twelve orders apart."""
    kind = source.choice(("equal", "two", "none", "apart", "any"))
    values = {
        "equal": (2.5e-4,),
        "two": (2e-4, 3e-4),
        "none": (0.0,),
        "apart": (1e-9, 1e-4, 1e3),
        "any": tuple(source.uniform(0.0, 5e-4) for _ in range(count)),
    }[kind]
    imports = [source.choice(values) for _ in range(count)]
    shares = source.choice(((0.0,), (1.0,), (0.0, 0.5, 1.0)))
    return imports, [price * source.choice(shares) for price in imports]


def _flip_signs(source: random.Random, imports: list[float], exports: list[float]) -> None:
    for number in range(len(imports)):
        kind = source.random()
        if kind < 0.15:
            imports[number] = -imports[number]
            exports[number] = imports[number] - source.choice((0.0, 5e-5))
        elif kind < 0.3:
            exports[number] = -source.choice((0.0, 1e-4))
        elif kind < 0.4:
            exports[number] = imports[number] + source.choice((0.0, 1e-4))
