"""Model of a site for the plan: batteries, cars, tanks and batches behind one connection (pure)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from quartier.planning.horizon import (
    BatteryModel,
    Contract,
    Outlook,
    RefusedError,
    check_finite,
    check_horizon,
)

_EFFICIENCY_MIN = 0.1
BATTERIES_MAX, CARS_MAX, TANKS_MAX, BATCHES_MAX = 8, 64, 8, 8


@dataclass(frozen=True, slots=True)
class CarModel:
    """A car at a charge point. Its current is 0, or between minimum and maximum in steps.

    Source: IEC 61851-1, table A.8: nothing below 6 A.
    """

    need_wh: float
    """Energy that it shall gain until it leaves."""
    room_wh: float
    """Largest energy that it can gain."""
    from_step: int
    """First step in which it can charge."""
    until_step: int
    """First step in which it is away; beyond the horizon it stays."""
    current_max_a: float
    current_min_a: float = 6.0
    current_step_a: float = 1.0
    phases: int = 3
    voltage_v: float = 230.0
    efficiency: float = 0.9
    """Share of the energy taken from the bus that is stored."""

    @property
    def powers_w(self) -> list[float]:
        """Return the allowed powers in W, 0 first."""
        count = int((self.current_max_a - self.current_min_a) / self.current_step_a + 1e-9) + 1
        per_a = self.voltage_v * self.phases
        return [
            0.0,
            *((self.current_min_a + number * self.current_step_a) * per_a for number in range(count)),
        ]


@dataclass(frozen=True, slots=True)
class TankModel:
    """Heat in water: a boiler, or a buffer of the heating.

    Energies count from the surrounding temperature, so that losses are proportional to them.
    """

    energy_wh: float
    """Heat stored now."""
    low_wh: float
    """Lower end of the comfort band: below it there is no comfort."""
    high_wh: float
    """Upper end of the comfort band: above it there is no heating."""
    power_max_w: float
    """Largest electric power; within a step it is a mean of on and off."""
    draw_w: Sequence[float]
    """Heat drawn, in W per step."""
    time_constant_h: float
    """Heat capacity divided by loss: without draw the energy falls to 1/e in this time."""
    heat_per_wh: float = 1.0
    """Heat per electric Wh: 1 for a heating rod, 3 for a heat pump."""
    worth_eur_per_wh: float = 0.0
    """Value of each Wh of heat stored at the end."""


@dataclass(frozen=True, slots=True)
class BatchModel:
    """Work that runs to its end once started: a dishwasher, a kiln."""

    powers_w: Sequence[float]
    """Power in each step of its run."""
    from_step: int
    """First step in which it may start."""
    until_step: int
    """Step before which it shall have ended."""

    @property
    def starts(self) -> range:
        """Return the steps in which it may start."""
        return range(self.from_step, self.until_step - len(self.powers_w) + 1)


@dataclass(frozen=True, slots=True)
class SiteModel:
    """All planned assets behind one connection, by name. ``outlook`` is the unplanned load and PV."""

    outlook: Outlook
    contract: Contract = field(default_factory=Contract)
    batteries: Mapping[str, BatteryModel] = field(default_factory=dict)
    cars: Mapping[str, CarModel] = field(default_factory=dict)
    tanks: Mapping[str, TankModel] = field(default_factory=dict)
    batches: Mapping[str, BatchModel] = field(default_factory=dict)


def check_site(site: SiteModel) -> None:
    """Raise RefusedError if no plan can be made for the site."""
    check_horizon(BatteryModel(0.0, 0.0, 0.0, 0.0, 0.0), site.outlook, site.contract)
    for name, battery in site.batteries.items():
        _check_battery(name, battery, site)
    count = site.outlook.count
    if site.outlook.samples or site.contract.surcharges:
        raise RefusedError("samples and surcharges: a battery alone is planned for them, not a whole site")
    for kind, most in (
        ("batteries", BATTERIES_MAX),
        ("cars", CARS_MAX),
        ("tanks", TANKS_MAX),
        ("batches", BATCHES_MAX),
    ):
        if len(getattr(site, kind)) > most:
            raise RefusedError(f"{len(getattr(site, kind))} {kind}: expected at most {most}")
    for name, car in site.cars.items():
        _check_car(name, car)
    for name, tank in site.tanks.items():
        _check_tank(name, tank, count)
    for name, batch in site.batches.items():
        _check_batch(name, batch, count)


def _check_battery(name: str, battery: BatteryModel, site: SiteModel) -> None:
    try:
        check_horizon(battery, site.outlook, site.contract)
    except RefusedError as error:
        raise RefusedError(f"{name}.{error}") from None
    for field_name in ("charge_efficiency", "discharge_efficiency"):
        if (value := getattr(battery, field_name)) < _EFFICIENCY_MIN:
            raise RefusedError(f"{name}.{field_name} {value}: expected {_EFFICIENCY_MIN} to 1")


def _check_car(name: str, car: CarModel) -> None:
    for field_name in ("need_wh", "room_wh", "current_min_a", "current_max_a"):
        check_finite(f"{name}.{field_name}", [getattr(car, field_name)], low=0.0)
    _check_steps(name, car)
    if not 0 <= car.from_step <= car.until_step:
        raise RefusedError(f"{name}: expected 0 <= from_step <= until_step")
    if not 0.5 <= car.current_step_a <= 100.0:
        raise RefusedError(f"{name}.current_step_a {car.current_step_a}: expected 0.5 to 100")
    if not car.current_step_a <= car.current_min_a <= car.current_max_a <= 100.0:
        raise RefusedError(f"{name}: expected current_step_a <= current_min_a <= current_max_a <= 100")
    if abs(car.current_min_a / car.current_step_a % 1.0 - 0.5) < 0.5 - 1e-9:
        raise RefusedError(f"{name}.current_min_a {car.current_min_a}: expected whole current_step_a")
    if car.phases not in {1, 2, 3} or not 50.0 <= car.voltage_v <= 1000.0:
        raise RefusedError(f"{name}: expected 1 to 3 phases of 50 to 1000 V")
    if not _EFFICIENCY_MIN <= car.efficiency <= 1.0:
        raise RefusedError(f"{name}.efficiency {car.efficiency}: expected {_EFFICIENCY_MIN} to 1")
    if car.room_wh < car.need_wh:
        raise RefusedError(f"{name}.room_wh {car.room_wh}: expected at least need_wh")


def _check_tank(name: str, tank: TankModel, count: int) -> None:
    for field_name in ("energy_wh", "low_wh", "power_max_w"):
        check_finite(f"{name}.{field_name}", [getattr(tank, field_name)], low=0.0)
    check_finite(f"{name}.high_wh", [tank.high_wh], low=tank.low_wh)
    check_finite(f"{name}.draw_w", tank.draw_w, low=0.0)
    check_finite(f"{name}.worth_eur_per_wh", [tank.worth_eur_per_wh])
    if len(tank.draw_w) != count:
        raise RefusedError(f"{name}.draw_w: {len(tank.draw_w)} numbers, expected {count}")
    if not 1.0 <= tank.time_constant_h <= 1e6:
        raise RefusedError(f"{name}.time_constant_h {tank.time_constant_h}: expected 1 to 1e6")
    if not 0.1 <= tank.heat_per_wh <= 10.0:
        raise RefusedError(f"{name}.heat_per_wh {tank.heat_per_wh}: expected 0.1 to 10")


def _check_batch(name: str, batch: BatchModel, count: int) -> None:
    check_finite(f"{name}.powers_w", batch.powers_w, low=0.0)
    _check_steps(name, batch)
    if not 0 <= batch.from_step <= batch.until_step <= count:
        raise RefusedError(f"{name}: expected 0 <= from_step <= until_step <= {count}")
    if not batch.powers_w or not batch.starts:
        raise RefusedError(f"{name}: {len(batch.powers_w)} steps do not fit before its deadline")


def _check_steps(name: str, part: CarModel | BatchModel) -> None:
    for field_name in ("from_step", "until_step"):
        if not isinstance(value := getattr(part, field_name), int):
            raise RefusedError(f"{name}.{field_name} {value}: expected a whole number")
