"""Control functions of a SunSpec device, and their reversion timers (pure).

Source: SunSpec Information Model Specification (inverter controls) and DER Information Model
Specification:
seconds from the moment a function is enabled or commanded again; 0 never; each function for itself.
"""

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from quartier_sim.sunspec.register_image import RegisterImage


@dataclass(slots=True)
class ReversionTimer:
    """Writing one of ``feeds`` starts it again; it runs out at ``ends_s`` of the device's clock."""

    feeds: frozenset[str]
    ends_s: float = math.inf

    @property
    def runs(self) -> bool:
        """Return whether it counts."""
        return self.ends_s < math.inf

    def handle_write(self, paths: Collection[str], *, enabled: bool, seconds: float, now_s: float) -> None:
        """Something was written: starts, starts again, or stops with the function."""
        if not enabled or seconds <= 0:
            self.stop()
        elif not self.feeds.isdisjoint(paths):
            self.ends_s = now_s + seconds

    def feed(self, *, seconds: float, now_s: float) -> None:
        """Start again, where it counts."""
        if self.runs:
            self.ends_s = now_s + seconds

    def stop(self) -> None:
        """Count no more."""
        self.ends_s = math.inf

    def left_s(self, now_s: float) -> int:
        """Seconds left, 0 when it does not count."""
        return math.ceil(max(self.ends_s - now_s, 0.0)) if self.runs else 0

    def has_expired(self, now_s: float) -> bool:
        """Return whether it ran out; True only once."""
        if now_s < self.ends_s:
            return False
        self.stop()
        return True


class ControlFunction:
    """A function with a reversion timer in an image.

    ``enable`` is the point that switches it on (0: off), ``seconds`` its timer, ``left`` the point of
    the remaining seconds.  ``reverts`` names for each point the one that gives its value when the timer
    runs out; a function without them is switched off.  A write to one of ``feeds``, ``enable`` or
    ``seconds`` starts the timer again.
    """

    def __init__(
        self,
        image: RegisterImage,
        *,
        enable: str,
        seconds: str,
        left: str | None = None,
        reverts: Mapping[str, str] | None = None,
        feeds: Collection[str] = (),
        acts: bool = True,
    ) -> None:
        self._image = image
        self.enable = enable
        self.seconds = seconds
        self._left = left
        self._reverts = dict(reverts or {})
        self._acts = acts
        self.timer = ReversionTimer(frozenset({enable, seconds, *feeds}))

    @property
    def is_enabled(self) -> bool:
        """Return whether it is in force."""
        return bool(self._image.get(self.enable))

    def handle_write(self, paths: Collection[str], now_s: float) -> None:
        """Points of the device were written."""
        self.timer.handle_write(paths, enabled=self.is_enabled, seconds=self._seconds(), now_s=now_s)
        self.show(now_s)

    def handle_poll(self, now_s: float) -> None:
        """Its timer is one that reading starts again."""
        self.timer.feed(seconds=self._seconds(), now_s=now_s)

    def expire(self, now_s: float) -> bool:
        """Go back when the timer has run out; whether it did."""
        ran_out = self._acts and self.timer.has_expired(now_s)
        if ran_out:
            self.revert()
        self.show(now_s)
        return ran_out

    def revert(self) -> None:
        """Take the reversion values."""
        self.timer.stop()
        stays = bool(self._reverts) and bool(self._image.get(self._reverts.get(self.enable, self.enable)))
        self._image.put(self.enable, int(stays))
        if stays:
            for point, source in self._reverts.items():
                self._image.put(point, self._image.get(source))

    def off(self) -> None:
        """The device lost its power."""
        self.timer.stop()
        self._image.put(self.enable, 0)

    def show(self, now_s: float) -> None:
        """Put the seconds left where they are read."""
        if self._left is not None:
            self._image.put(self._left, self.timer.left_s(now_s))

    def _seconds(self) -> float:
        return float(self._image.get(self.seconds) or 0)
