"""Inputs of a plan: the steps ahead, the battery, prices and limits; and their checks (pure)."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from quartier_native.storages import EFFICIENCY_MIN, ROWS_MAX, SAMPLES_MAX

STEPS_S = (300, 900, 3600)
STEPS_MAX = 672
SURCHARGES_MAX = 6
PRICE_MAX = 1e9


@dataclass(frozen=True, slots=True)
class BatteryModel:
    """A battery as the plan sees it. ``energy_wh`` is the energy stored now."""

    capacity_wh: float
    reserve_wh: float
    energy_wh: float
    charge_max_w: float
    discharge_max_w: float
    charge_efficiency: float = 0.95
    """Share of the energy taken from the bus that is stored: EFFICIENCY_MIN to 1."""
    discharge_efficiency: float = 0.95
    """Share of the energy leaving the store that reaches the bus: EFFICIENCY_MIN to 1."""
    wear_eur_per_wh: float = 0.0
    """Cost of each Wh that enters the store, and of each Wh that leaves it."""
    target_wh: float = 0.0
    """Energy that shall be stored at the end of the horizon; given up first where it is out of reach."""
    worth_eur_per_wh: float = 0.0
    """Value of each Wh that is stored at the end of the horizon."""


class Scenario(NamedTuple):
    """One of several possible outcomes of a step; powers in W as in ``Outlook``."""

    load_w: float
    pv_w: float
    weight: float = 1.0
    """Weight, above 0; only the ratio to the other weights of the step matters."""


@dataclass(frozen=True, slots=True)
class Outlook:
    """The steps ahead: each sequence has one number per step. A limit is ``inf`` where there is none."""

    step_s: int
    load_w: Sequence[float]
    """Power that the site takes without battery and PV; below 0 is generation that cannot be curtailed."""
    pv_w: Sequence[float]
    """Available PV power, 0 or more; it may be curtailed."""
    import_eur_per_wh: Sequence[float]
    export_eur_per_wh: Sequence[float]
    """Revenue of an exported Wh; below 0 it is a cost."""
    import_max_w: Sequence[float]
    export_max_w: Sequence[float]
    import_g_per_wh: Sequence[float] = ()
    """CO2 of an imported Wh; empty where unknown."""
    samples: Sequence[Sequence[Scenario]] = ()
    """Scenarios of each step: samples or quantiles of a forecast, in any number.

    They replace ``load_w`` and ``pv_w``, which count only in a step without scenarios (the current step, as
    measured).
    """

    @property
    def count(self) -> int:
        """Return the number of steps."""
        return len(self.load_w)

    @property
    def step_h(self) -> float:
        """Return the length of a step in hours."""
        return self.step_s / 3600.0


@dataclass(frozen=True, slots=True)
class Surcharge:
    """Cost of an imported Wh above ``above_w``, on top of its price and other surcharges.

    ``above_w`` has one number per step.
    """

    above_w: Sequence[float]
    eur_per_wh: float


@dataclass(frozen=True, slots=True)
class Contract:
    """Prices beyond the energy price."""

    contract_w: float = math.inf
    over_eur_per_wh: float = 0.0
    """Cost of an imported Wh above ``contract_w``, on top of its price."""
    peak_eur_per_w: float = 0.0
    """Cost of each W by which the largest import of the horizon exceeds ``peak_free_w``.

    Where steps have scenarios, it is the cost of the mean of the largest import; no correlation between the
    scenarios of different steps is known.
    """
    peak_free_w: float = 0.0
    """Largest import that is already on the bill, or that is free."""
    co2_eur_per_g: float = 0.0
    """Price of CO2; it is added to the import price."""
    surcharges: Sequence[Surcharge] = ()
    """Further pairs like ``contract_w`` and ``over_eur_per_wh``, such as a graded price of high imports."""

    @property
    def has_peak(self) -> bool:
        """Return whether the largest import has a price."""
        return self.peak_eur_per_w > 0.0


class RefusedError(ValueError):
    """No plan can be made; the text says which number is wrong, and what was expected."""


def check_horizon(battery: BatteryModel, outlook: Outlook, contract: Contract) -> None:
    """Raise RefusedError if no plan can be made from the numbers."""
    _check_outlook(outlook)
    _check_battery(battery)
    for name in ("over_eur_per_wh", "peak_eur_per_w", "peak_free_w", "co2_eur_per_g"):
        check_finite(name, [getattr(contract, name)], low=0.0)
    if not contract.contract_w >= 0.0:
        raise RefusedError("contract_w: below 0 or no number")
    for price, g_per_wh in zip(outlook.import_eur_per_wh, outlook.import_g_per_wh, strict=False):
        if not abs(price + contract.co2_eur_per_g * g_per_wh) <= PRICE_MAX:
            raise RefusedError(
                f"import_g_per_wh {g_per_wh}: with co2_eur_per_g {contract.co2_eur_per_g} an import has no "
                "price of -1e9 to 1e9"
            )
    _check_surcharges(contract, outlook.count)
    if outlook.samples:
        _check_samples(outlook)


def _check_outlook(outlook: Outlook) -> None:
    if outlook.step_s not in STEPS_S:
        raise RefusedError(f"step_s {outlook.step_s}: expected one of {STEPS_S}")
    if not 0 < outlook.count <= STEPS_MAX:
        raise RefusedError(f"{outlook.count} steps: expected 1 to {STEPS_MAX}")
    names = ["pv_w", "import_eur_per_wh", "export_eur_per_wh", "import_max_w", "export_max_w"]
    for name in [*names, "import_g_per_wh"] if outlook.import_g_per_wh else names:
        if (length := len(getattr(outlook, name))) != outlook.count:
            raise RefusedError(f"{name}: {length} numbers, expected {outlook.count}")
    for name in ("load_w", "import_eur_per_wh", "export_eur_per_wh", "import_g_per_wh"):
        check_finite(name, getattr(outlook, name))
    check_finite("pv_w", outlook.pv_w, low=0.0)
    for name in ("import_max_w", "export_max_w"):
        if not all(value >= 0.0 for value in getattr(outlook, name)):
            raise RefusedError(f"{name}: a cap is below 0 or no number")


def _check_surcharges(contract: Contract, count: int) -> None:
    if (found := len(contract.surcharges)) > SURCHARGES_MAX:
        raise RefusedError(f"surcharges: {found}, expected {SURCHARGES_MAX} at most")
    for surcharge in contract.surcharges:
        check_finite("surcharges eur_per_wh", [surcharge.eur_per_wh], low=0.0)
        if (length := len(surcharge.above_w)) != count:
            raise RefusedError(f"surcharges above_w: {length} numbers, expected {count}")
        if not all(value >= 0.0 for value in surcharge.above_w):
            raise RefusedError("surcharges above_w: a level is below 0 or no number")


def _check_samples(outlook: Outlook) -> None:
    if (length := len(outlook.samples)) != outlook.count:
        raise RefusedError(f"samples: of {length} steps, expected {outlook.count}")
    rows_count = most = 0
    for step in outlook.samples:
        rows_count += len(step) or 1
        most = max(most, len(step))
        for load_w, pv_w, weight in step:
            if not (-1e9 <= load_w <= 1e9 and 0.0 <= pv_w <= 1e9 and 0.0 < weight <= 1e9):
                raise RefusedError(
                    f"samples ({load_w}, {pv_w}, {weight}): expected a load of -1e9 to 1e9, sun of 0 to 1e9 "
                    "and a weight above 0, to 1e9"
                )
    if most > SAMPLES_MAX or rows_count > ROWS_MAX:
        raise RefusedError(
            f"samples: {most} in a step, {rows_count} in all: expected {SAMPLES_MAX} and {ROWS_MAX} at most"
        )


def _check_battery(battery: BatteryModel) -> None:
    for name in (
        "reserve_wh",
        "energy_wh",
        "charge_max_w",
        "discharge_max_w",
        "wear_eur_per_wh",
        "target_wh",
    ):
        check_finite(name, [getattr(battery, name)], low=0.0)
    check_finite("capacity_wh", [battery.capacity_wh], low=battery.reserve_wh)
    check_finite("worth_eur_per_wh", [battery.worth_eur_per_wh])
    for name in ("charge_efficiency", "discharge_efficiency"):
        if not EFFICIENCY_MIN <= getattr(battery, name) <= 1.0:
            raise RefusedError(f"{name} {getattr(battery, name)}: expected {EFFICIENCY_MIN} to 1")


def check_finite(name: str, values: Sequence[float], low: float = -1e9) -> None:
    """Raise RefusedError if a value is not a number, is below ``low`` or is above 1e9."""
    for value in values:
        if not low <= value <= 1e9:
            raise RefusedError(f"{name} {value}: expected {low:g} to 1e9")
