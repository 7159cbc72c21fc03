"""Train the forecast and the surcharges from the history; save what was learned.

Everything here runs in the planner's thread and reads the history like any other reader.
"""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from quartier.config.sections import asset_sections, site_file
from quartier.config.sections.planning_sections import PlanningSection
from quartier.planning.forecast.learning import Learner, load_learner
from quartier.planning.forecast.site_history import OptionalPower, PowerHistory, SiteFacts
from quartier.planning.service.plan_backtest import PlanBacktest
from quartier.planning.service.surcharges import Surcharges
from quartier.runtime import state_file
from quartier.store.history_reader import read_history
from quartier_drivers.readings import Quality

FORECAST_FILE = "forecast"
HISTORY_MAX_S = 28 * 86_400
"""How much of an existing history is learned at the first start, in s."""
BACKTEST_S = 7 * 86_400
"""The last part of it that is back-tested: what a plan would have cost, in s."""
TRAINING_STEP_S = 900
_BATCH_S = 86_400
_CLOCK_BACK_MAX_S = 3_600
"""A clock may be set back by at most this, in s."""
_APPARENT_IMPORT, _APPARENT_EXPORT = "apparent_power_va", "apparent_power_export_va"


class ForecastTraining:
    """One learner with its files, its back-test, its surcharges, and the points of load and PV."""

    def __init__(
        self,
        premises: SiteFacts,
        site: site_file.SiteFile,
        history: Path,
        runtime_dir: Path,
        state_dir: Path,
        trial: PlanBacktest | None = None,
    ) -> None:
        self.learner = Learner(premises)
        self.trial = trial
        section = site.planning or PlanningSection()
        rule = trial.make_rule_battery() if trial is not None and section.rule_bound else None
        self.surcharges = Surcharges(
            premises.zone, section.day_peak_eur_per_w, rule, by_month=section.peak_by_month
        )
        self.why_new = ""
        self._held: dict[str, float] = {}  # value of each point at the end of the last portion
        self._held_s = 0
        self._premises = premises
        self._history, self._runtime_dir, self._file = history, runtime_dir, state_dir / FORECAST_FILE
        self._grid = site.grid()[0]
        self._parts = {
            kind: [name for name, asset in site.assets.items() if isinstance(asset, kind)]
            for kind in (
                asset_sections.BatterySection,
                asset_sections.ChargePointSection,
                asset_sections.PvSection,
            )
        }
        self._apart = list(premises.apart)

    def recall(self) -> None:
        """Restore what an earlier run learned; ``why_new`` says why not, if there was something."""
        kept = state_file.load_facts(self._file)
        if kept is None:
            return
        self.surcharges.recall(kept.get("tolls"))
        try:
            self.learner = load_learner(self._premises, kept)
            if self.trial is not None:
                self.trial.recall(kept.get("trial"))
        except ValueError as error:
            self.why_new = str(error)

    def catch_up(self, utc_s: float) -> bool:
        """Learn every new whole slot of the history; return whether there was one. Raises OSError.

        Slots learned with a clock that was ahead would block all real slots and seem current. In that case
        training starts afresh.
        """
        grid = self.learner.grid
        if self.learner.newest * grid.slot_s > utc_s + _CLOCK_BACK_MAX_S:
            self.learner = Learner(self._premises)
            self.why_new = "what was learnt is of hours to come; it is begun anew from the history"
        self.surcharges.forget(utc_s + _CLOCK_BACK_MAX_S)
        end_s = int(utc_s // grid.slot_s) * grid.slot_s
        least_s = end_s - HISTORY_MAX_S
        known = self.learner.newest, self.surcharges.newest
        begin_s = min(
            least_s if math.isnan(newest) else max(least_s, (int(newest) + 1) * grid.slot_s)
            for newest in known
        )
        is_new = begin_s < end_s
        while begin_s < end_s:
            until_s = min(end_s, begin_s + _BATCH_S)
            self._learn(begin_s, until_s, tries=until_s > end_s - BACKTEST_S)
            begin_s = until_s
        return is_new

    def keep(self) -> None:
        """Save what was learned. Raises OSError."""
        tried = {} if self.trial is None else {"trial": self.trial.keep()}
        state_file.save_facts(self._file, {**self.learner.keep(), **tried, "tolls": self.surcharges.keep()})

    def _learn(self, begin_s: int, until_s: int, *, tries: bool) -> None:
        count = (until_s - begin_s) // TRAINING_STEP_S
        columns = self._columns(begin_s, until_s, count)
        load_w: list[OptionalPower] = []
        sun_w: list[OptionalPower] = []
        for at in range(count):
            found = self._step(columns, at)
            load_w.append(found[0])
            sun_w.append(found[1])
        bought_w = [self._find_grid_w(columns, at) for at in range(count)]
        stored_w = [self._find_storage_w(columns, at) for at in range(count)]
        for (slot, import_w, _), (_, battery_w, _) in zip(
            *(
                PowerHistory(
                    start_utc_s=float(begin_s), step_s=float(TRAINING_STEP_S), load_w=one
                ).iterate_slots(self.learner.grid)
                for one in (bought_w, stored_w)
            ),
            strict=True,
        ):
            is_sound = import_w is None or import_w <= self._premises.load_max_w  # otherwise a counter jumped
            self.surcharges.learn(slot, import_w if is_sound else None, battery_w)
        if math.isnan(self.learner.newest) and not any(value is not None for value in load_w):
            return  # no gap before the first known value
        past = PowerHistory(
            start_utc_s=float(begin_s), step_s=float(TRAINING_STEP_S), load_w=load_w, generated_w=sun_w
        )
        for slot, hour_w, generated_w in past.iterate_slots(self.learner.grid):
            if slot <= self.learner.newest:
                continue  # only the imports are learned again
            if tries and self.trial is not None:
                self.trial.step(self.learner, slot, hour_w, generated_w)
            self.learner.step(slot, hour_w, generated_w)

    def _columns(self, begin_s: int, until_s: int, count: int) -> dict[str, list[OptionalPower]]:
        names = [*(name for found in self._parts.values() for name in found), *self._apart]
        points = [f"{name}.power_w" for name in (self._grid, *names)]
        points += [f"{self._grid}.{quantity}" for quantity in (_APPARENT_IMPORT, _APPARENT_EXPORT)]
        columns: dict[str, list[OptionalPower]] = {}
        try:
            for row in read_history(
                self._history,
                self._runtime_dir,
                points,
                begin_s * 1000,
                until_s * 1000,
                float(TRAINING_STEP_S),
            ):
                if row.quality is Quality.GOOD and isinstance(row.value, int | float):
                    column = columns.setdefault(row.point, [None] * count)
                    column[(row.utc_ms // 1000 - begin_s) // TRAINING_STEP_S] = float(row.value)
        except FileNotFoundError:
            pass  # nothing is written yet
        self._hold_values(columns, begin_s, until_s, count)
        return columns

    def _hold_values(
        self, columns: dict[str, list[OptionalPower]], begin_s: int, until_s: int, count: int
    ) -> None:
        """Carry unchanged values from portion to portion.

        A value that did not change for longer than the history looks back has no row in the new portion.
        """
        for point, value in (self._held if self._held_s == begin_s else {}).items():
            column = columns.setdefault(point, [None] * count)
            known = next((at for at, seen in enumerate(column) if seen is not None), count)
            column[:known] = [value] * known
        last = {point: column[-1] for point, column in columns.items()}
        self._held = {point: value for point, value in last.items() if value is not None}
        self._held_s = until_s

    def _find_grid_w(self, columns: Mapping[str, Sequence[OptionalPower]], at: int) -> OptionalPower:
        """Return the power at the connection, negative for export, in W; None if unknown."""

        def value(quantity: str) -> OptionalPower:
            column = columns.get(f"{self._grid}.{quantity}")
            return None if column is None else column[at]

        apparent_va = value(_APPARENT_IMPORT)
        if (grid_w := value("power_w")) is None and apparent_va is not None:
            return apparent_va - (value(_APPARENT_EXPORT) or 0.0)
        return grid_w

    def _find_storage_w(self, columns: Mapping[str, Sequence[OptionalPower]], at: int) -> OptionalPower:
        """Return the power of all batteries, in W; None if one is unknown."""
        found = [columns.get(f"{name}.power_w", ()) for name in self._parts[asset_sections.BatterySection]]
        known = [power_w for one in found if one and (power_w := one[at]) is not None]
        return sum(known) if len(known) == len(found) else None

    def _step(
        self, columns: Mapping[str, Sequence[OptionalPower]], at: int
    ) -> tuple[OptionalPower, OptionalPower]:
        """Return the load without storage and cars, and the PV generation, both positive; None if unknown."""

        def value(point: str) -> OptionalPower:
            return columns[point][at] if point in columns else None

        sums: dict[type[Any], OptionalPower] = {}
        for kind, names in self._parts.items():
            parts = [value(f"{name}.power_w") for name in names]
            known = [part for part in parts if part is not None]
            sums[kind] = sum(known) if len(known) == len(parts) else None
        grid_w = self._find_grid_w(columns, at)
        battery_w, cars_w, pv_w = (
            sums[asset_sections.BatterySection],
            sums[asset_sections.ChargePointSection],
            sums[asset_sections.PvSection],
        )
        load_w = None
        taken = [battery_w, cars_w, pv_w, *(value(f"{name}.power_w") for name in self._apart)]
        watts = [one for one in taken if one is not None]
        if grid_w is not None and len(watts) == len(taken):
            load_w = grid_w - sum(watts)
        return load_w, None if pv_w is None else -pv_w
