"""Computes the rates of the daemon's counters from successive answers (pure)."""

from collections import deque
from collections.abc import Mapping
from typing import Any

WINDOW_S = 10.0


class CounterRates:
    """Counters of one run of the daemon over the last ``WINDOW_S``, in s of the gateway's clock."""

    def __init__(self) -> None:
        self._run: tuple[object, object] = (None, None)
        self._samples: deque[tuple[float, dict[str, Mapping[str, int]]]] = deque()

    def add_answer(self, answer: Mapping[str, Any]) -> None:
        """Take an answer that holds ``gateway`` and ``buses``, or one ``bus``."""
        gateway = answer["gateway"]
        run = (gateway["boot"], gateway["pid"])
        if run != self._run:  # another run counts from zero again
            self._samples.clear()
            self._run = run
        now_s = float(gateway["uptime_s"])
        buses = answer.get("buses") or [answer["bus"]]
        self._samples.append((now_s, {bus["name"]: bus["counts"] for bus in buses}))
        while len(self._samples) > 2 and now_s - self._samples[1][0] >= WINDOW_S:
            self._samples.popleft()

    def find_rate_per_s(self, bus: str, count: str) -> float | None:
        """Return how often a second; None while only one answer is known."""
        gained = self.find_increase(bus, count)
        span_s = self._samples[-1][0] - self._samples[0][0] if self._samples else 0.0
        return None if gained is None or span_s <= 0 else gained / span_s

    def find_increase(self, bus: str, count: str) -> int | None:
        """By how much it rose in the window; None while only one answer is known."""
        known = [counts[bus] for _, counts in self._samples if bus in counts]
        if len(known) < 2:
            return None
        return known[-1].get(count, 0) - known[0].get(count, 0)
