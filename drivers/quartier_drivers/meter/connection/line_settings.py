"""Find the speed of a line; report how well a meter is received (pure).

Over the last minute: the share of bad groups, and the kind of a reception fault: no bytes at all, bytes that
cannot be decoded, or frames many of which are damaged.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from quartier_drivers.contract import Note
from quartier_drivers.meter.protocol import PROTOCOLS, MeterProtocol
from quartier_drivers.meter.telegrams import DecoderCounts


@dataclass(frozen=True, slots=True)
class LineSetting:
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
class TrialLimits:
    """The limits of the search for a setting.

    ``try_s``: time for which one setting is tried while bytes arrive, in s.  ``sure_count``: number of good
    groups that confirm it.  ``lost_s``: time without a good group after which the others are tried again
    although one was confirmed, in s.
    """

    try_s: float = 5.0
    sure_count: int = 1
    lost_s: float = 30.0


PROTOCOL_SETTINGS: dict[str, tuple[LineSetting, ...]] = {
    "tic": (LineSetting(9600, "7E1"), LineSetting(1200, "7E1")),
    "p1": (LineSetting(115200, "8N1"), LineSetting(9600, "7E1")),
    "iec62056": (LineSetting(300, "7E1"),),
    "iec62056-d": (
        LineSetting(2400, "7E1"),
        LineSetting(9600, "7E1"),
        LineSetting(4800, "7E1"),
        LineSetting(300, "7E1"),
    ),
    "sml": (LineSetting(9600, "8N1"),),
    "dlms": (
        LineSetting(2400, "8E1"),
        LineSetting(2400, "8N1"),
        LineSetting(115200, "8N1"),
        LineSetting(9600, "8N1"),
    ),
    "mbus": (LineSetting(2400, "8E1"),),
}
"""The settings of each protocol, the most likely first; ``-d`` for mode D, which pushes."""


PROTOCOL_TRIALS = {
    "tic": TrialLimits(4.0, 4, 12.0),
    "p1": TrialLimits(12.0, 1, 45.0),
    "dlms": TrialLimits(12.0, 1, 180.0),
    "iec62056-d": TrialLimits(12.0, 3, 180.0),
}
# Fewer bytes than this do not prove a meter at another speed.
_TRIAL_BYTES_MIN = 32


def list_settings(
    protocol: str, baud: int | None = None, framing: str | None = None
) -> tuple[LineSetting, ...]:
    """Return the settings to try: those of the protocol, changed by ``baud`` and ``framing`` if given."""
    known = PROTOCOL_SETTINGS[protocol]
    return tuple(dict.fromkeys(LineSetting(baud or one.baud, framing or one.framing) for one in known))


class SettingSearch:
    """Finds the setting of the meter by the counts of a decoder; times in s of any clock."""

    def __init__(self, settings: Sequence[LineSetting], patience: TrialLimits, now_s: float) -> None:
        self._settings = tuple(settings)
        self._patience = patience
        self._place = 0
        self.is_sure = len(self._settings) == 1
        self._since_s = self._good_s = now_s
        self._bytes_from = self._good_from = self._good_last = self._bad_from = 0

    @property
    def setting(self) -> LineSetting:
        """The setting to use now."""
        return self._settings[self._place]

    def look(self, now_s: float, counts: DecoderCounts) -> bool:
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
            if heard < _TRIAL_BYTES_MIN:  # it is just silent
                return False
        elif heard < _TRIAL_BYTES_MIN or now_s - self._since_s < self._patience.try_s:
            return False
        self._next(now_s, counts)
        return True

    def _next(self, now_s: float, counts: DecoderCounts) -> None:
        self._place = (self._place + 1) % len(self._settings)
        self.is_sure = False
        self._since_s = self._good_s = now_s
        self._bytes_from, self._bad_from = counts.bytes_count, counts.bad_count
        self._good_from = self._good_last = counts.good_count


WINDOW_S = 60.0
# From this share of bad groups on, advice is given and one note made; below the other, a note of recovery.
BAD_PCT = 5.0
GOOD_PCT = 1.0
# Fewest groups for a share to be reported.
_GROUPS_MIN = 20
# No fault before this time: a meter may send only every ten seconds.
_SILENT_S = 15.0
_BYTES_MIN = 8


class ReceptionMonitor:
    """The reception of one line, checked about once a second.

    Times in s of any clock, from ``since_s`` on.
    """

    def __init__(self, protocol: str, since_s: float) -> None:
        self._protocol = protocol
        self._past: deque[tuple[float, int, int, int]] = deque([(since_s, 0, 0, 0)])
        self._good_s = self._bytes_s = since_s
        self._last = (0, 0)
        self._is_bad = False
        self._notes: list[Note] = []
        self.bad_pct = 0.0
        """Share of bad groups in the last minute."""
        self.is_silent = False
        """Whether nothing valid has come for a while."""
        self.advice = ""
        """What to check; empty while all is well."""

    def notes(self) -> list[Note]:
        """Return notes about reception that became worse or better since the last call."""
        notes, self._notes = self._notes, []
        return notes

    def look(self, now_s: float, counts: DecoderCounts, speeds: Sequence[str] = (), why: str = "") -> None:
        """Evaluate what was received until now.

        ``speeds`` are those that were tried; ``why`` is the fault that the decoder itself reports.
        """
        if counts.good_count != self._last[0]:
            self._good_s = now_s
        if counts.bytes_count != self._last[1]:
            self._bytes_s = now_s
        self._last = counts.good_count, counts.bytes_count
        past = self._past
        past.append((now_s, counts.bytes_count, counts.good_count, counts.bad_count))
        while len(past) > 2 and past[1][0] <= now_s - WINDOW_S:
            past.popleft()
        _, heard, good, bad = (now - then for now, then in zip(past[-1], past[0], strict=True))
        total = good + bad
        self.bad_pct = 100.0 * bad / total if total else 0.0
        self.is_silent = now_s - self._good_s > _SILENT_S
        self.advice = self._make_advice(int(heard), int(total), speeds, why)
        self._note(int(total))

    def _make_advice(self, heard: int, total: int, speeds: Sequence[str], why: str) -> str:
        known = PROTOCOLS.get(self._protocol)
        if self.is_silent and heard < _BYTES_MIN:
            return f"no bytes at all: {known.cable if known else MeterProtocol.cable}"
        if self.is_silent:
            if why:
                return why
            at = f" at {' or '.join(speeds)}" if speeds else ""
            return f"bytes but no frame{at}: wrong port, wrong kind of meter or inverted signal"
        if self.bad_pct >= BAD_PCT and total >= _GROUPS_MIN:
            ground = known.ground if known else MeterProtocol.ground
            return f"{self.bad_pct:.0f} % bad checksums: {ground}"
        return ""

    def _note(self, total: int) -> None:
        if not self._is_bad and self.bad_pct >= BAD_PCT and total >= _GROUPS_MIN and not self.is_silent:
            self._is_bad = True
            self._notes.append(Note("signal.bad", self.advice, {"bad_pct": round(self.bad_pct, 1)}))
        elif self._is_bad and self.bad_pct < GOOD_PCT and total >= _GROUPS_MIN:
            self._is_bad = False
            self._notes.append(Note("signal.good", "", {"bad_pct": round(self.bad_pct, 1)}, is_good=True))
