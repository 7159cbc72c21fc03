"""Check that the gateway reads its supply contract right: period, colours, energy by period (pure)."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from quartier_hil import wanted as asked
from quartier_hil.tariff import Tariff
from quartier_hil.verdict.checks import Ending, Verdict, counted

INDEX = "tariff_index"
_COLOURS = ("today_colour_state", "tomorrow_colour_state")


def judges(tariff: Tariff, check: asked.TariffRead) -> Iterator["Shown | Counted"]:
    """Yield a judge for the period in force, one for each colour, and one for the counters."""
    yield Shown(INDEX, check)
    if tariff.contract == "tempo":
        for quantity in _COLOURS:
            yield Shown(quantity, check)
    yield Counted(tariff, check)


@dataclass
class Shown:
    """Check that the gateway shows a quantity of the contract as it is in force."""

    quantity: str
    asked: asked.TariffRead
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

    def verdict(self, _: Ending) -> Verdict:
        """Return the number of changes, the slowest time to show one, and the seconds shown wrong."""
        promised = f"linky.{self.quantity} is the contract's, {self.asked.within_s:g} s after a change"
        if not self.changes_count:
            unshown = f"never changed in {self.seen_s:g} s"
            return Verdict("tariff", promised, "", holds=False, unshown=unshown)
        measured = f"{counted(self.changes_count, 'change')}, known after {self.slowest_s:g} s"
        measured += f", wrong for {self.wrong_s:g} s"
        return Verdict("tariff", promised, measured, self.wrong_s == 0.0 and self._is_right)


@dataclass
class Counted:
    """Check of the counters of the meter, by index, as the gateway has them, against the plant's import."""

    tariff: Tariff
    asked: asked.TariffRead
    imported_wh: dict[int, float] = field(default_factory=dict)
    _first: dict[int, float] = field(default_factory=dict)
    _last: dict[int, float] = field(default_factory=dict)
    _index: int | None = None

    def step(self, now_s: float, dt_s: float, values: Mapping[str, float]) -> None:  # noqa: ARG002 - as asked
        """Evaluate one step: it belongs to the period in which it begins."""
        index = values.get(f"contract.{INDEX}")
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

    def verdict(self, _: Ending) -> Verdict:
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
