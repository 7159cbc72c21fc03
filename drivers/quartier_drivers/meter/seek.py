"""Finds the speed of a meter: tries one setting after the other until checked groups come.  Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from quartier_drivers.meter.telegram import Counts


@dataclass(frozen=True, slots=True)
class Setting:
    """The setting of a serial line: bits per second; data bits, parity and stop bits as ``"7E1"``."""

    baud: int
    framing: str = "8N1"

    @property
    def char_s(self) -> float:
        """Duration of one character in s."""
        bits = 1 + int(self.framing[0]) + (self.framing[1] != "N") + int(self.framing[2])
        return bits / self.baud

    def __str__(self) -> str:
        """Return the setting as ``9600 7E1``."""
        return f"{self.baud} {self.framing}"


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to try a setting.

    ``try_s``: how long one setting is tried while bytes come; ``sure_count``: how many good groups make it
    sure; ``lost_s``: how long a sure one may give none before the others are tried again.
    """

    try_s: float = 5.0
    sure_count: int = 1
    lost_s: float = 30.0


SPEEDS: dict[str, tuple[Setting, ...]] = {
    "tic": (Setting(9600, "7E1"), Setting(1200, "7E1")),
    "p1": (Setting(115200, "8N1"), Setting(9600, "7E1")),
    "iec62056": (Setting(300, "7E1"),),
    "iec62056-d": (Setting(2400, "7E1"), Setting(9600, "7E1"), Setting(4800, "7E1"), Setting(300, "7E1")),
    "sml": (Setting(9600, "8N1"),),
    "dlms": (Setting(2400, "8E1"), Setting(2400, "8N1"), Setting(115200, "8N1"), Setting(9600, "8N1")),
    "mbus": (Setting(2400, "8E1"),),
}
"""The settings of each protocol, the most likely first; ``-d`` for mode D, which pushes."""
PATIENCE = {
    "tic": Patience(4.0, 4, 12.0),
    "p1": Patience(12.0, 1, 45.0),
    "dlms": Patience(12.0, 1, 180.0),
    "iec62056-d": Patience(12.0, 3, 180.0),
}
# Fewer bytes than this do not prove a meter at another speed.
_BYTES_MIN = 32


def settings_of(protocol: str, baud: int | None = None, framing: str | None = None) -> tuple[Setting, ...]:
    """Return the settings to try: those of the protocol, changed by ``baud`` and ``framing`` if given."""
    known = SPEEDS[protocol]
    return tuple(dict.fromkeys(Setting(baud or one.baud, framing or one.framing) for one in known))


class Seeker:
    """Finds the meter's setting by what a decoder makes of the bytes; times in s of any clock."""

    def __init__(self, settings: Sequence[Setting], patience: Patience, now_s: float) -> None:
        self._settings = tuple(settings)
        self._patience = patience
        self._place = 0
        self.is_sure = len(self._settings) == 1
        self._since_s = self._good_s = now_s
        self._bytes_from = self._good_from = self._good_last = self._bad_from = 0

    @property
    def setting(self) -> Setting:
        """The setting to use now."""
        return self._settings[self._place]

    def look(self, now_s: float, counts: Counts) -> bool:
        """Evaluate what was received; return whether the setting has changed."""
        if len(self._settings) == 1:
            return False
        if counts.good_count > self._good_last:
            self._good_last, self._good_s = counts.good_count, now_s
        good = counts.good_count - self._good_from
        bad = counts.bad_count - self._bad_from
        if not self.is_sure and good >= self._patience.sure_count and good > bad:
            self.is_sure = True
        heard = counts.bytes_count - self._bytes_from
        if self.is_sure:
            if now_s - self._good_s < self._patience.lost_s:
                self._bytes_from = counts.bytes_count
                return False
            if heard < _BYTES_MIN:  # it is just silent
                return False
        elif heard < _BYTES_MIN or now_s - self._since_s < self._patience.try_s:
            return False
        self._next(now_s, counts)
        return True

    def _next(self, now_s: float, counts: Counts) -> None:
        self._place = (self._place + 1) % len(self._settings)
        self.is_sure = False
        self._since_s = self._good_s = now_s
        self._bytes_from, self._bad_from = counts.bytes_count, counts.bad_count
        self._good_from = self._good_last = counts.good_count
