"""The push parser of M-Bus: bytes in, telegrams of meters out; pure."""

from quartier_drivers.meter.mbus.answer import Unreadable, answer_of
from quartier_drivers.meter.mbus.frame import Frame, Framer
from quartier_drivers.meter.telegram import Counts, Telegram


class MbusDecoder:
    """See ``telegram.Decoder``.  One checksum covers a whole frame, so a frame is either good or bad.

    Requests of the master, and short frames, are no telegrams and are skipped.  A valid frame that is no
    telegram of EN 13757-3 (records that end too early, an unknown control information) is refused whole.
    Keeps at most 261 bytes.
    """

    def __init__(self, encryption_key: bytes = b"") -> None:
        self._framer = Framer()
        self._key = encryption_key
        self._bad_count = 0
        self.why = ""
        """Why the last frame was refused, or cannot be opened; empty if all is well."""

    @property
    def counts(self) -> Counts:
        """What the decoder has counted since it was made."""
        return self._framer.counts

    def feed(self, data: bytes) -> list[Telegram]:
        """Take bytes; return the telegrams that they complete."""
        return self._telegrams(self._framer.feed(data))

    def end(self) -> list[Telegram]:
        """Return the telegrams inside an unfinished frame: no more bytes come."""
        return self._telegrams(self._framer.end())

    def _telegrams(self, frames: list[Frame]) -> list[Telegram]:
        counts, found = self.counts, []
        for frame in frames:
            self._bad_count += frame.bad_count
            if not frame.is_answer:
                continue
            try:
                answer = answer_of(frame, self._key)
            except Unreadable as why:
                self._bad_count += 1
                counts.bad_count += 1
                self.why = str(why)
                continue
            self.why = str(answer.groups[0].value) if answer.is_secret else ""
            counts.good_count += 1
            counts.frames_count += 1
            found.append(Telegram(answer.header.serial, answer.groups, self._bad_count, is_proven=True))
            self._bad_count = 0
        return found
