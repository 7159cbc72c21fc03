"""Compare stored values of quarter hours with the plant's own counters (pure)."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from quartier_hil import span
from quartier_hil import wanted as asked
from quartier_hil.scenario import Scenario
from quartier_hil.span import QUARTER_S, Span
from quartier_hil.verdict.checks import Ending, Judge, Verdict, counted

_SHARE = 0.015
_ROUNDING_WH = 1e-3
_LISTED, _COUNTED, _POWER = "quarters", "counters", "quarters-power"


@dataclass
class _Track:
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
class Listed:
    """Check that each quarter hour is in the list once, in order, with its local time."""

    asked: asked.Quarters
    span: Span

    def step(self, now_s: float, dt_s: float, values: Mapping[str, float]) -> None:
        """Do nothing: the list is checked at the end."""

    def verdict(self, ending: Ending) -> Verdict:
        """Return the verdict with the number of values and the first that is out of place."""
        labels = self.span.labels
        points = (*self.asked.counters, *self.asked.powers)
        promised = f"{counted(len(labels), 'value')} of 15 min, {labels[0]} to {labels[-1]}, each once"
        promised += f", of {', '.join(points)}"
        if ending.stored is None:
            return Verdict(_LISTED, promised, "the history gave nothing", holds=False)
        found = {point: [label for label, _ in ending.stored.quarters.get(point, ())] for point in points}
        faults = [f"{point}: {_first(labels, there)}" for point, there in found.items() if there != labels]
        measured = "; ".join(faults) or f"{len(labels)} of each"
        return Verdict(_LISTED, promised, measured, holds=not faults)


def _first(labels: Sequence[str], found: Sequence[str]) -> str:
    """Return the first place at which two lists differ, as text."""
    places = zip(labels, found, strict=False)
    at = next((n for n, (want, have) in enumerate(places) if want != have), min(len(labels), len(found)))
    here = found[at] if at < len(found) else "the end"
    there = labels[at] if at < len(labels) else "the end"
    return f"{counted(len(found), 'value')}, the {at + 1}. is {here}, not {there}"


@dataclass
class Counted:
    """A counter never shrinks, and each quarter ends with what the plant had counted."""

    asked: asked.Quarters
    track: _Track
    span: Span

    def step(self, now_s: float, dt_s: float, values: Mapping[str, float]) -> None:  # noqa: ARG002 - as asked
        """Remember what the plant shows."""
        self.track.step(now_s, values)

    def verdict(self, ending: Ending) -> Verdict:
        """Return the verdict with the largest deviation and any decrease."""
        point = self.track.point
        promised = (
            f"{point} never shrinks; each 15 min end with what was counted within their last "
            f"{self.asked.late_s:g} s, ± {self.asked.step_wh:g} Wh"
        )
        rows = _rows(ending, point)
        samples = ending.stored.samples.get(point, ()) if ending.stored else ()
        if len(rows) != self.span.count or (rows[0][1] != rows[-1][1] and not samples):
            measured = f"{counted(len(rows), 'value')} of 15 min, {counted(len(samples), 'sample')}"
            return Verdict(_COUNTED, promised, measured, holds=False)
        backwards = [late for early, late in pairwise(samples) if late[1] < early[1]]
        off = [(row[0], wh) for row, wh in zip(rows, self._off(rows, ending), strict=True) if wh]
        sum_wh = rows[-1][1] - rows[0][1]
        zero_s = ending.zero_s
        own_wh = self.track.at(self.span.count * QUARTER_S - zero_s) - self.track.at(QUARTER_S - zero_s)
        measured = f"{sum_wh:.1f} Wh in {counted(len(rows) - 1, 'step')}, {own_wh:.1f} by the plant"
        measured += f"; {counted(len(samples), 'sample')}"
        if backwards:
            measured += f"; {len(backwards)} go back, first at {backwards[0][0]}"
        if off:
            measured += f"; {len(off)} off, first at {off[0][0]} by {off[0][1]:.1f} Wh"
        return Verdict(_COUNTED, promised, measured, holds=not backwards and not off)

    def _off(self, rows: Sequence[tuple[str, float]], ending: Ending) -> Iterator[float]:
        """Yield by how much each row, in Wh, is outside of what a timely reading can show; 0: inside."""
        for number, (_, value) in enumerate(rows):
            end_s = (number + 1.0) * QUARTER_S - ending.zero_s
            # While the gateway did not run, it read nothing.
            downs = [at_s for at_s, back_s in ending.downs if at_s <= end_s <= back_s + self.asked.late_s]
            low, high = self.track.between(min([end_s, *downs]) - self.asked.late_s, end_s)
            over = max(value - high, 0.0) + min(value - low + self.asked.step_wh, 0.0)
            yield over if abs(over) > _ROUNDING_WH else 0.0


@dataclass
class Mean:
    """Check that the mean power of each quarter hour is the plant's, and their sum the counters' energy."""

    asked: asked.Quarters
    point: str
    span: Span
    times_s: list[float] = field(default_factory=list)
    sums_wh: list[float] = field(default_factory=lambda: [0.0])

    def step(self, now_s: float, dt_s: float, values: Mapping[str, float]) -> None:
        """Add what flows in the step."""
        self.times_s.append(now_s)
        self.sums_wh.append(self.sums_wh[-1] + values[self.point] * dt_s / 3600.0)

    def verdict(self, ending: Ending) -> Verdict:
        """Return the verdict with the largest deviation, and the energy of the day by both."""
        slack = f"{self.asked.power_w:g} W and {_SHARE:.1%}"
        promised = f"mean of {self.point} in each 15 min within {slack} of the plant's"
        rows = _rows(ending, self.point)
        if len(rows) != self.span.count:
            return Verdict(_POWER, promised, counted(len(rows), "value"), holds=False)
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
            wrong += off_w > self.asked.power_w + _SHARE * abs(own_w)
        sum_wh = sum(mean_w for _, mean_w in rows) * QUARTER_S / 3600
        own_wh = sum(
            self._between_wh(number * QUARTER_S - ending.zero_s) for number in range(self.span.count)
        )
        measured = f"{sum_wh:.0f} Wh, {own_wh:.0f} by the plant; at most {worst[0]:.0f} W off, at {worst[1]}"
        return Verdict(_POWER, promised, measured + (f"; {wrong} too far" if wrong else ""), holds=not wrong)

    def _between_wh(self, begin_s: float) -> float:
        """Return the energy in the quarter hour from ``begin_s`` on, in Wh."""
        first, last = (bisect_right(self.times_s, at_s + 1e-6) for at_s in (begin_s, begin_s + QUARTER_S))
        return self.sums_wh[last] - self.sums_wh[first]


def _rows(ending: Ending, point: str) -> Sequence[tuple[str, float]]:
    return ending.stored.quarters.get(point, ()) if ending.stored else ()


def judges(scenario: Scenario, check: asked.Quarters) -> Iterator[Judge]:
    """Yield a judge for the list, one for each counter and one for each power."""
    whole = span.of(scenario)
    yield Listed(check, whole)
    for point in check.counters:
        yield Counted(check, _Track(point), whole)
    for point in check.powers:
        yield Mean(check, point, whole)
