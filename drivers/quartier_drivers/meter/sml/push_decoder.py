"""Decodes SML: bytes of an optical head in, telegrams out; pure."""

from collections.abc import Sequence

from quartier_drivers.meter.sml.elements import render_device_id
from quartier_drivers.meter.sml.messages import SmlFile, add_signed_power, correct_groups, parse_file
from quartier_drivers.meter.sml.transport import (
    ESCAPE,
    KERMIT,
    KERMIT_HIGH_FIRST,
    X25,
    ChecksumVariant,
    TransportDecoder,
    unescape_frame,
)
from quartier_drivers.meter.telegrams import DecoderCounts, Group, Telegram

_CHECKSUMS: dict[str, tuple[ChecksumVariant, ...]] = {
    "x25": (X25,),
    "kermit": (X25, KERMIT, KERMIT_HIGH_FIRST),
}
_ANY_CHECKSUM = _CHECKSUMS["kermit"]
_STRANGE_MIN_COUNT = 2
"""This many checksums of another kind are no accident."""


class SmlDecoder:
    """A push parser of SML: see ``telegrams.Decoder``.  Keeps at most ``transport.FRAME_MAX`` bytes.

    A frame counts only whole: its CRC covers all of it.  A message within it counts if its own CRC is valid
    too. ``checksum``: ``"x25"``, or ``"kermit"`` for a maker that used that checksum instead, at least in
    some firmware. ``defects`` are names of the corrections in ``messages``.
    """

    def __init__(self, checksum: str, defects: Sequence[str]) -> None:
        self._ways = _CHECKSUMS[checksum]
        self._transport = TransportDecoder(
            self._ways, [way for way in _ANY_CHECKSUM if way not in self._ways]
        )
        self._defects = tuple(defects)
        self._reported_count = 0
        self._counts = DecoderCounts()
        self._bad_messages_count = 0

    @property
    def counts(self) -> DecoderCounts:
        """The counts of frames; ``bad_count`` also counts bad messages in good frames."""
        return self._counts

    @property
    def why(self) -> str:
        """The fault of complete frames that are not valid, for a person; empty if there is none."""
        if self._counts.good_count or self._transport.strange_count < _STRANGE_MIN_COUNT:
            return ""
        return 'its checksums are CRC-16/Kermit: a profile with checksum = "kermit" reads it (holley/dtz541)'

    def feed(self, data: bytes) -> list[Telegram]:
        """Take the next bytes; return the telegrams of the frames that they complete."""
        counts = self._counts
        counts.bytes_count += len(data)
        telegrams: list[Telegram] = []
        for content, bad_count in self._transport.feed(data):
            telegrams += self._telegrams(self._file(content), bad_count)
        self._sum_up()
        return telegrams

    def end(self) -> list[Telegram]:
        """Finish: nothing in an unfinished frame is known to be good."""
        self._transport.end()
        self._sum_up()
        return []

    def _sum_up(self) -> None:
        self._counts.bad_count = self._transport.bad_count + self._bad_messages_count
        self._counts.resync_count = self._transport.resync_count

    def _file(self, content: bytes) -> SmlFile:
        """Return the messages of a frame, whichever way its maker doubled the escapes."""
        if ESCAPE in content:
            files = [parse_file(data, self._ways) for data in unescape_frame(content)]
            found = min(files, key=lambda file: file.bad_count)
        else:
            found = parse_file(content, self._ways)
        self._counts.good_count += bool(found.listings or not found.bad_count)
        self._bad_messages_count += found.bad_count
        return found

    def _telegrams(self, file: SmlFile, bad_frames_count: int) -> list[Telegram]:
        """Return one telegram per meter in the frame; usually a single one."""
        told: dict[bytes, list[Group]] = {}
        for listing in file.listings:
            server = listing[0] or file.server
            groups = add_signed_power(
                correct_groups(listing, server, self._defects) if self._defects else listing[1]
            )
            told[server] = told[server] + groups if server in told else groups
        bad_count = bad_frames_count + self._bad_messages_count - self._reported_count
        telegrams = []
        for server, groups in told.items():
            telegrams.append(
                Telegram(render_device_id(server), tuple(groups), bad_count, is_proven=not file.bad_count)
            )
            self._reported_count += bad_count
            bad_count = 0
        self._counts.frames_count += len(telegrams)
        return telegrams


def make_decoder(*, checksum: str = "x25", defects: Sequence[str] = ()) -> SmlDecoder:
    """Make a decoder with the settings of a profile's ``[decoder]`` table."""
    return SmlDecoder(checksum, defects)
