"""Input and answer of the optimiser: buildings behind one transformer, and their plan or a failure (pure).

Powers in W, plus is consumption; energies in Wh; every series has one value per step.  Prices below zero
count as zero: waste is not paid, and no battery burns energy by charging and discharging at once.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from math import isfinite


class SoftLimit(StrEnum):
    """Soft limits in the order in which they are kept: the last gives way first, the cost before all of
    them.
    """

    TRANSFORMER = "transformer"
    CONTRACT = "contract"
    CARS = "cars"
    COMFORT = "comfort"


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildingPlan:
    """Plan of one building by step: W, plus is consumption; ``stored_wh`` at the end of the step."""

    grid_w: tuple[float, ...]
    curtailed_w: tuple[float, ...]
    battery_w: tuple[float, ...] | None = None
    stored_wh: tuple[float, ...] | None = None
    cars_w: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    heat_w: tuple[float, ...] | None = None

    @property
    def import_w(self) -> tuple[float, ...]:
        """Import by step, W."""
        return tuple(max(watts, 0.0) for watts in self.grid_w)

    @property
    def export_w(self) -> tuple[float, ...]:
        """Export by step, W."""
        return tuple(max(-watts, 0.0) for watts in self.grid_w)


@dataclass(frozen=True, slots=True, kw_only=True)
class DistrictPlan:
    """The best plan.  ``relaxed_wh``: by how much each soft limit gave way; of comfort Wh of heat times
    hours.
    """

    lots: Mapping[str, BuildingPlan]
    relaxed_wh: Mapping[SoftLimit, float]
    cost_eur: float
    solve_s: float
    solves_count: int

    @property
    def limit_violations(self) -> tuple[SoftLimit, ...]:
        """The soft limits that could not be kept, the dearest first."""
        return tuple(level for level in SoftLimit if self.relaxed_wh.get(level, 0.0) > 1.0)


@dataclass(frozen=True, slots=True)
class PlanFailure:
    """There is no plan, and why: ``time`` or the solver's own word."""

    why: str
    solve_s: float


StepSeries = tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Battery:
    """A store of electricity; ``charge_pct`` of what goes in is stored, ``discharge_pct`` of that comes
    out.
    """

    stored_wh: float
    stored_min_wh: float
    stored_max_wh: float
    charge_max_w: float
    discharge_max_w: float
    charge_pct: float = 95.0
    discharge_pct: float = 95.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Car:
    """A car that wants ``need_wh`` between the steps ``from_step`` and ``until_step`` (without the last)."""

    name: str
    need_wh: float
    power_max_w: float
    until_step: int
    from_step: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Heat:
    """A heat pump and its store, both of heat: below ``stored_min_wh`` it is not comfortable any more."""

    power_max_w: float
    demand_w: StepSeries
    stored_wh: float
    stored_min_wh: float
    stored_max_wh: float
    cop: float = 3.0
    loss_pct_per_h: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Building:
    """One connection: ``base_w`` is the uncontrolled load, ``pv_w`` the possible PV power (not negative)."""

    name: str
    base_w: StepSeries
    pv_w: StepSeries
    import_max_w: float
    export_max_w: float
    battery: Battery | None = None
    cars: tuple[Car, ...] = ()
    heat: Heat | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Prices:
    """Prices of energy; ``peak_eur_per_w`` is paid once for the highest common import of the
    horizon, and a fifth of it for the highest import of each building that can plan something.
    """

    import_eur_per_wh: StepSeries
    export_eur_per_wh: StepSeries
    co2_g_per_wh: StepSeries
    co2_eur_per_g: float = 0.0
    wear_eur_per_wh: float = 1e-5
    peak_eur_per_w: float = 0.0

    def bought_eur_per_wh(self, step: int) -> float:
        """An imported Wh with its CO2, not below zero."""
        return max(self.import_eur_per_wh[step] + self.co2_g_per_wh[step] * self.co2_eur_per_g, 0.0)

    def sold_eur_per_wh(self, step: int) -> float:
        """Return the revenue of an exported Wh in EUR: never more than its import price, never below zero."""
        return min(max(self.export_eur_per_wh[step], 0.0), self.bought_eur_per_wh(step))

    @property
    def storage_eur_per_wh(self) -> float:
        """Value of a Wh left at the end, EUR: the mean price of the horizon."""
        count = len(self.import_eur_per_wh)
        return sum(self.bought_eur_per_wh(step) for step in range(count)) / count


@dataclass(frozen=True, slots=True, kw_only=True)
class OptimiserInput:
    """Everything; ``limit_import_w`` and ``limit_export_w`` are what the transformer has for these
    buildings.
    """

    step_s: int
    limit_import_w: StepSeries
    limit_export_w: StepSeries
    prices: Prices
    buildings: tuple[Building, ...]

    def __post_init__(self) -> None:
        """Raise ValueError, naming all that is wrong."""
        if wrong := list(_list_faults(self)):
            raise ValueError("; ".join(wrong))

    @property
    def steps_count(self) -> int:
        """Number of steps."""
        return len(self.limit_import_w)

    @property
    def step_h(self) -> float:
        """Length of a step in hours."""
        return self.step_s / 3_600.0


def _list_faults(asked: OptimiserInput) -> Iterator[str]:
    if asked.step_s <= 0 or not asked.limit_import_w:
        yield "there is no step"
        return
    names = [building.name for building in asked.buildings]
    yield from (f"{name} is listed twice" for name in sorted(set(names)) if names.count(name) > 1)
    for name, series, low in _iterate_series(asked):
        if len(series) != asked.steps_count:
            yield f"{name} has {len(series)} values for {asked.steps_count} steps"
        if not all(isfinite(value) and value >= low for value in series):
            yield f"{name} holds what is no number, or is below {low:g}"
    for building in asked.buildings:
        for name, value in _iterate_values(building):
            if not isfinite(value) or value < 0:
                yield f"{building.name}: {name} is {value}"


def _iterate_series(asked: OptimiserInput) -> Iterator[tuple[str, Sequence[float], float]]:
    endless = float("-inf")
    yield "limit_import_w", asked.limit_import_w, 0.0
    yield "limit_export_w", asked.limit_export_w, 0.0
    yield "import_eur_per_wh", asked.prices.import_eur_per_wh, endless
    yield "export_eur_per_wh", asked.prices.export_eur_per_wh, endless
    yield "co2_g_per_wh", asked.prices.co2_g_per_wh, 0.0
    for building in asked.buildings:
        yield f"{building.name}: base_w", building.base_w, endless
        yield f"{building.name}: pv_w", building.pv_w, 0.0
        if building.heat is not None:
            yield f"{building.name}: demand_w", building.heat.demand_w, 0.0


def _iterate_values(building: Building) -> Iterator[tuple[str, float]]:
    yield "import_max_w", building.import_max_w
    yield "export_max_w", building.export_max_w
    for part in (building.battery, building.heat, *building.cars):
        for name in getattr(part, "__slots__", ()):
            value = getattr(part, name)
            if isinstance(value, float | int):
                yield name, value
