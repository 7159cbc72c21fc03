"""Check that the machine keeps up with the speed factor of a run over wires (pure).

Time in the building runs ``rate`` times as fast as real time.  Where the machine is too slow for that, the
daemon skips control cycles, the simulated building lags behind its clock, or the daemon's readings grow old
though no event harms a device.  A measurement then says little about the gateway.
"""

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from quartier_hil.checks.verdicts import Verdict

SKIPPED_MAX_SHARE = 0.05
"""Over a whole run; single skipped cycles are part of every run on a machine that does other work."""
STALLED_SHARE = 0.25
"""Over a window: so much is no single pause of the machine."""
LOOKS_COUNT = 40
"""Looks at the grid meter's state in a window; about ten real seconds."""
LASTING_SHARE = 0.15
"""After this share of a run, a machine that was too slow so far and still is asks for a lower rate."""
WINDOW_COUNT = 120
"""Control cycles, and steps of the building, of a window; about four real seconds at 30 times real time."""
BEHIND_S = 5.0
"""The simulated building lags when it is further behind its clock, in its own seconds."""
_UNEXCUSED_CHECKS = frozenset({"alive", "balance", "on-time"})
"""Checks that a slow machine does not break, or that ask for its speed."""


@dataclass
class SpeedMonitor:
    """Counts the cycles that were due and those that were skipped, outside ``excused`` spans of seconds.

    A daemon that is killed or frozen skips cycles by the will of the scenario: these spans are excused.
    """

    rate: float
    duration_s: float
    excused: Sequence[tuple[float, float]] = ()
    due_count: int = 0
    skipped_count: int = 0
    behind_s: float = 0.0
    behind_max_s: float = 0.0
    seen_s: float = 0.0
    now_s: float = 0.0
    looks_count: int = 0
    blind_count: int = 0
    _blind: deque[bool] = field(default_factory=lambda: deque(maxlen=LOOKS_COUNT))
    _last: tuple[int, int] | None = None
    _lags: deque[bool] = field(default_factory=lambda: deque(maxlen=WINDOW_COUNT))
    _window: deque[tuple[int, int]] = field(default_factory=deque)

    def look(self, now_s: float, cycles: Mapping[str, Any] | None) -> None:
        """Take the cycles that a daemon counted so far; counters that went back are of a new daemon."""
        if not cycles:
            return
        done_count, skipped_count = int(cycles["count"]), int(cycles["skipped_count"])
        self.now_s, last, self._last = now_s, self._last, (done_count, skipped_count)
        if last is None or done_count < last[0] or any(begin <= now_s <= end for begin, end in self.excused):
            return
        skipped = max(skipped_count - last[1], 0)
        due = done_count - last[0] + skipped
        self.due_count += due
        self.skipped_count += skipped
        self._window.append((due, skipped))
        while sum(one for one, _ in self._window) - self._window[0][0] >= WINDOW_COUNT:
            self._window.popleft()

    def step(self, behind_s: float, dt_s: float) -> None:
        """Take how far the simulated building is behind its clock in one step."""
        self.seen_s += dt_s
        self._lags.append(behind_s > BEHIND_S)
        if behind_s > BEHIND_S:
            self.behind_s += dt_s
            self.behind_max_s = max(self.behind_max_s, behind_s)

    def observe_meter(self, state: str) -> None:
        """Take the state of the grid meter as the daemon shows it, while no fault explains it."""
        is_blind = state in {"stale", "lost"}
        self.looks_count += 1
        self.blind_count += is_blind
        self._blind.append(is_blind)

    @property
    def is_stalled(self) -> bool:
        """True if the last cycles need a lower rate; in the second half of a run nothing starts again."""
        due, skipped = (sum(counts) for counts in zip(*self._window, strict=True)) if self._window else (0, 0)
        is_worth_it = self.rate > 1.0 and self.now_s < self.duration_s / 2.0
        # What would be too slow for the whole run, and still is, would end as "not shown".
        is_lasting = self.is_late and self.now_s > self.duration_s * LASTING_SHARE
        share = SKIPPED_MAX_SHARE if is_lasting else STALLED_SHARE
        by_cycles = due >= WINDOW_COUNT and skipped > share * due
        by_plant = len(self._lags) == WINDOW_COUNT and sum(self._lags) > share * WINDOW_COUNT
        by_meter = len(self._blind) == LOOKS_COUNT and sum(self._blind) > share * LOOKS_COUNT
        return is_worth_it and (by_cycles or by_plant or by_meter)

    @property
    def is_late(self) -> bool:
        """Return whether the whole run was too fast for this machine."""
        by_cycles = self.skipped_count > SKIPPED_MAX_SHARE * self.due_count
        by_meter = self.blind_count > SKIPPED_MAX_SHARE * max(self.looks_count, LOOKS_COUNT)
        return by_cycles or by_meter or self.behind_s > SKIPPED_MAX_SHARE * self.seen_s

    @property
    def words(self) -> str:
        """The signs of a slow machine, in one line."""
        text = f"{self.skipped_count} of {self.due_count} control cycles were skipped"
        if self.behind_max_s:
            text += f", and the simulated building was up to {self.behind_max_s:.0f} s late"
        if self.blind_count:
            text += (
                f", and the grid meter was stale or lost in {self.blind_count} of {self.looks_count} looks"
            )
        return f"this machine is too slow for {self.rate:g} times real time: {text}"

    def adjust_verdicts(self, verdicts: Sequence[Verdict]) -> list[Verdict]:
        """Return the verdicts of a run: on a machine that is too slow, "broken" becomes "not shown".

        One more verdict lists the signs of the slow machine.
        """
        if not self.is_late:
            return list(verdicts)
        unshown = "this machine is too slow"
        found = [
            replace(one, unshown=unshown)
            if one.result == "broken" and one.check not in _UNEXCUSED_CHECKS
            else one
            for one in verdicts
        ]
        promised = f"the machine keeps up with {self.rate:g} times real time"
        return [*found, Verdict("speed", promised, "", holds=False, unshown=self.words)]


def lower_speed_factor(rate: float) -> float:
    """The next rate to try; real time is the lowest."""
    return max(1.0, rate / 2.0)
