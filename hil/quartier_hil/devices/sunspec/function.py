"""A control function of a SunSpec device: what enables it and what it goes back to by itself."""

from collections.abc import Collection, Mapping

from quartier_hil.devices.sunspec.image import Image
from quartier_hil.devices.sunspec.timer import Timer


class Function:
    """A function with a reversion timer in an image.

    ``enable`` is the point that switches it on (0: off), ``seconds`` its timer, ``left`` the point of
    the remaining seconds.  ``reverts`` names for each point the one that gives its value when the timer
    runs out; a function without them is switched off.  A write to one of ``feeds``, ``enable`` or
    ``seconds`` starts the timer again.
    """

    def __init__(
        self,
        image: Image,
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
        self.timer = Timer(frozenset({enable, seconds, *feeds}))

    @property
    def enabled(self) -> bool:
        """Return whether it is in force."""
        return bool(self._image.get(self.enable))

    def written(self, paths: Collection[str], now_s: float) -> None:
        """Points of the device were written."""
        self.timer.told(paths, enabled=self.enabled, seconds=self._seconds(), now_s=now_s)
        self.show(now_s)

    def polled(self, now_s: float) -> None:
        """Its timer is one that reading starts again."""
        self.timer.feed(seconds=self._seconds(), now_s=now_s)

    def expire(self, now_s: float) -> bool:
        """Go back when the timer has run out; whether it did."""
        ran_out = self._acts and self.timer.ran_out(now_s)
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
