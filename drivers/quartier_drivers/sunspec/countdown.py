"""Evaluates the remaining seconds of a reversion timer: whether reads reset it, or it does nothing.

Pure.  Source: SunSpec model 704, the points ...RvrtRem.  Models 123 and 124 have no such point.
"""

from collections.abc import Callable

_S = 1_000_000_000
# This time after a write a timer must have counted, with polls in between.
_WATCHED_S = 8.0
_SLACK_S = 2
_NEXT = "ask its maker, or say accept_no_fallback for its asset"


class Countdown:
    """Watches one timer of ``after_s`` seconds; ``trouble`` is its fault in words."""

    def __init__(self, name: str, after_s: float, now_ns: Callable[[], int]) -> None:
        self.trouble = ""
        self._name = name
        self._after_s = after_s
        self._now_ns = now_ns
        self._written_ns: int | None = None
        self._ran = False

    def written(self) -> None:
        """Note that the order was written, and the timer with it."""
        self._written_ns = self._now_ns()

    def seen(self, left_s: int | None, *, enabled: bool) -> bool:
        """Take the remaining seconds; return whether there is a new fault."""
        if left_s is None or self._written_ns is None or not self._after_s:
            return False
        before, self.trouble = self.trouble, self._judged(left_s, enabled=enabled)
        self._ran = self._ran or left_s > 0
        return bool(self.trouble) and not before

    def _judged(self, left_s: int, *, enabled: bool) -> str:
        assert self._written_ns is not None
        since_s = (self._now_ns() - self._written_ns) / _S
        if not enabled or since_s < _WATCHED_S:
            return self.trouble if enabled else ""
        if left_s >= self._after_s - _SLACK_S:
            told = f"{self._name} has {left_s} s left {since_s:.0f} s after the last order"
            return f"{told}: reading starts it again, so that it guards against a lost gateway only; {_NEXT}"
        if left_s == 0 and self._ran and since_s > self._after_s + _SLACK_S:
            return f"{self._name} has run out, and the order still stands: it does nothing; {_NEXT}"
        if left_s == 0 and not self._ran:
            return f"{self._name} has 0 s left while an order stands: it was taken and never ran; {_NEXT}"
        return ""
