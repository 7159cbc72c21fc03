"""Fill the arrays of the kernel that plans for several scenarios or surcharges (pure)."""

import math
from array import array
from collections.abc import Iterable, Sequence

from quartier.planning.horizon import BatteryModel, Contract, Outlook
from quartier.planning.storage.kernel_columns import NEAR_WH, KernelColumns
from quartier_native.storages import MEAN_COLUMNS, SAMPLED_COLUMNS, WEIGHT_MAX, Planned, plan_sampled

_WEIGHT_TOTAL_MAX = WEIGHT_MAX / 2.0
"""Total of the integer weights that replace weights that are not whole numbers."""

ScenarioRow = tuple[float, float, float]
"""Net Wh, curtailable Wh, weight."""


def needs_scenario_kernel(outlook: Outlook, contract: Contract) -> bool:
    """Return whether the horizon has scenarios or surcharges."""
    return bool(outlook.samples or contract.surcharges)


class ScenarioColumns(KernelColumns):
    """The horizon in the form of the kernel that plans for the mean over scenarios.

    A peak price is the first tier. It has no start until ``level`` sets it.
    """

    names = SAMPLED_COLUMNS
    result_names = MEAN_COLUMNS

    def _read(self, battery: BatteryModel, outlook: Outlook, contract: Contract) -> None:
        hours, count = outlook.step_h, outlook.count
        parts = _make_scenario_rows(outlook)
        imports = list(outlook.import_eur_per_wh)
        if outlook.import_g_per_wh:
            weight = contract.co2_eur_per_g
            imports = [price + weight * g for price, g in zip(imports, outlook.import_g_per_wh, strict=True)]
        exports = outlook.export_eur_per_wh
        caps_wh = [most_w * hours for most_w in outlook.import_max_w]
        out_wh = [most_w * hours for most_w in outlook.export_max_w]
        high_wh = battery.charge_max_w * hours * battery.charge_efficiency
        self.free_imports = [
            number
            for number, (price, brings) in enumerate(zip(imports, exports, strict=True))
            if price < 0.0 < brings and out_wh[number] > 0.0 and any(sun for _, sun, _ in parts[number])
        ]
        self.bonus = 0.0
        for number in self.free_imports:
            charge_wh = high_wh / battery.charge_efficiency
            self.bonus -= imports[number] * _find_mean_import_max_wh(
                parts[number], caps_wh[number], charge_wh
            )
            imports[number] = 0.0
        self.is_convex = all(
            price >= max(0.0, brings) and all(net_wh + sun >= -NEAR_WH for net_wh, sun, _ in part)
            for price, brings, part in zip(imports, exports, parts, strict=True)
        )
        self.scale = 1e-6 + sum(
            abs(price) * _find_mean(part, (abs(net_wh) for net_wh, _, _ in part))
            for price, part in zip(imports, parts, strict=True)
        )
        columns = {
            "samples_count": [float(len(part)) for part in parts],
            "import_price": imports,
            "export_price": exports,
            "import_max_wh": caps_wh,
            "export_max_wh": out_wh,
            "low_wh": [0.0 - battery.discharge_max_w * hours / battery.discharge_efficiency] * count,
            "high_wh": [high_wh] * count,
            "floor_wh": _find_floors_wh(battery, parts, caps_wh, high_wh),
            # Energy above the capacity may stay until it is used.
            "ceiling_wh": [max(battery.capacity_wh, battery.energy_wh)] * count,
        }
        self.steps = array("d", [value for name in SAMPLED_COLUMNS for value in columns[name]])
        rows = [row for part in parts for row in part]
        self._rows = array("d", [value for column in zip(*rows, strict=True) for value in column])
        self._tiers = array("d", _make_tiers(contract, count, hours))

    def level(self, level_wh: float) -> None:
        """Set the import above which the peak price is paid, in every step."""
        self._tiers[: self.count] = array("d", [level_wh]) * self.count

    @property
    def samples(self) -> list[list[ScenarioRow]]:
        """Return the scenarios of each step: (net Wh, curtailable Wh, weight)."""
        count = len(self._rows) // 3
        rows = iter(zip(*(self._rows[at * count : (at + 1) * count] for at in range(3)), strict=True))
        return [[next(rows) for _ in range(int(there))] for there in self.column("samples_count")]

    @property
    def tiers(self) -> list[tuple[list[float], list[float]]]:
        """Return for each tier its start in each step, in Wh, and its price."""
        columns = [list(self._tiers[at : at + self.count]) for at in range(0, len(self._tiers), self.count)]
        return list(zip(columns[::2], columns[1::2], strict=True))

    def _run_kernel(self, plan: "array[float]") -> Planned:
        return plan_sampled(self.steps, self._tiers, self._rows, self.fields, plan)


def _make_scenario_rows(outlook: Outlook) -> list[list[ScenarioRow]]:
    """Return the scenarios of each step in Wh, with weights that are whole numbers."""
    hours = outlook.step_h
    parts = []
    own = zip(outlook.load_w, outlook.pv_w, outlook.samples or ((),) * outlook.count, strict=True)
    for load_w, pv_w, samples in own:
        if not samples:
            parts.append([((load_w - pv_w) * hours, pv_w * hours, 1.0)])
            continue
        part = [((load - sun) * hours, sun * hours, weight) for load, sun, weight in samples]
        weights = {row[2] for row in part}
        if len(weights) == 1:
            part = [(net_wh, sun, 1.0) for net_wh, sun, _ in part]
        elif not (
            all(weight == int(weight) for weight in weights)
            and sum(row[2] for row in part) <= _WEIGHT_TOTAL_MAX
        ):
            total = sum(row[2] for row in part)
            part = [
                (net_wh, sun, max(1.0, float(round(weight / total * _WEIGHT_TOTAL_MAX))))
                for net_wh, sun, weight in part
            ]
        parts.append(part)
    return parts


def _make_tiers(contract: Contract, count: int, hours: float) -> list[float]:
    columns = []
    if contract.has_peak:
        columns += [math.inf] * count + [contract.peak_eur_per_w / hours] * count
    if contract.over_eur_per_wh > 0.0:
        columns += [contract.contract_w * hours] * count + [contract.over_eur_per_wh] * count
    for surcharge in contract.surcharges:
        columns += [above_w * hours for above_w in surcharge.above_w] + [surcharge.eur_per_wh] * count
    return columns


def _find_floors_wh(
    battery: BatteryModel, parts: Sequence[Sequence[ScenarioRow]], caps_wh: Sequence[float], high_wh: float
) -> list[float]:
    """Return the floors: below its reserve the battery is charged first.

    It charges as fast as power and the import limit allow in every scenario.
    """
    floor_wh = min(battery.reserve_wh, battery.energy_wh)
    floors = []
    for part, cap_wh in zip(parts, caps_wh, strict=True):
        if floor_wh < battery.reserve_wh:
            spare_wh = (cap_wh - max(part)[0]) * battery.charge_efficiency
            floor_wh = min(battery.reserve_wh, floor_wh + max(0.0, min(high_wh, spare_wh)))
        floors.append(floor_wh)
    return floors


def _find_mean_import_max_wh(part: Sequence[ScenarioRow], cap_wh: float, charge_wh: float) -> float:
    """Return the largest possible import of a step, as a mean over its scenarios."""
    return _find_mean(part, (min(max(0.0, net_wh + sun) + charge_wh, cap_wh) for net_wh, sun, _ in part))


def _find_mean(part: Sequence[ScenarioRow], values: Iterable[float]) -> float:
    total = sum(weight for _, _, weight in part)
    return sum(row[2] * value for row, value in zip(part, values, strict=True)) / total
