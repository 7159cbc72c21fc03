"""Lines on which a COSEM meter is polled: HDLC on a serial port, the wrapper on TCP.

Source: IEC 62056-46 section 6.4 (normal response mode: the client polls; window of one, segmentation), IEC
62056-47.
"""

import struct
from collections.abc import Callable
from contextlib import suppress
from typing import Self

from quartier_sim.devices.serial_ports import Port
from quartier_sim.meters import telegrams
from quartier_sim.meters.dlms.polled_meter import PolledMeter

INFORMATION_MAX = 128
_FLAG = 0x7E
_SNRM, _DISC, _UA, _RR = 0x93, 0x53, 0x73, 0x11
_SEGMENTED, _SIZE, _FORMAT = 0x0800, 0x07FF, 0xA000
_LLC_HEARD, _LLC_SENT = b"\xe6\xe6\x00", b"\xe6\xe7\x00"
_WRAPPER_BYTES = 8


class HdlcLink:
    """One client's HDLC link to a meter: frames in, frames out.

    ``client`` is its address as sent; ``lose`` are the numbers, from 1, of the meter's frames that get lost.
    """

    def __init__(
        self,
        meter: PolledMeter,
        server: bytes = b"\x02\x23",
        client: bytes = b"\x21",
        *,
        size: int = INFORMATION_MAX,
        granted: bytes = b"",
        lose: Callable[[int], bool] = lambda _: False,
    ) -> None:
        self.meter, self.server, self.client = meter, server, client
        self.frames_count = 0
        self._size, self._granted, self._lose = size, granted, lose
        self._begin()

    def _begin(self) -> None:
        self._sent = self._received = 0
        self._request, self._last = b"", b""
        self._answer: list[bytes] = []

    def hear(self, frame: bytes) -> bytes:
        """Return the answer to one frame with its flags; empty for a damaged or a foreign frame."""
        body, ends = frame[1:-1], self.server + self.client
        head = 2 + len(ends)
        if (
            len(body) < head + 3
            or struct.pack("<H", telegrams.compute_crc_x25(body[:-2])) != body[-2:]
            or body[2:head] != ends
        ):
            return b""
        self.frames_count += 1
        is_segmented = bool(body[0] & _SEGMENTED >> 8)
        answer = self._control(body[head], body[head + 3 : -2], is_segmented=is_segmented)
        return b"" if self._lose(self.frames_count) else answer

    def _control(self, control: int, information: bytes, *, is_segmented: bool) -> bytes:
        if control in (_SNRM, _DISC):
            self._begin()
            return self._frame(_UA, self._granted if control == _SNRM else b"")
        if control & 1:
            return self._answer_poll(control >> 5)
        if control >> 1 & 7 != self._received:
            return self._ready()
        self._received = (self._received + 1) % 8
        self._request += information
        if is_segmented:
            return self._ready()
        if self._request[:3] != _LLC_HEARD:
            raise ValueError(f"no LLC head: {self._request.hex()}")
        whole = _LLC_SENT + self.meter.answer(self._request[3:])
        self._request = b""
        self._answer = [whole[at : at + self._size] for at in range(0, len(whole), self._size)]
        return self._information()

    def _answer_poll(self, awaited: int) -> bytes:
        """RR: the next part of an answer, the last frame once more, or that it is ready."""
        if awaited == self._sent and self._answer:
            return self._information()
        if self._last and awaited == (self._sent - 1) % 8:
            return self._last
        return self._ready()

    def _ready(self) -> bytes:
        return self._frame(_RR | self._received << 5)

    def _information(self) -> bytes:
        part = self._answer.pop(0)
        control = self._sent << 1 | 0x10 | self._received << 5
        self._sent = (self._sent + 1) % 8
        self._last = self._frame(control, part, is_segmented=bool(self._answer))
        return self._last

    def _frame(self, control: int, information: bytes = b"", *, is_segmented: bool = False) -> bytes:
        ends = self.client + self.server + bytes([control])
        size = 2 + len(ends) + 2 + (len(information) + 2 if information else 0)
        head = struct.pack(">H", _FORMAT | (_SEGMENTED if is_segmented else 0) | size) + ends
        body = (
            head + struct.pack("<H", telegrams.compute_crc_x25(head)) + information if information else head
        )
        return bytes([_FLAG]) + body + struct.pack("<H", telegrams.compute_crc_x25(body)) + bytes([_FLAG])


class PolledMeterServer:
    """A meter on a port: HDLC on a serial line, the wrapper on TCP.  A client may come with any address."""

    def __init__(
        self, meter: PolledMeter, port: Port, *, server: bytes = b"\x02\x23", size: int = INFORMATION_MAX
    ) -> None:
        self.meter, self.port = meter, port
        self._server, self._size = server, size
        self._stations: dict[bytes, HdlcLink] = {}
        self._buffer = bytearray()
        port.hear = self._wrapped if port.url.startswith("tcp://") else self._framed

    async def __aenter__(self) -> Self:
        await self.port.plug()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.port.unplug()

    def _framed(self, data: bytes) -> None:
        self._buffer += data
        while (begin := self._buffer.find(_FLAG)) >= 0 and len(self._buffer) >= begin + 3:
            end = begin + 2 + (int.from_bytes(self._buffer[begin + 1 : begin + 3], "big") & _SIZE)
            if len(self._buffer) < end:
                return
            frame = bytes(self._buffer[begin:end])
            del self._buffer[: end if frame[-1] == _FLAG else begin + 1]
            client = frame[3 + len(self._server) : 4 + len(self._server)]
            station = self._stations.setdefault(
                client, HdlcLink(self.meter, self._server, client, size=self._size)
            )
            with suppress(ValueError):  # a meter says nothing to what it does not understand
                self.port.say(station.hear(frame))

    def _wrapped(self, data: bytes) -> None:
        self._buffer += data
        while len(self._buffer) >= _WRAPPER_BYTES:
            version, client, server, size = struct.unpack(">HHHH", self._buffer[:_WRAPPER_BYTES])
            if len(self._buffer) < _WRAPPER_BYTES + size:
                return
            apdu = bytes(self._buffer[_WRAPPER_BYTES : _WRAPPER_BYTES + size])
            del self._buffer[: _WRAPPER_BYTES + size]
            with suppress(ValueError):
                answer = self.meter.answer(apdu)
                self.port.say(struct.pack(">HHHH", version, server, client, len(answer)) + answer)
