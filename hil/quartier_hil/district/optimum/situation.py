"""Input of the optimiser: buildings behind one transformer, over equal steps (pure).

Powers in W, plus is consumption; energies in Wh; every series has one value per step.  Prices below zero
count as zero: waste is not paid, and no battery burns energy by charging and discharging at once.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import isfinite

Series = tuple[float, ...]


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
    demand_w: Series
    stored_wh: float
    stored_min_wh: float
    stored_max_wh: float
    cop: float = 3.0
    loss_pct_per_h: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Building:
    """One connection: ``base_w`` is the uncontrolled load, ``pv_w`` the possible PV power (not negative)."""

    name: str
    base_w: Series
    pv_w: Series
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

    import_eur_per_wh: Series
    export_eur_per_wh: Series
    co2_g_per_wh: Series
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
    def stored_eur_per_wh(self) -> float:
        """Value of a Wh left at the end, EUR: the mean price of the horizon."""
        count = len(self.import_eur_per_wh)
        return sum(self.bought_eur_per_wh(step) for step in range(count)) / count


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """Everything; ``limit_import_w`` and ``limit_export_w`` are what the transformer has for these
    buildings.
    """

    step_s: int
    limit_import_w: Series
    limit_export_w: Series
    prices: Prices
    buildings: tuple[Building, ...]

    def __post_init__(self) -> None:
        """Raise ValueError, naming all that is wrong."""
        if wrong := list(_wrong(self)):
            raise ValueError("; ".join(wrong))

    @property
    def steps_count(self) -> int:
        """Number of steps."""
        return len(self.limit_import_w)

    @property
    def step_h(self) -> float:
        """Length of a step in hours."""
        return self.step_s / 3_600.0


def _wrong(asked: Situation) -> Iterator[str]:
    if asked.step_s <= 0 or not asked.limit_import_w:
        yield "there is no step"
        return
    names = [building.name for building in asked.buildings]
    yield from (f"{name} stands there twice" for name in sorted(set(names)) if names.count(name) > 1)
    for name, series, low in _series(asked):
        if len(series) != asked.steps_count:
            yield f"{name} has {len(series)} values for {asked.steps_count} steps"
        if not all(isfinite(value) and value >= low for value in series):
            yield f"{name} holds what is no number, or is below {low:g}"
    for building in asked.buildings:
        for name, value in _figures(building):
            if not isfinite(value) or value < 0:
                yield f"{building.name}: {name} is {value}"


def _series(asked: Situation) -> Iterator[tuple[str, Sequence[float], float]]:
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


def _figures(building: Building) -> Iterator[tuple[str, float]]:
    yield "import_max_w", building.import_max_w
    yield "export_max_w", building.export_max_w
    for part in (building.battery, building.heat, *building.cars):
        for name in getattr(part, "__slots__", ()):
            value = getattr(part, name)
            if isinstance(value, float | int):
                yield name, value
