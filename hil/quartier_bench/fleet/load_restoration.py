"""Restore shed loads in a whole fleet: the rule of the gateway's control, for all buildings at once.

The kernel sheds and holds; it does not restore.  This is spec/failsafe.md#release, as
``quartier.control.allocate.restore`` and ``quartier.control.switch_state`` have it for one
building; a test compares the two.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from quartier.control.events.rows import OUTAGE_RAMP_PER_MIN, OUTAGE_S
from quartier.control.events.rows import RELEASE_SPREAD_S as OUTAGE_SPREAD_S
from quartier.control.switch_state import (
    RESTORE_AFTER_S,
    RESTORE_BELOW_SHARE,
    RESTORE_EACH_S,
    RESTORE_SPREAD_S,
    SWITCHINGS_MAX_PER_H,
)
from quartier_bench.fleet.building_stock import FloatArray, IndexArray, draw_uniform
from quartier_bench.fleet.plant_model import KernelColumns
from quartier_native.fleets import EV, LOAD, NONE_W, Unit

_NS_PER_S = 1_000_000_000
_STEADY_A = 1.5
_EPSILON_W = 1e-6
_NEVER_S = -1e12
MaskArray = npt.NDArray[np.bool_]


class LoadRestoration:
    """The gate of each building, and who comes back through it."""

    def __init__(
        self, units: Sequence[Unit], of: IndexArray, contract_w: FloatArray, seed: int, seen: KernelColumns
    ) -> None:
        count = len(contract_w)
        self.seen, self.of, self.seed, self.contract_w = seen, of, seed, contract_w
        self.below_s = np.full(count, np.inf)
        self.not_before_s = np.full(count, _NEVER_S)
        self.last_s = np.full(count, _NEVER_S)
        self.ramp_start_s: FloatArray | None = None
        self.from_w = np.full(count, np.nan)
        self.flexible = np.array([n for n, u in enumerate(units) if u.kind in {EV, LOAD}], dtype=np.int64)
        self.is_car = np.array([unit.kind == EV for unit in units])
        self.tier = np.array([unit.tier for unit in units])
        self.cost = np.array([unit.comfort_cost for unit in units])
        self.rated_w = np.array([unit.rated_w for unit in units])
        self.floor_w = np.array([unit.floor_w for unit in units])
        self.ampere_w = np.array([unit.ampere_w for unit in units])
        self.min_on_ns = np.array([round(unit.min_on_s * _NS_PER_S) for unit in units])
        self.min_off_ns = np.array([round(unit.min_off_s * _NS_PER_S) for unit in units])

    def common(self, second: int) -> None:
        """Something that all buildings saw: each waits 120 s and a random while more."""
        delay_s = RESTORE_AFTER_S + RESTORE_SPREAD_S * draw_uniform(
            self.seed, f"common {second}", len(self.below_s)
        )
        free = self.not_before_s <= second
        self.not_before_s = np.where(free, second + delay_s, self.not_before_s)

    def start_after_outage(self, second: int) -> None:
        """The voltage is back: a minute, a random while, and then slowly."""
        wait_s = OUTAGE_S + OUTAGE_SPREAD_S * draw_uniform(self.seed, f"outage {second}", len(self.below_s))
        self.ramp_start_s = second + wait_s
        self.from_w[:] = np.nan

    def find_limited_units(self) -> IndexArray:
        """The units that may take less than they would."""
        at = self.flexible
        return np.asarray(at[(self.seen.on[at] == 0) | (self.seen.limit_w[at] < NONE_W)])

    def second(self, second: int, now_ns: int, grid_w: FloatArray, expected_w: FloatArray) -> IndexArray:
        """Let at most one unit of each building come back; returns those that did.

        ``grid_w`` as measured, ``expected_w`` after what was just decided.
        """
        high_w = np.maximum(grid_w, expected_w)
        cap_w = np.minimum(
            self.seen.import_max_w * RESTORE_BELOW_SHARE, self._compute_ceiling_w(second, grid_w)
        )
        below = high_w < cap_w
        self.below_s = np.where(below, np.minimum(self.below_s, second), np.inf)
        held = self.find_limited_units()
        if not len(held):
            return held
        of = self.of[held]
        held = held[self._is_open(second)[of] & ~self._find_moved_buildings()[of]]
        if not len(held):
            return held
        spare_w = cap_w - expected_w
        chosen = self._first(self._fitting(held, spare_w[self.of[held]], now_ns), now_ns)
        self._raise_limits(chosen, spare_w[self.of[chosen]], now_ns)
        self.last_s[self.of[chosen]] = second
        return chosen

    def _compute_ceiling_w(self, second: int, grid_w: FloatArray) -> FloatArray:
        """After an outage nothing rises at first, then by a tenth of the contract a minute."""
        if self.ramp_start_s is None:
            return np.full(len(grid_w), np.inf)
        rises = second >= self.ramp_start_s
        begun = rises & np.isnan(self.from_w)
        self.from_w[begun] = np.maximum(grid_w[begun], 0.0)
        ramp_w = OUTAGE_RAMP_PER_MIN * self.contract_w * (second - self.ramp_start_s) / 60.0
        ceiling_w: FloatArray = np.where(rises, self.from_w + ramp_w, 0.0)
        if bool((ceiling_w >= self.contract_w).all()):
            self.ramp_start_s = None
        return np.where(ceiling_w >= self.contract_w, np.inf, ceiling_w)

    def _is_open(self, second: int) -> MaskArray:
        rested = second - self.last_s >= RESTORE_EACH_S
        long = second - self.below_s >= RESTORE_AFTER_S
        return np.asarray(long & rested & (second >= self.not_before_s))

    def _find_moved_buildings(self) -> MaskArray:
        """Buildings in which a cap moved something just now."""
        acted = np.zeros(len(self.below_s), dtype=bool)
        acted[self.of[self.seen.cap_row >= 0]] = True
        return acted

    def _fitting(self, held: IndexArray, spare_w: FloatArray, now_ns: int) -> IndexArray:
        """Those that fit: what is off first, then cars that may have more."""
        columns = self.seen
        is_off, is_car = columns.on[held] == 0, self.is_car[held]
        back_w = np.where(columns.before_w[held] > 0.0, columns.before_w[held], self.rated_w[held])
        back_w = np.where(is_car, self.floor_w[held], back_w)
        rested = now_ns - columns.since_ns[held] >= self.min_off_ns[held]
        fits = is_off & rested & (back_w <= spare_w)
        fits &= self._turns(held, now_ns) < SWITCHINGS_MAX_PER_H // 2
        fits &= ~(self._is_machine(held) & self._find_starting_buildings(now_ns)[self.of[held]])
        limit_w, full_w = columns.limit_w[held], self.rated_w[held]
        more_w = np.minimum(full_w, limit_w + spare_w)
        least_w = np.minimum(full_w, limit_w + self.floor_w[held] / 6)
        return np.asarray(held[fits | (~is_off & is_car & (more_w >= least_w))])

    def _is_machine(self, units: IndexArray) -> MaskArray:
        """Return which units have a minimum on-time."""
        return np.asarray(self.min_on_ns[units] > 0)

    def _find_starting_buildings(self, now_ns: int) -> MaskArray:
        """Buildings with a machine inside its minimum on-time: they are released one such time apart."""
        at = self.flexible[self._is_machine(self.flexible)]
        runs = (self.seen.on[at] == 1) & (now_ns - self.seen.since_ns[at] < self.min_on_ns[at])
        starting = np.zeros(len(self.below_s), dtype=bool)
        starting[self.of[at[runs]]] = True
        return starting

    def _turns(self, held: IndexArray, now_ns: int) -> npt.NDArray[np.int64]:
        """Return the number of sheds of each unit in the last hour."""
        columns = self.seen
        used = np.arange(columns.sheds_ns.shape[1])[None, :] < columns.shed_count[held][:, None]
        return np.asarray((used & (now_ns - columns.sheds_ns[held] < 3600 * _NS_PER_S)).sum(axis=1))

    def _first(self, fitting: IndexArray, now_ns: int) -> IndexArray:
        """Return the next unit of each building: one that is off first, else in reverse order of shedding."""
        columns = self.seen
        used = np.arange(columns.sheds_ns.shape[1])[None, :] < columns.shed_count[fitting][:, None]
        sheds = (used & (now_ns - columns.sheds_ns[fitting] < 86_400 * _NS_PER_S)).sum(axis=1)
        is_off = columns.on[fitting] == 0
        order = np.lexsort((fitting, self.cost[fitting], sheds, self.tier[fitting], is_off, self.of[fitting]))
        turn = fitting[order][::-1]
        _, first = np.unique(self.of[turn], return_index=True)
        return np.asarray(turn[first])

    def _raise_limits(self, chosen: IndexArray, spare_w: FloatArray, now_ns: int) -> None:
        columns = self.seen
        is_off, is_car = columns.on[chosen] == 0, self.is_car[chosen]
        limit_w, full_w = columns.limit_w[chosen], self.rated_w[chosen]
        is_at_limit = ~is_off & (
            np.minimum(columns.present_w[chosen], limit_w) >= limit_w - _STEADY_A * self.ampere_w[chosen]
        )
        raised_w = np.where(is_off, self.floor_w[chosen], np.minimum(full_w, limit_w + spare_w))
        raised_w = np.where(raised_w >= full_w - _EPSILON_W, NONE_W, raised_w)
        cars = chosen[is_car]
        columns.limit_w[cars] = raised_w[is_car]
        moved = chosen[is_car & (is_off | is_at_limit)]
        columns.raised_ns[moved] = now_ns
        columns.on[chosen[is_off]] = 1
        columns.since_ns[chosen[is_off]] = now_ns
