"""What meters say of the tariff: index, colours, mobile peaks, the calendar of tomorrow (pure)."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from quartier.control.limits import supplies
from quartier.control.observe import observations
from quartier.control.observe.observations import LastGoodValues
from quartier.control.state import ControlState
from quartier.house.assets import MOBILE_PEAKS
from quartier.house.now import Now
from quartier.planning.tariff import Told, profile

_MINUTE_S = 60

Said = Callable[[str], str]
"""What a point says in words; empty where it says none."""


def told(state: ControlState, now: Now, said: Said = lambda _: "") -> Told:
    """The word of the first meter that tells an index, those of the grid operator first."""
    for supply in state.house.supplies:
        meter = _Meter(state.memories, now, supply.name, supply.period_s)
        index = meter.number("tariff_index")
        if index is not None:
            return Told(
                index=index,
                today=meter.number("today_colour_state", "today_colour_index"),
                tomorrow=meter.number("tomorrow_colour_state", "tomorrow_colour_index"),
                notice=meter.notice(),
                peaks=tuple(meter.peaks()),
                profile=profile(said(f"{supply.name}.tomorrow_profile_text")),
                profile_from=meter.profile_from(),
            )
    for one in state.house.witnesses:
        if one.tariff_s is not None:
            index = _Meter(state.memories, now, one.name, one.tariff_s).number("tariff_index")
            if index is not None:
                return Told(index=index)
    return Told()


@dataclass(frozen=True, slots=True)
class _Meter:
    """What one meter says now."""

    memories: LastGoodValues
    now: Now
    name: str
    period_s: float

    def fresh(self, name: str) -> float | None:
        return observations.find_fresh_value(self.memories, f"{self.name}.{name}", self.period_s, self.now.ns)

    def number(self, *names: str) -> int | None:
        """The first of some numbers that is told; 0 says that it is not."""
        return next((int(value) for name in names if (value := self.fresh(name))), None)

    def notice(self) -> bool | None:
        """Whether a mobile peak is announced; None where it says nothing of such."""
        heard = [value for name in supplies.NOTICES if (value := self.fresh(name)) is not None]
        return any(heard) if heard else None

    def peaks(self) -> Iterator[tuple[float, float]]:
        """Begin and end of what is announced by date, to the minute: stamps come late by some seconds."""
        for peak in MOBILE_PEAKS:
            begin_s, end_s = (self._at_s(f"{peak}_{edge}_in_s") for edge in ("begin", "end"))
            if begin_s is not None and end_s is not None:
                yield begin_s, end_s

    def profile_from(self) -> int:
        """From which day its calendar of tomorrow counts: from today where that is a day of the same kind."""
        today, tomorrow = self.fresh("today_day_index"), self.fresh("tomorrow_day_index")
        return 0 if today is not None and today == tomorrow else 1

    def _at_s(self, name: str) -> float | None:
        left_s, memory = self.fresh(name), self.memories.get(f"{self.name}.{name}")
        if left_s is None or memory is None:
            return None
        taken_s = self.now.utc_ms / 1000 - observations.find_reading_age_s(memory, self.now.ns)
        return float(round((taken_s + left_s) / _MINUTE_S) * _MINUTE_S)
