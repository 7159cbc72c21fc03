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
    """A battery as the plan sees it.  ``energy_wh`` is what is in it now."""

    capacity_wh: float
    reserve_wh: float
    energy_wh: float
    charge_max_w: float
    discharge_max_w: float
    charge_efficiency: float = 0.95
    """Of what is taken from the bus, the share that is stored: EFFICIENCY_MIN to 1."""
    discharge_efficiency: float = 0.95
    """Of what leaves the store, the share that reaches the bus."""
    wear_eur_per_wh: float = 0.0
    """For each Wh that goes into the store, and for each that leaves it."""
    target_wh: float = 0.0
    """What shall be in it at the end; given up first where it is out of reach."""
    worth_eur_per_wh: float = 0.0
    """What each Wh is worth that is in it at the end."""


class Scenario(NamedTuple):
    """What a step may bring, one of several; W as in ``Outlook``."""

    load_w: float
    pv_w: float
    weight: float = 1.0
    """How much it counts, above 0; only what it is to the other weights of its step matters."""


@dataclass(frozen=True, slots=True)
class Outlook:
    """The steps ahead: each sequence has one number a step.  Caps are as in force, ``inf`` where there is
    none.
    """

    step_s: int
    load_w: Sequence[float]
    """What the house takes without battery and sun; below 0 is generation that cannot be curtailed."""
    pv_w: Sequence[float]
    """What the sun would give, 0 or more; it may be curtailed."""
    import_eur_per_wh: Sequence[float]
    export_eur_per_wh: Sequence[float]
    """What an exported Wh brings; below 0 it costs."""
    import_max_w: Sequence[float]
    export_max_w: Sequence[float]
    import_g_per_wh: Sequence[float] = ()
    """CO2 of an imported Wh; nothing where it is not known."""
    samples: Sequence[Sequence[Scenario]] = ()
    """Of each step what it may bring: samples or quantiles of a forecast, as many as there are.  They stand
    for ``load_w`` and ``pv_w``, which count alone in a step without (the running one, as measured).
    """

    @property
    def count(self) -> int:
        """Return how many steps."""
        return len(self.load_w)

    @property
    def step_h(self) -> float:
        """A step in hours."""
        return self.step_s / 3600.0


@dataclass(frozen=True, slots=True)
class Surcharge:
    """What an imported Wh above ``above_w`` (a number a step) costs beside its price and other surcharges."""

    above_w: Sequence[float]
    eur_per_wh: float


@dataclass(frozen=True, slots=True)
class Contract:
    """Prices beyond those of a Wh."""

    contract_w: float = math.inf
    over_eur_per_wh: float = 0.0
    """What an imported Wh above ``contract_w`` costs beside its price."""
    peak_eur_per_w: float = 0.0
    """What each W of the largest import of the horizon costs that is above ``peak_free_w``; where steps have
    samples, of its mean, with nothing known of how the samples of different steps go together.
    """
    peak_free_w: float = 0.0
    """The largest import that the bill has already, or that is free."""
    co2_eur_per_g: float = 0.0
    """The weight of CO2: it enters the import price."""
    surcharges: Sequence[Surcharge] = ()
    """More of what ``contract_w`` and ``over_eur_per_wh`` are, such as a graded price of high imports."""

    @property
    def has_peak(self) -> bool:
        """Return whether the largest import has a price."""
        return self.peak_eur_per_w > 0.0


class RefusedError(ValueError):
    """No plan can be made; the text says which number is wrong, and what was expected."""


def check_horizon(battery: BatteryModel, outlook: Outlook, contract: Contract) -> None:
    """Raise RefusedError for numbers that no plan can be made from."""
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
    """Raise RefusedError where a value is no number, below ``low`` or above 1e9."""
    for value in values:
        if not low <= value <= 1e9:
            raise RefusedError(f"{name} {value}: expected {low:g} to 1e9")
