"""Check stored quarter hours, the counters of the supply contract, and what a plan saved, against the
plant (pure).
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from quartier_hil.checks.verdicts import Check, RunData, Verdict, format_count
from quartier_hil.scenario import expectations as asked
from quartier_hil.scenario import preparation
from quartier_hil.scenario.preparation import QUARTER_S, QuarterSpan
from quartier_hil.scenario.scenario_file import Scenario
from quartier_hil.scenario.supply_contract import Tariff

_TOLERANCE_SHARE = 0.015
_ROUNDING_WH = 1e-3
_LIST_CHECK, _COUNTER_CHECK, _POWER_CHECK = "quarters", "counters", "quarters-power"


@dataclass
class _PlantCounter:
    """Values of the plant's own counter of a point, step by step."""

    point: str
    times_s: list[float] = field(default_factory=list)
    values: list[float] = field(default_factory=list)

    def step(self, now_s: float, values: Mapping[str, float]) -> None:
        self.times_s.append(now_s)
        self.values.append(values[self.point])

    def at(self, at_s: float) -> float:
        """Return its value at ``at_s``, or at the first step."""
        return self.values[max(bisect_right(self.times_s, at_s + 1e-6) - 1, 0)]

    def between(self, begin_s: float, end_s: float) -> tuple[float, float]:
        """Return the smallest and the largest value that a reading within the span can have."""
        first = max(bisect_right(self.times_s, begin_s + 1e-6) - 1, 0)
        last = max(bisect_left(self.times_s, end_s - 1e-6) - 1, first)
        return self.values[first], self.values[last]


@dataclass
class QuarterListCheck:
    """Check that each quarter hour is in the list once, in order, with its local time."""

    asked: asked.QuarterHourExpectation
    span: QuarterSpan

    def step(self, now_s: float, dt_s: float, values: Mapping[str, float]) -> None:
        """Do nothing: the list is checked at the end."""

    def verdict(self, ending: RunData) -> Verdict:
        """Return the verdict with the number of values and the first that is out of place."""
        labels = self.span.labels
        points = (*self.asked.counters, *self.asked.powers)
        promised = f"{format_count(len(labels), 'value')} of 15 min, {labels[0]} to {labels[-1]}, each once"
        promised += f", of {', '.join(points)}"
        if ending.stored is None:
            return Verdict(_LIST_CHECK, promised, "the history gave nothing", holds=False)
        found = {point: [label for label, _ in ending.stored.quarters.get(point, ())] for point in points}
        faults = [
            f"{point}: {_find_first_difference(labels, there)}"
            for point, there in found.items()
            if there != labels
        ]
        measured = "; ".join(faults) or f"{len(labels)} of each"
        return Verdict(_LIST_CHECK, promised, measured, holds=not faults)


def _find_first_difference(labels: Sequence[str], found: Sequence[str]) -> str:
    """Return the first place at which two lists differ, as text."""
    places = zip(labels, found, strict=False)
    at = next(
        (n for n, (expected, have) in enumerate(places) if expected != have), min(len(labels), len(found))
    )
    here = found[at] if at < len(found) else "the end"
    there = labels[at] if at < len(labels) else "the end"
    return f"{format_count(len(found), 'value')}, the {at + 1}. is {here}, not {there}"


@dataclass
class CounterCheck:
    """A counter never shrinks, and each quarter ends with what the plant had counted."""

    asked: asked.QuarterHourExpectation
    track: _PlantCounter
    span: QuarterSpan

    def step(self, now_s: float, dt_s: float, values: Mapping[str, float]) -> None:  # noqa: ARG002 - as asked
        """Remember what the plant shows."""
        self.track.step(now_s, values)

    def verdict(self, ending: RunData) -> Verdict:
        """Return the verdict with the largest deviation and any decrease."""
        point = self.track.point
        promised = (
            f"{point} never shrinks; each 15 min end with what was counted within their last "
            f"{self.asked.late_s:g} s, ± {self.asked.step_wh:g} Wh"
        )
        rows = _list_rows(ending, point)
        samples = ending.stored.samples.get(point, ()) if ending.stored else ()
        if len(rows) != self.span.count or (rows[0][1] != rows[-1][1] and not samples):
            measured = f"{format_count(len(rows), 'value')} of 15 min, {format_count(len(samples), 'sample')}"
            return Verdict(_COUNTER_CHECK, promised, measured, holds=False)
        backwards = [late for early, late in pairwise(samples) if late[1] < early[1]]
        off = [(row[0], wh) for row, wh in zip(rows, self._off(rows, ending), strict=True) if wh]
        sum_wh = rows[-1][1] - rows[0][1]
        zero_s = ending.zero_s
        own_wh = self.track.at(self.span.count * QUARTER_S - zero_s) - self.track.at(QUARTER_S - zero_s)
        measured = f"{sum_wh:.1f} Wh in {format_count(len(rows) - 1, 'step')}, {own_wh:.1f} by the plant"
        measured += f"; {format_count(len(samples), 'sample')}"
        if backwards:
            measured += f"; {len(backwards)} go back, first at {backwards[0][0]}"
        if off:
            measured += f"; {len(off)} off, first at {off[0][0]} by {off[0][1]:.1f} Wh"
        return Verdict(_COUNTER_CHECK, promised, measured, holds=not backwards and not off)

    def _off(self, rows: Sequence[tuple[str, float]], ending: RunData) -> Iterator[float]:
        """Yield by how much each row, in Wh, is outside of what a timely reading can show; 0: inside."""
        for number, (_, value) in enumerate(rows):
            end_s = (number + 1.0) * QUARTER_S - ending.zero_s
            # While the gateway did not run, it read nothing.
            downs = [at_s for at_s, back_s in ending.downs if at_s <= end_s <= back_s + self.asked.late_s]
            low, high = self.track.between(min([end_s, *downs]) - self.asked.late_s, end_s)
            over = max(value - high, 0.0) + min(value - low + self.asked.step_wh, 0.0)
            yield over if abs(over) > _ROUNDING_WH else 0.0


@dataclass
class MeanPowerCheck:
    """Check that the mean power of each quarter hour is the plant's, and their sum the counters' energy."""

    asked: asked.QuarterHourExpectation
    point: str
    span: QuarterSpan
    times_s: list[float] = field(default_factory=list)
    sums_wh: list[float] = field(default_factory=lambda: [0.0])

    def step(self, now_s: float, dt_s: float, values: Mapping[str, float]) -> None:
        """Add what flows in the step."""
        self.times_s.append(now_s)
        self.sums_wh.append(self.sums_wh[-1] + values[self.point] * dt_s / 3600.0)

    def verdict(self, ending: RunData) -> Verdict:
        """Return the verdict with the largest deviation, and the energy of the day by both."""
        slack = f"{self.asked.power_w:g} W and {_TOLERANCE_SHARE:.1%}"
        promised = f"mean of {self.point} in each 15 min within {slack} of the plant's"
        rows = _list_rows(ending, self.point)
        if len(rows) != self.span.count:
            return Verdict(_POWER_CHECK, promised, format_count(len(rows), "value"), holds=False)
        worst = (0.0, "")
        wrong = 0
        for number, (label, mean_w) in enumerate(rows):
            begin_s = number * QUARTER_S - ending.zero_s
            own_w = self._between_wh(begin_s) * 3600 / QUARTER_S
            if begin_s < 0 or any(
                at_s < begin_s + QUARTER_S and back_s > begin_s for at_s, back_s in ending.downs
            ):
                continue  # nobody can know what flowed while the one or the other was not there
            off_w = abs(mean_w - own_w)
            worst = max(worst, (off_w, label))
            wrong += off_w > self.asked.power_w + _TOLERANCE_SHARE * abs(own_w)
        sum_wh = sum(mean_w for _, mean_w in rows) * QUARTER_S / 3600
        own_wh = sum(
            self._between_wh(number * QUARTER_S - ending.zero_s) for number in range(self.span.count)
        )
        measured = f"{sum_wh:.0f} Wh, {own_wh:.0f} by the plant; at most {worst[0]:.0f} W off, at {worst[1]}"
        return Verdict(
            _POWER_CHECK, promised, measured + (f"; {wrong} too far" if wrong else ""), holds=not wrong
        )

    def _between_wh(self, begin_s: float) -> float:
        """Return the energy in the quarter hour from ``begin_s`` on, in Wh."""
        first, last = (bisect_right(self.times_s, at_s + 1e-6) for at_s in (begin_s, begin_s + QUARTER_S))
        return self.sums_wh[last] - self.sums_wh[first]


def _list_rows(ending: RunData, point: str) -> Sequence[tuple[str, float]]:
    return ending.stored.quarters.get(point, ()) if ending.stored else ()


def build_quarter_checks(scenario: Scenario, check: asked.QuarterHourExpectation) -> Iterator[Check]:
    """Yield a check for the list, one for each counter and one for each power."""
    whole = preparation.make_quarter_span(scenario)
    yield QuarterListCheck(check, whole)
    for point in check.counters:
        yield CounterCheck(check, _PlantCounter(point), whole)
    for point in check.powers:
        yield MeanPowerCheck(check, point, whole)


INDEX_QUANTITY = "tariff_index"
_COLOURS = ("today_colour_state", "tomorrow_colour_state")


def build_tariff_checks(
    tariff: Tariff, check: asked.TariffExpectation
) -> Iterator["TariffStateCheck | TariffCounterCheck"]:
    """Yield a check for the period in force, one for each colour, and one for the counters."""
    yield TariffStateCheck(INDEX_QUANTITY, check)
    if tariff.contract == "tempo":
        for quantity in _COLOURS:
            yield TariffStateCheck(quantity, check)
    yield TariffCounterCheck(tariff, check)


@dataclass
class TariffStateCheck:
    """Check that the gateway shows a quantity of the contract as it is in force."""

    quantity: str
    asked: asked.TariffExpectation
    changes_count: int = 0
    slowest_s: float = 0.0
    wrong_s: float = 0.0
    seen_s: float = 0.0
    _holds: float | None = None
    _since_s: float = 0.0
    _is_right: bool = False

    def step(self, now_s: float, dt_s: float, values: Mapping[str, float]) -> None:
        """Evaluate one step of the plant."""
        shown, holds = values.get(f"linky.{self.quantity}"), values.get(f"contract.{self.quantity}")
        if shown is None or holds is None:
            return
        self.seen_s += dt_s
        if holds != self._holds:
            self.changes_count += self._holds is not None
            self._holds, self._since_s, self._is_right = holds, now_s, False
        since_s = now_s - self._since_s
        if shown == holds:
            if not self._is_right:
                self.slowest_s = max(self.slowest_s, since_s)
            self._is_right = True
        elif self._is_right or since_s > self.asked.within_s:
            self.wrong_s += dt_s

    def verdict(self, _: RunData) -> Verdict:
        """Return the number of changes, the slowest time to show one, and the seconds shown wrong."""
        promised = f"linky.{self.quantity} is the contract's, {self.asked.within_s:g} s after a change"
        if not self.changes_count:
            unshown = f"never changed in {self.seen_s:g} s"
            return Verdict("tariff", promised, "", holds=False, unshown=unshown)
        measured = f"{format_count(self.changes_count, 'change')}, known after {self.slowest_s:g} s"
        measured += f", wrong for {self.wrong_s:g} s"
        return Verdict("tariff", promised, measured, self.wrong_s == 0.0 and self._is_right)


@dataclass
class TariffCounterCheck:
    """Check of the counters of the meter, by index, as the gateway has them, against the plant's import."""

    tariff: Tariff
    asked: asked.TariffExpectation
    imported_wh: dict[int, float] = field(default_factory=dict)
    _first: dict[int, float] = field(default_factory=dict)
    _last: dict[int, float] = field(default_factory=dict)
    _index: int | None = None

    def step(self, now_s: float, dt_s: float, values: Mapping[str, float]) -> None:  # noqa: ARG002 - as asked
        """Evaluate one step: it belongs to the period in which it begins."""
        index = values.get(f"contract.{INDEX_QUANTITY}")
        if index is None:
            return
        if self._index is not None and self._first:
            power_w = max(values["grid.power_w"], 0.0)
            self.imported_wh[self._index] = self.imported_wh.get(self._index, 0.0) + power_w * dt_s / 3_600.0
        self._index = int(index)
        for place in range(1, len(self.tariff.periods) + 1):
            counted = values.get(f"linky.energy_import_t{place}_wh", -1.0)
            if counted >= 0.0:
                self._first.setdefault(place, counted)
                self._last[place] = counted

    def verdict(self, _: RunData) -> Verdict:
        """Return the verdict with the energy of each period, in the order of the indexes."""
        promised = (
            f"each index of the meter counts what its period drew, within {self.asked.tolerance_wh:g} Wh"
        )
        found, off_wh = [], 0.0
        for place, period in enumerate(self.tariff.periods, start=1):
            if place not in self._last:
                return Verdict("tariff", promised, f"index {place} was never known", holds=False)
            counted_wh, drawn_wh = self._last[place] - self._first[place], self.imported_wh.get(place, 0.0)
            off_wh = max(off_wh, abs(counted_wh - drawn_wh))
            if counted_wh or drawn_wh:
                found.append(f"{period.replace('_', ' ')} {counted_wh / 1e3:.2f} kWh")
        measured = f"{', '.join(found) or 'nothing was drawn'}; off by {off_wh:.1f} Wh at most"
        return Verdict("tariff", promised, measured, bool(found) and off_wh <= self.asked.tolerance_wh)


class _EndOfDayCheck:
    """A check that has nothing to see before."""

    def step(self, now_s: float, dt_s: float, values: Mapping[str, float]) -> None:
        """Do nothing: the data come at the end."""


@dataclass
class SavingCheck(_EndOfDayCheck):
    """Check of the cost of the day with a plan and without."""

    asked: asked.SavingExpectation

    def verdict(self, ending: RunData) -> Verdict:
        """Return the costs; energy left in battery and hot water counts at the price of the last moment."""
        promised = f"the plan saves {self.asked.low_eur:g} EUR or more, what is stored at the end counted"
        found = ending.saving
        if found is None:
            return Verdict("saved", promised, "", holds=False, unshown="nobody lived the day without a plan")
        paid = "; the largest imports {:.2f} and {:.2f} EUR".format(*found.tops_eur)
        tops = paid if any(found.tops_eur) else ""
        heat = f" and {found.heat_wh / 1e3:+.2f} kWh as heat" if found.heat_wh else ""
        measured = (
            f"{found.planned_eur:.2f} EUR, {found.unplanned_eur:.2f} without a plan{tops}; "
            f"{found.stored_wh / 1e3:+.2f} kWh{heat} stored: saved {found.saving_eur:.2f} EUR"
        )
        is_alike = (found.planned_eur, found.stored_wh) == (found.unplanned_eur, 0.0)
        unshown = "the day was the same without a plan" if is_alike and not self.asked.guard else ""
        return Verdict("saved", promised, measured, found.saving_eur >= self.asked.low_eur, unshown)


@dataclass
class PeakCheck(_EndOfDayCheck):
    """Check of the largest import of an hour with a plan and without."""

    asked: asked.PeakExpectation

    def verdict(self, ending: RunData) -> Verdict:
        """Both are of whole hours."""
        promised = f"the largest import of an hour is {self.asked.by_w:g} W or more below that without a plan"
        found = ending.saving
        if found is None or found.top_w is None:
            return Verdict("peak-lowered", promised, "", holds=False, unshown="nobody looked at both days")
        top_w, other_w = found.top_w
        measured = f"{top_w:.0f} W, {other_w:.0f} without a plan: {other_w - top_w:.0f} lower"
        return Verdict("peak-lowered", promised, measured, other_w - top_w >= self.asked.by_w)
