"""A counter that never decreases, whatever the meter does: glitches, resets, roll-overs, exchanges.  Pure.

A reading that the meter cannot have reached is not accepted.  The last good value stays, with quality STALE,
and one note gives the reason.  If the following readings continue from the refused one for a while, the meter
was reset or exchanged: the count then continues from its last value.  So there is no spike of energy, and no
energy is counted twice.

A possible reading that was seen only once was false if the next one continues from the reading before it (a
checksum of eight bits lets one error in 256 pass).  The reported value then stays until the meter reaches it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from quartier_drivers.contract import Note
from quartier_drivers.meter.schema import CounterLimits
from quartier_drivers.readings import Quality

_HOUR_NS = 3_600_000_000_000
# When a meter is first seen, nobody knows how long it has counted towards its next step.
_UNSEEN_NS = _HOUR_NS
# A reset is accepted after this many readings over this time; a new serial number needs fewer readings.
_SURE_COUNT = 3
_SURE_NS = 30_000_000_000
_SWAP_COUNT = 2
_GOOD_CODES = ("counter.back", "counter.rolled_over")


@dataclass(slots=True)
class _ReadingTrack:
    """Readings that continue one another: the last one, when it came, and when it last changed."""

    raw: float
    meter: str
    read_ns: int
    change_ns: int
    first_raw: float
    first_ns: int
    count: int = 1

    def find_increase_max(self, rule: CounterLimits, now_ns: int) -> float:
        """Return how much the counter may have increased by now.

        A coarse counter steps by all that it gathered since its last step.
        """
        per_ns = rule.rate_max / _HOUR_NS
        gathered = min(per_ns * (self.read_ns - self.change_ns), max(rule.step, rule.rate_max))
        return per_ns * (now_ns - self.read_ns) + gathered

    def follow(self, raw: float, now_ns: int) -> None:
        if raw != self.raw:
            self.change_ns = self.read_ns
            self.raw = raw
        self.read_ns = now_ns
        self.count += 1


@dataclass(frozen=True, slots=True)
class CheckedValue:
    """The value of a counter now; ``note`` if something happened that a person should know."""

    value: float
    quality: Quality
    note: Note | None = None


class CounterCheck:
    """The check of one counter of one meter.  ``point`` names the counter in the notes."""

    def __init__(self, point: str, rule: CounterLimits) -> None:
        self._point = point
        self._rule = rule
        self._shift = 0.0
        self._good: _ReadingTrack | None = None
        self._suspect: _ReadingTrack | None = None
        self._former: tuple[_ReadingTrack, float] | None = None
        self._before: _ReadingTrack | None = None  # as it stood before the last step, which was seen once
        self._reported_value = float("-inf")
        self._why = ""

    @property
    def is_held(self) -> bool:
        """Return whether the last good value is reported instead of the reading of the meter."""
        return self._suspect is not None or self._is_ahead

    @property
    def _is_ahead(self) -> bool:
        """Return whether the reported value is above the reading of the meter, after a false reading."""
        return self._good is not None and self._reported_value > self._good.raw + self._shift

    def judge(self, raw: float, meter: str, now_ns: int) -> CheckedValue:
        """Check a reading in the unit of the point; ``meter`` is the serial number, empty if unknown."""
        good = self._good
        if good is None:
            self._good = _make_track(raw, meter, now_ns, now_ns - _UNSEEN_NS)
            self._reported_value = raw + self._shift
            return CheckedValue(self._reported_value, Quality.GOOD)
        note = None
        if self._continues_former(good, raw, meter, now_ns):
            good = self._return_to_former()
        elif self._is_last_step_undone(good, raw, meter, now_ns):
            note = self._note(
                "counter.held", f"{good.raw:g} was none; the last value stays until it is reached", raw, meter
            )
            good = self._undo_last_step()
        if not _is_meter_swap(good, meter) and self._can_be(good, raw, now_ns):
            return self._continue_counter(good, raw, meter, now_ns, note)
        held = max(self._reported_value, good.raw + self._shift)
        why = _explain_reset(good, raw, meter)
        if self._suspect is None or not self._is_continued(self._suspect, raw, meter, now_ns):
            if self._suspect is None:
                note = self._note("counter.held", f"{why}; {held:g} stays until it is sure", raw, meter)
            self._suspect, self._why = _make_track(raw, meter, now_ns, now_ns), why
        else:
            self._suspect.follow(raw, now_ns)
            if self._is_confirmed(good, self._suspect):
                return self._accept_suspect(good, self._suspect)
        return CheckedValue(held, Quality.STALE, note)

    def dump_state(self) -> Mapping[str, Any]:
        """Return the state that must survive a restart, JSON-ready; empty before the first reading."""
        if self._good is None:
            return {}
        kept = {"shift": self._shift, "raw": self._good.raw, "meter": self._good.meter}
        return kept | {"told": self._reported_value} if self._is_ahead else kept

    def recall(self, kept: Mapping[str, Any], now_ns: int, away_s: float) -> None:
        """Restore the state kept ``away_s`` seconds ago.  Raises KeyError, TypeError or ValueError."""
        shift, raw, meter = float(kept["shift"]), float(kept["raw"]), str(kept["meter"])
        told = float(kept.get("told", raw + shift))
        since_ns = now_ns - int(away_s * 1e9)
        self._shift, self._reported_value = shift, told
        self._good = _make_track(raw, meter, since_ns, since_ns - _UNSEEN_NS)
        self._good.count = _SURE_COUNT

    def _can_be(self, track: _ReadingTrack, raw: float, now_ns: int) -> bool:
        """Return whether the counter can have reached ``raw``, a roll-over included."""
        step = raw - track.raw
        if step < 0 and self._rule.roll_over:
            step += self._rule.roll_over
        return 0 <= step <= track.find_increase_max(self._rule, now_ns)

    def _continues_former(self, good: _ReadingTrack, raw: float, meter: str, now_ns: int) -> bool:
        """Return whether the accepted reading was false.

        It was if the new one continues, closer, from the value before it.
        """
        if self._former is None:
            return False
        track, shift = self._former
        fits = not _is_meter_swap(track, meter) and self._can_be(track, raw, now_ns)
        return fits and raw + shift >= good.raw + self._shift and raw - track.raw < abs(raw - good.raw)

    def _is_last_step_undone(self, good: _ReadingTrack, raw: float, meter: str, now_ns: int) -> bool:
        """Return whether the last step was false.

        It was if the new reading is below it and continues from the one before.
        """
        before = self._before
        if before is None or raw >= good.raw or _is_meter_swap(before, meter):
            return False
        return before.raw <= raw and self._can_be(before, raw, now_ns)

    def _undo_last_step(self) -> _ReadingTrack:
        assert self._before is not None
        self._good, self._before = self._before, None
        return self._good

    def _return_to_former(self) -> _ReadingTrack:
        assert self._former is not None
        self._good, self._shift = self._former
        self._former = self._before = None
        return self._good

    def _continue_counter(
        self, good: _ReadingTrack, raw: float, meter: str, now_ns: int, note: Note | None
    ) -> CheckedValue:
        was_ahead = self._is_ahead
        if self._suspect is not None:
            self._suspect = None
            note = self._note("counter.back", f"it goes on as before; {self._why} was none", raw, meter)
        if raw < good.raw:
            self._shift += self._rule.roll_over
            note = self._note("counter.rolled_over", f"it began anew after {good.raw:g}", raw, meter)
        self._before = replace(good) if raw > good.raw and good.count > 1 else None
        good.follow(raw, now_ns)
        good.meter = meter or good.meter
        value = raw + self._shift
        if value < self._reported_value:
            return CheckedValue(self._reported_value, Quality.STALE, note)
        self._reported_value = value
        if was_ahead and note is None:
            note = self._note("counter.back", "it is where it was said to be", raw, meter)
        return CheckedValue(value, Quality.GOOD, note)

    def _is_continued(self, suspect: _ReadingTrack, raw: float, meter: str, now_ns: int) -> bool:
        return meter == suspect.meter and self._can_be(suspect, raw, now_ns)

    def _is_confirmed(self, good: _ReadingTrack, suspect: _ReadingTrack) -> bool:
        if _is_meter_swap(good, suspect.meter):
            return suspect.count >= _SWAP_COUNT
        return suspect.count >= _SURE_COUNT and suspect.read_ns - suspect.first_ns >= _SURE_NS

    def _accept_suspect(self, good: _ReadingTrack, suspect: _ReadingTrack) -> CheckedValue:
        """Accept the suspect readings as true: the count continues from its last value."""
        if good.count > 1:
            self._former = good, self._shift
            self._shift += good.raw - suspect.first_raw
        else:  # the very first reading was false: no reading ever continued from it
            self._reported_value = float("-inf")
        suspect.meter = suspect.meter or good.meter
        suspect.change_ns = min(suspect.change_ns, suspect.first_ns - _UNSEEN_NS)
        self._good, self._suspect, self._before = suspect, None, None
        text = f"{self._why}; it counts on from there"
        note = self._note("counter.continued", text, suspect.raw, suspect.meter)
        self._reported_value = max(self._reported_value, suspect.raw + self._shift)
        return CheckedValue(self._reported_value, Quality.GOOD, note)

    def _note(self, code: str, text: str, raw: float, meter: str) -> Note:
        data: dict[str, float | str] = {"point": self._point, "raw": raw, "meter": meter}
        return Note(code, f"{self._point}: {text}", data, is_good=code in _GOOD_CODES)


def _make_track(raw: float, meter: str, now_ns: int, moved_ns: int) -> _ReadingTrack:
    return _ReadingTrack(raw, meter, now_ns, moved_ns, raw, now_ns)


def _is_meter_swap(good: _ReadingTrack, meter: str) -> bool:
    return bool(meter and good.meter and meter != good.meter)


def _explain_reset(good: _ReadingTrack, raw: float, meter: str) -> str:
    if _is_meter_swap(good, meter):
        return f"meter {good.meter} became {meter}, {good.raw:g} became {raw:g}"
    if raw < good.raw:
        return f"it fell from {good.raw:g} to {raw:g}"
    return f"it leapt from {good.raw:g} to {raw:g}"
