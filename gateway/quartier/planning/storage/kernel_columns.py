"""Fill the arrays of the storage kernel from a horizon (pure)."""

import math
from array import array
from collections.abc import Sequence
from dataclasses import dataclass

from quartier.planning.horizon import BatteryModel, Contract, Outlook, RefusedError
from quartier_native.storages import PLAN_COLUMNS, STEP_COLUMNS, STORE_FIELDS, Planned, plan_storage

NEAR_WH = 1e-8
"""Amounts given up within this difference count as equal, in Wh."""


@dataclass(frozen=True, slots=True)
class KernelPlan:
    """One plan of a kernel.

    ``objective`` is the cost less the value of the energy left, in EUR. ``names`` are its columns.
    """

    result: Planned
    objective: float
    plan: "array[float]"
    names: tuple[str, ...] = PLAN_COLUMNS

    @property
    def bound(self) -> float:
        """Return a lower bound of the objective of any plan within the same bounds."""
        return self.objective - self.result.gap

    def gives_up_more(self, other: "KernelPlan") -> bool:
        """Return whether it violates limits, or else the target, by more than another.

        Differences within rounding are ignored.
        """
        more_wh = self.result.excess_wh - other.result.excess_wh
        if abs(more_wh) > NEAR_WH:
            return more_wh > 0.0
        return self.result.short_wh - other.result.short_wh > NEAR_WH

    def column(self, name: str) -> "array[float]":
        """Return one column of the plan."""
        count = len(self.plan) // len(self.names)
        at = self.names.index(name)
        return self.plan[at * count : (at + 1) * count]


class KernelColumns:
    """The horizon in the form of the kernel.

    ``free_imports`` are steps in which a paid import counts as free.
    """

    names: tuple[str, ...] = STEP_COLUMNS
    result_names: tuple[str, ...] = PLAN_COLUMNS
    free_imports: Sequence[int]
    bonus: float
    is_convex: bool
    """Whether the cost of every step is convex: then the first plan is optimal."""
    steps: "array[float]"
    scale: float
    """Money at the meter without the battery: rounding is relative to it."""

    def __init__(self, battery: BatteryModel, outlook: Outlook, contract: Contract) -> None:
        self.count = outlook.count
        self.step_h = outlook.step_h
        self._worth = battery.worth_eur_per_wh
        self.fields = array(
            "d",
            (
                battery.charge_efficiency,
                battery.discharge_efficiency,
                battery.wear_eur_per_wh,
                battery.energy_wh,
                min(battery.target_wh, battery.capacity_wh),
                battery.worth_eur_per_wh,
            ),
        )
        """Numbers of the store, in the order of the kernel."""
        self._read(battery, outlook, contract)

    def _read(self, battery: BatteryModel, outlook: Outlook, contract: Contract) -> None:
        rows = _make_rows(battery, outlook, contract)
        self.free_imports = [number for number, row in enumerate(rows) if _pays_twice(row)]
        self.bonus = sum(
            -rows[number]["import_price"] * _find_import_max_wh(rows[number], battery)
            for number in self.free_imports
        )
        for number in self.free_imports:
            rows[number]["import_price"] = 0.0
        self.is_convex = all(_is_convex(row) for row in rows)
        self.steps = array("d", [row[name] for name in STEP_COLUMNS for row in rows])
        self.scale = 1e-6 + sum(abs(row["net_wh"] * row["import_price"]) for row in rows)

    @property
    def store(self) -> dict[str, float]:
        """Return the numbers of the store by name."""
        return dict(zip(STORE_FIELDS, self.fields, strict=True))

    def solve(self) -> KernelPlan | None:
        """Return the kernel's plan of the present columns; None if it is infeasible.

        Raises RefusedError if each number is in range, but their combination is not.
        """
        plan = array("d", bytes(8 * len(self.result_names) * self.count))
        try:
            planned = self._run_kernel(plan)
        except ValueError as error:
            raise RefusedError(str(error)) from None
        return self.found(planned, plan)

    def found(self, planned: Planned, plan: "array[float]") -> KernelPlan | None:
        """Return the plan that a kernel made of the columns; None if it is infeasible."""
        if not planned.feasible:
            return None
        return KernelPlan(
            planned, planned.cost - self._worth * plan[2 * self.count - 1], plan, self.result_names
        )

    def _run_kernel(self, plan: "array[float]") -> Planned:
        return plan_storage(self.steps, self.fields, plan)

    def column(self, name: str) -> "array[float]":
        """Return a copy of a column."""
        at = self.names.index(name) * self.count
        return self.steps[at : at + self.count]

    def put(self, name: str, values: "array[float]") -> None:
        """Replace a column."""
        at = self.names.index(name) * self.count
        self.steps[at : at + self.count] = values


def _make_rows(battery: BatteryModel, outlook: Outlook, contract: Contract) -> list[dict[str, float]]:
    hours = outlook.step_h
    low_wh = 0.0 - battery.discharge_max_w * hours / battery.discharge_efficiency
    high_wh = battery.charge_max_w * hours * battery.charge_efficiency
    co2_g_per_wh = outlook.import_g_per_wh or [0.0] * outlook.count
    floor_wh = min(battery.reserve_wh, battery.energy_wh)
    rows = []
    for number in range(outlook.count):
        net_wh = (outlook.load_w[number] - outlook.pv_w[number]) * hours
        import_max_wh = outlook.import_max_w[number] * hours
        # Below its reserve it is charged first, as fast as power and the import limit allow.
        spare_wh = (import_max_wh - net_wh) * battery.charge_efficiency
        floor_wh = min(battery.reserve_wh, floor_wh + max(0.0, min(high_wh, spare_wh)))
        rows.append(
            {
                "net_wh": net_wh,
                "curtailable_wh": outlook.pv_w[number] * hours,
                "import_price": outlook.import_eur_per_wh[number]
                + contract.co2_eur_per_g * co2_g_per_wh[number],
                "export_price": outlook.export_eur_per_wh[number],
                "over_price": contract.over_eur_per_wh,
                "contract_wh": contract.contract_w * hours,
                "import_max_wh": import_max_wh,
                "export_max_wh": outlook.export_max_w[number] * hours,
                "low_wh": low_wh,
                "high_wh": high_wh,
                "floor_wh": floor_wh,
                # Energy above the capacity may stay until it is used.
                "ceiling_wh": max(battery.capacity_wh, battery.energy_wh),
            }
        )
    return rows


def _pays_twice(row: dict[str, float]) -> bool:
    """Return whether both import and export are paid for while there is PV that could be curtailed."""
    return (
        row["import_price"] < 0.0 < row["export_price"]
        and min(row["export_max_wh"], row["curtailable_wh"]) > 0.0
    )


def _is_convex(row: dict[str, float]) -> bool:
    """Return whether the cost of a step is convex.

    An import must cost at least zero and at least the export price, and uncurtailable PV must not exceed the
    load.
    """
    return (
        row["import_price"] >= max(0.0, row["export_price"])
        and row["net_wh"] + row["curtailable_wh"] >= -NEAR_WH
    )


def _find_import_max_wh(row: dict[str, float], battery: BatteryModel) -> float:
    """Return the largest possible import of a step."""
    most_wh = max(0.0, row["net_wh"] + row["curtailable_wh"]) + row["high_wh"] / battery.charge_efficiency
    return most_wh if math.isinf(row["import_max_wh"]) else min(most_wh, row["import_max_wh"])
