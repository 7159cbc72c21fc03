"""The reception quality of a meter, in numbers and in words that give the remedy.  Pure.

Over the last minute: the share of bad groups, and the kind of a reception fault: no bytes at all, bytes that
cannot be decoded, or frames many of which are damaged.
"""

from collections import deque
from collections.abc import Sequence

from quartier_drivers.contract import Note
from quartier_drivers.meter.telegram import Counts

WINDOW_S = 60.0
# From this share of bad groups on, advice is given and one note made; below the other, a note of recovery.
BAD_PCT = 5.0
WELL_PCT = 1.0
# Fewest groups for a share to be reported.
_GROUPS_MIN = 20
# No fault before this time: a meter may send only every ten seconds.
_SILENT_S = 15.0
_BYTES_MIN = 8

_CABLES = {
    "tic": "cable or dongle (I1 and I2 of the meter, 1.0 to 1.5 V on them)",
    "p1": "cable or dongle (is its data request, RTS, at 5 V?), or a P1 port that is not switched on",
    "sml": "place of the reading head, or a meter whose interface waits for its PIN",
    "iec62056": "place of the reading head",
    "dlms": "cable or dongle, or a HAN port that its operator has not opened yet",
    "mbus": "cable, level converter or its supply",
}
_GROUNDS = {
    "tic": "ground or pull-up of the dongle, or a long cable beside a mains line",
    "p1": "pull-up of the dongle, or a cable that is too long",
    "sml": "place of the reading head, or light that falls on it",
    "iec62056": "place of the reading head, or light that falls on it",
    "dlms": "cable, or the pull-up of the dongle",
    "mbus": "cable, too many meters for the level converter, or two with one address",
}


class Signal:
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
        """Return what became worse or better since the last call."""
        notes, self._notes = self._notes, []
        return notes

    def look(self, now_s: float, counts: Counts, speeds: Sequence[str] = (), why: str = "") -> None:
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
        self.advice = self._advised(int(heard), int(total), speeds, why)
        self._note(int(total))

    def _advised(self, heard: int, total: int, speeds: Sequence[str], why: str) -> str:
        protocol = self._protocol
        if self.is_silent and heard < _BYTES_MIN:
            return f"no bytes at all: {_CABLES.get(protocol, 'cable or dongle')}"
        if self.is_silent:
            if why:
                return why
            at = f" at {' or '.join(speeds)}" if speeds else ""
            return f"bytes but no frame{at}: wrong port, wrong kind of meter or inverted signal"
        if self.bad_pct >= BAD_PCT and total >= _GROUPS_MIN:
            ground = _GROUNDS.get(protocol, "ground or pull-up of the dongle")
            return f"{self.bad_pct:.0f} % bad checksums: {ground}"
        return ""

    def _note(self, total: int) -> None:
        if not self._is_bad and self.bad_pct >= BAD_PCT and total >= _GROUPS_MIN and not self.is_silent:
            self._is_bad = True
            self._notes.append(Note("signal.bad", self.advice, {"bad_pct": round(self.bad_pct, 1)}))
        elif self._is_bad and self.bad_pct < WELL_PCT and total >= _GROUPS_MIN:
            self._is_bad = False
            self._notes.append(Note("signal.good", "", {"bad_pct": round(self.bad_pct, 1)}, is_good=True))
