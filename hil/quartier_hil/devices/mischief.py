"""Turn a right answer into that of a quirky device: its bytes, their times and what follows (pure)."""

import struct
from dataclasses import dataclass, replace

from quartier_hil.devices import wire
from quartier_hil.devices.quirk import Quirk
from quartier_hil.devices.unit import exception

_NOISE = bytes.fromhex("fe 00 01 03 ff 7f")
_BIT_READS, _READS = (1, 2), (1, 2, 3, 4)
_MISTAKEN = {1: 2, 2: 1, 3: 4, 4: 3, 6: 16, 16: 6}


@dataclass(frozen=True, slots=True)
class Said:
    """One frame to send: ``number`` counts on TCP only, ``before`` are bytes ahead of it.

    It is sent ``wait_s`` after the request, whole (``share`` 1.0) or its beginning, at once or a byte each
    ``spread_s``.  ``late``: the next request is received meanwhile; not ``sound``: a wrong checksum.
    """

    unit: int
    pdu: bytes
    number: int = 0
    wait_s: float = 0.0
    late: bool = False
    share: float = 1.0
    spread_s: float = 0.0
    before: bytes = b""
    sound: bool = True

    def tcp(self) -> bytes:
        """Its bytes on a connection."""
        return self._part(wire.tcp_frame(self.number, self.unit, self.pdu))

    def rtu(self) -> bytes:
        """Its bytes on a serial line."""
        frame = wire.rtu_frame(self.unit, self.pdu)
        return self._part(frame if self.sound else frame[:-1] + bytes([frame[-1] ^ 0x55]))

    def _part(self, frame: bytes) -> bytes:
        return self.before + (frame if self.share >= 1 else frame[: int(len(frame) * self.share)])


def said(quirk: Quirk | None, right: Said, asked: bytes) -> list[Said]:
    """Return the frames to send in place of the ``right`` answer to the PDU ``asked``."""
    if quirk is None:
        return [right]
    if quirk.name == "silence":
        return []
    if quirk.name == "twice":
        return [right, right]
    if quirk.name == "twice-late":
        return [replace(right, wait_s=share * quirk.seconds, late=True) for share in (1.0, 1.7)]
    if quirk.code and quirk.name != "absent-answered":
        return [replace(right, pdu=exception(asked[0], quirk.code))]
    return [_changed(quirk, right, asked)]


def _changed(quirk: Quirk, right: Said, asked: bytes) -> Said:
    changes: dict[str, dict[str, object]] = {
        "wrong-unit": {"unit": right.unit % 247 + 1},
        "cut-answer": {"share": 0.5},
        "wrong-checksum": {"sound": False},
        "noise": {"before": _NOISE},
        "old-number": {"number": (right.number - 1) & 0xFFFF},
        "late": {"wait_s": quirk.seconds, "late": True},
        "byte-by-byte": {"spread_s": quirk.seconds},
    }
    if quirk.name in changes:
        return replace(right, **changes[quirk.name])  # type: ignore[arg-type]  # each of its field's type
    return replace(right, pdu=_pdu(quirk.name, right.pdu, asked))


def _pdu(name: str, pdu: bytes, asked: bytes) -> bytes:
    function = pdu[0]
    if name == "wrong-function":
        return bytes([_MISTAKEN.get(function, function ^ 1)]) + pdu[1:]
    if name == "dirty-padding" and function in _BIT_READS:
        (count,) = struct.unpack(">H", asked[3:5])
        return pdu[:-1] + bytes([pdu[-1] | 0xFF << (count - 1) % 8 + 1 & 0xFF])
    if function not in _READS:
        return pdu
    size = 1 if function in _BIT_READS else 2
    body = {
        "short-answer": bytes([pdu[1] - size]) + pdu[2:-size],
        "long-answer": bytes([pdu[1] + size]) + pdu[2:] + b"\x55" * size,
        "lying-count": bytes([pdu[1] + 2]) + pdu[2:],
    }
    return bytes([function]) + body.get(name, pdu[1:])
