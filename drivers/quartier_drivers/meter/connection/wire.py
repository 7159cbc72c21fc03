"""Serial port or TCP connection of a meter's line, with parity in software.

A character of 7E1 is as long as one of 8N1, so ports are opened 8N1 and the parity is checked here: ptys and
serial servers refuse 7E1, and a kernel that accepts it does not report parity errors.  A sender of plain
seven bits (a pty, a server that stripped them) never sets the eighth bit; that is detected.
"""

import asyncio
import os
from collections.abc import Callable
from typing import Protocol
from urllib.parse import urlsplit

from quartier_drivers.errors import LinkLost, describe_os_error
from quartier_drivers.meter.connection.line_settings import LineSetting
from quartier_drivers.transport import serial_ports
from quartier_drivers.transport.frame_recorder import FrameKind, FrameRecorder
from quartier_drivers.transport.tcp import TcpEndpoint, TcpStream

DAMAGED_CHARACTER = 0xFF
"""Replaces a character with wrong parity: no protocol of seven bits has it."""


_PLAIN = bytes(code & 0x7F for code in range(256))
_EVEN = bytes(code & 0x7F if code.bit_count() % 2 == 0 else DAMAGED_CHARACTER for code in range(256))
_ODD = bytes(code & 0x7F if code.bit_count() % 2 else DAMAGED_CHARACTER for code in range(256))
_CODED = {
    "E": bytes(code | 0x80 if code.bit_count() % 2 else code for code in range(128)),
    "O": bytes(code if code.bit_count() % 2 else code | 0x80 for code in range(128)),
}
_HIGH = bytes(range(128, 256))
# This many characters decide whether the eighth bit is a parity bit, again and again.
_WINDOW = 128
_DAMAGED_MAX = 0.25


class ParityBits:
    """Converts received characters from eight bits to seven; ``kind`` is E, O or N."""

    def __init__(self, kind: str) -> None:
        self._kind = kind
        self._table = {"E": _EVEN, "O": _ODD}.get(kind, _PLAIN)
        self._is_coded = False
        self._count = self._high = self._wrong = 0

    def decode(self, data: bytes) -> bytes:
        """Return the characters in seven bits; damaged ones are ``DAMAGED_CHARACTER``."""
        if self._table is _PLAIN:
            return data.translate(_PLAIN)
        checked = data.translate(self._table)
        self._count += len(data)
        self._high += len(data) - len(data.translate(None, _HIGH))
        self._wrong += checked.count(DAMAGED_CHARACTER)
        if self._count >= _WINDOW:
            self._is_coded = self._high > 0 and self._wrong <= _DAMAGED_MAX * self._count
            self._count = self._high = self._wrong = 0
        return checked if self._is_coded else data.translate(_PLAIN)

    def encode(self, data: bytes) -> bytes:
        """Return characters of seven bits as they are sent in eight."""
        table = _CODED.get(self._kind)
        plain = data.translate(_PLAIN)
        return plain if table is None else plain.translate(table + _HIGH)


_CONNECT_S = 5.0
# A meter that pushes need not be received byte by byte: its bytes are gathered for this time.
_GATHER_S = 0.1
_READ_MAX_BYTES = 4096
# After the last character has left the kernel, an adapter may still hold it for this time.
_ADAPTER_S = 0.003
ReceiveBytes = Callable[[bytes], None]
ReportLost = Callable[[str], None]


class OpenWire(Protocol):
    """An open wire; after ``close`` it reports nothing more."""

    def write(self, data: bytes) -> None:
        """Send the bytes.  Raises LinkLost."""
        ...

    async def wait_until_sent(self) -> None:
        """Wait until the last bit is sent, as far as can be known."""
        ...

    def change(self, setting: LineSetting) -> None:
        """Change the setting; no effect on TCP.  Raises LinkLost."""
        ...

    def gather(self, *, on: bool) -> None:
        """Switch on or off that bytes are gathered for some hundredths of a second."""
        ...

    def record(self, tape: FrameRecorder | None) -> None:
        """Record to ``tape`` what is received and sent, as it is on the wire: with parity bits."""
        ...

    def close(self) -> None:
        """Close the wire at once."""
        ...


def parse_endpoint(where: str) -> TcpEndpoint | None:
    """Return the endpoint of ``tcp://HOST:PORT``; None for a serial port.  Keep it to open the wire again."""
    parts = urlsplit(where)
    return TcpEndpoint(parts.hostname or "", parts.port or 0, where) if parts.scheme == "tcp" else None


async def open_wire(
    where: str,
    setting: LineSetting,
    hear: ReceiveBytes,
    lost: ReportLost,
    known: TcpEndpoint | None = None,
    tape: FrameRecorder | None = None,
) -> OpenWire:
    """Open the wire to ``where``, a serial port or ``tcp://HOST:PORT``.  Raises LinkLost with the reason.

    ``known`` is its ``endpoint`` of the last time; ``tape`` is as in ``Wire.record``.
    """
    reached = known or parse_endpoint(where)
    if reached is None:
        return _SerialWire(where, setting, hear, lost, tape)
    wire = _TcpWire(where, setting, hear, lost)
    wire.record(tape)
    await reached.connect(wire.stream, _CONNECT_S)
    return wire


class _SerialWire:
    """A serial port.  Seven data bits are received as eight, see ``parity``."""

    def __init__(
        self,
        where: str,
        setting: LineSetting,
        hear: ReceiveBytes,
        lost: ReportLost,
        tape: FrameRecorder | None = None,
    ) -> None:
        self._where = where
        self._hear = hear
        self._lost = lost
        self._setting = setting
        self._recorder = tape
        self._parity = _make_parity(setting)
        self._port: serial_ports.SerialPort | None = serial_ports.open_port(
            where, setting.baud, _widen_framing(setting.framing)
        )
        self._gathers = True
        self._hollow = False
        self._later: asyncio.TimerHandle | None = None
        self._sent_s = 0.0
        self._mark("opened", f"{where} {setting}")
        self._listen()

    def record(self, tape: FrameRecorder | None) -> None:
        self._recorder = tape

    def _mark(self, way: FrameKind, words: str) -> None:
        if self._recorder is not None:
            self._recorder.mark(way, words)

    def write(self, data: bytes) -> None:
        if self._port is None:
            raise LinkLost(f"{self._where} is gone")
        out = data if self._parity is None else self._parity.encode(data)
        now_s = asyncio.get_running_loop().time()
        if self._recorder is not None:
            self._recorder.record_sent(out)
        try:
            if os.write(self._port.fileno(), out) != len(out):
                raise LinkLost(f"{self._where} takes no bytes")
        except OSError as error:
            raise LinkLost(f"{self._where}: {describe_os_error(error)}") from error
        self._sent_s = max(self._sent_s, now_s) + len(out) * self._setting.char_s

    async def wait_until_sent(self) -> None:
        loop = asyncio.get_running_loop()
        left_s = self._sent_s - loop.time()
        await asyncio.sleep(max(0.0, left_s) + _ADAPTER_S)

    def change(self, setting: LineSetting) -> None:
        if self._port is None:
            raise LinkLost(f"{self._where} is gone")
        if setting != self._setting:
            serial_ports.change_port(self._port, setting.baud, _widen_framing(setting.framing))
            self._setting, self._parity = setting, _make_parity(setting)
            self._mark("set", f"{self._where} {setting}")

    def gather(self, *, on: bool) -> None:
        self._gathers = on
        if not on and self._later is not None:
            self._later.cancel()
            self._listen()

    def close(self) -> None:
        if self._later is not None:
            self._later.cancel()
            self._later = None
        port, self._port = self._port, None
        if port is not None:
            self._mark("closed", self._where)
            asyncio.get_running_loop().remove_reader(port.fileno())
            serial_ports.close_port(port)

    def _listen(self) -> None:
        """Wait for the next byte."""
        self._later = None
        if self._port is not None:
            asyncio.get_running_loop().add_reader(self._port.fileno(), self._readable)

    def _readable(self) -> None:
        """Read in the event loop: bytes came, or the port is gone; a first empty read may be an accident."""
        assert self._port is not None
        data = self._read_available()
        if data:
            self._hollow = False
            if self._gathers:
                asyncio.get_running_loop().remove_reader(self._port.fileno())
                self._gather_more()
            self._pass_on(data)
        elif data is not None:
            if self._hollow:
                self._report_loss("it was unplugged")
            self._hollow = True

    def _gather_more(self) -> None:
        self._later = asyncio.get_running_loop().call_later(_GATHER_S, self._read_gathered)

    def _read_gathered(self) -> None:
        """Look again after a while if bytes still come; else wait for the next byte."""
        self._later = None
        data = self._read_available()
        if data is None:
            return
        if data and self._gathers:
            self._gather_more()
        else:
            self._listen()
        if data:
            self._pass_on(data)

    def _read_available(self) -> bytes | None:
        """Return the available bytes, perhaps none; None if the port is gone."""
        if self._port is None:
            return None
        try:
            data = os.read(self._port.fileno(), _READ_MAX_BYTES)
        except BlockingIOError:
            return b""
        except OSError as error:
            self._report_loss(describe_os_error(error))
            return None
        if self._recorder is not None and data:
            self._recorder.record_received(data)
        return data

    def _pass_on(self, data: bytes) -> None:
        self._hear(data if self._parity is None else self._parity.decode(data))

    def _report_loss(self, why: str) -> None:
        self._mark("ended", why)
        self.close()
        self._lost(f"{self._where} is gone: {why}")


def _widen_framing(framing: str) -> str:
    """Return the framing to open: seven bits and a parity bit are as long as eight without."""
    return "8N1" if framing[0] == "7" and framing[1] != "N" else framing


def _make_parity(setting: LineSetting) -> ParityBits | None:
    return ParityBits(setting.framing[1]) if setting.framing[0] == "7" else None


class _TcpWire:
    """A TCP connection to a serial server, or to a meter's own port.

    The setting of the server's line is its own matter, but a parity bit may come through.
    """

    def __init__(self, where: str, setting: LineSetting, hear: ReceiveBytes, lost: ReportLost) -> None:
        self._where = where
        self._hear = hear
        self._lost = lost
        self._setting = setting
        self._parity = _make_parity(setting)
        self.stream = TcpStream(self._pass_on, self._report_end)

    def write(self, data: bytes) -> None:
        if not self.stream.send(data):
            raise LinkLost(f"{self._where} closed the connection")

    async def wait_until_sent(self) -> None:
        return

    def change(self, setting: LineSetting) -> None:
        if setting != self._setting:
            self._setting, self._parity = setting, _make_parity(setting)

    def gather(self, *, on: bool) -> None:
        """Do nothing: TCP comes in packets."""

    def record(self, tape: FrameRecorder | None) -> None:
        self.stream.recorder = tape

    def close(self) -> None:
        self.stream.drop()

    def _pass_on(self, data: bytes) -> None:
        self._hear(data if self._parity is None else self._parity.decode(data))

    def _report_end(self, error: Exception | None) -> None:
        why = "" if error is None else f": {describe_os_error(error)}"
        self._lost(f"{self._where} closed the connection{why}")
