"""The rig's own Modbus client, on TCP and on serial adapters: it shares no code with the driver under test.

Framing is that of the simulated devices (``devices.wire``), which tools of others judge.
"""

import asyncio
import contextlib
import struct
import time
from collections.abc import Mapping, Sequence
from typing import Protocol

import serial

from quartier_hil.devices import wire
from quartier_hil.devices.unit import IDENTIFY, READS, Table
from quartier_hil.rig.bench import Adapter, Place
from quartier_hil.rig.register import Register

_FUNCTIONS = {table: function for function, table in READS.items()}
_BITS = ("coil", "discrete")
_EXCEPTION = 0x80
_WRITE_COIL = 5
_ON = 0xFF00
_QUIET_S = 0.05


class NoAnswer(OSError):  # noqa: N818 - a state of the world, named as the house names it
    """Nothing, or nothing with sense, came from a place."""


class Denied(NoAnswer):
    """It answered that it will not, with Modbus exception ``code``."""

    def __init__(self, code: int) -> None:
        super().__init__(f"Modbus exception {code}")
        self.code = code


class Line(Protocol):
    """A connection or a serial port: one request after the other."""

    async def ask(self, unit: int, pdu: bytes, timeout_s: float) -> bytes:
        """The answer's PDU.  Raises NoAnswer."""
        ...

    async def close(self) -> None:
        """Leave it."""
        ...


class TcpLine:
    """One connection, opened when it is needed, and anew after every failure."""

    def __init__(self, host: str, port: int) -> None:
        self._host, self._port = host, port
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        self._number = 0
        self._lock = asyncio.Lock()

    async def ask(self, unit: int, pdu: bytes, timeout_s: float) -> bytes:
        """The answer's PDU.  Raises NoAnswer."""
        async with self._lock:
            try:
                async with asyncio.timeout(timeout_s):
                    return await self._asked(unit, pdu)
            except (OSError, TimeoutError, asyncio.IncompleteReadError) as error:
                await self.close()
                if isinstance(error, NoAnswer):
                    raise
                why = str(error) or f"no answer in {timeout_s:g} s"
                raise NoAnswer(f"{self._host}:{self._port}: {why}") from error
            except asyncio.CancelledError:
                await self.close()  # an answer that comes later is nobody's
                raise

    async def _asked(self, unit: int, pdu: bytes) -> bytes:
        if self._streams is None:
            self._streams = await asyncio.open_connection(self._host, self._port)
        reader, writer = self._streams
        self._number = self._number % 0xFFFF + 1
        writer.write(wire.tcp_frame(self._number, unit, pdu))
        await writer.drain()
        while True:
            header = wire.tcp_header(await reader.readexactly(wire.HEADER_BYTES))
            if header is None:
                raise NoAnswer(f"{self._host}:{self._port}: what came is no Modbus")
            answer = await reader.readexactly(header[2])
            if header[0] == self._number:
                return answer

    async def close(self) -> None:
        """Leave the connection."""
        streams, self._streams = self._streams, None
        if streams is not None:
            streams[1].close()
            with contextlib.suppress(OSError):
                await streams[1].wait_closed()


class SerialLine:
    """A serial adapter, opened when it is needed and locked against others while it is."""

    def __init__(self, adapter: Adapter) -> None:
        self._adapter = adapter
        self._port: serial.Serial | None = None
        self._lock = asyncio.Lock()

    async def ask(self, unit: int, pdu: bytes, timeout_s: float) -> bytes:
        """The answer's PDU.  Raises NoAnswer."""
        async with self._lock:
            try:
                return await asyncio.to_thread(self._asked, unit, pdu, timeout_s)
            except (OSError, serial.SerialException) as error:
                await self.close()
                if isinstance(error, NoAnswer):
                    raise
                raise NoAnswer(f"{self._adapter.port}: {error}") from error

    def _opened(self) -> serial.Serial:
        if self._port is None:
            one = self._adapter
            self._port = serial.Serial(
                one.port,
                one.baud,
                parity=one.parity,
                stopbits=one.stop_bits,
                timeout=_QUIET_S,
                exclusive=True,
            )
        return self._port

    def _asked(self, unit: int, pdu: bytes, timeout_s: float) -> bytes:
        port = self._opened()
        port.reset_input_buffer()
        port.write(wire.rtu_frame(unit, pdu))
        heard = b""
        until_s = time.monotonic() + timeout_s
        while time.monotonic() < until_s:
            piece = port.read(wire.RTU_BYTES_MAX)
            heard += piece
            # A frame ends in silence.
            if heard and not piece:
                answer = wire.rtu_request(heard)
                if answer is not None and answer[0] == unit:
                    return answer[1]
        what = f"{len(heard)} bytes without sense" if heard else "no answer"
        raise NoAnswer(f"{self._adapter.port}, unit {unit}: {what} in {timeout_s:g} s")

    async def close(self) -> None:
        """Let others have it."""
        port, self._port = self._port, None
        if port is not None:
            port.close()


class Lines:
    """The lines of a bench: one for each adapter and each host and port, whoever asks there."""

    def __init__(self, adapters: Mapping[str, Adapter]) -> None:
        self._adapters = adapters
        self._lines: dict[str, Line] = {}

    def to(self, place: Place) -> "Client":
        """Return the client for that place."""
        if place.adapter is not None:
            key: str = place.adapter
            self._lines.setdefault(key, SerialLine(self._adapters[key]))
        else:
            assert place.host is not None
            key = f"{place.host}:{place.port}"
            self._lines.setdefault(key, TcpLine(place.host, place.port))
        return Client(self._lines[key], place.unit, place.timeout_s)

    async def leave(self, place: Place) -> None:
        """Let others have the line to a place."""
        line = self._lines.get(place.adapter or f"{place.host}:{place.port}")
        if line is not None:
            await line.close()

    async def close(self) -> None:
        """Leave all of them."""
        for line in self._lines.values():
            await line.close()


class Client:
    """Asks one unit.  Every verb raises NoAnswer where none comes, Denied where it is refused."""

    def __init__(self, line: Line, unit: int, timeout_s: float) -> None:
        self._line, self._unit, self._timeout_s = line, unit, timeout_s

    async def _asked(self, pdu: bytes) -> bytes:
        answer = await self._line.ask(self._unit, pdu, self._timeout_s)
        if len(answer) > 1 and answer[0] == pdu[0] | _EXCEPTION:
            raise Denied(answer[1])
        if not answer or answer[0] != pdu[0]:
            raise NoAnswer(f"unit {self._unit} answers another question")
        return answer

    async def read(self, table: Table, address: int, count: int) -> list[int]:
        """Registers, or bits."""
        answer = await self._asked(struct.pack(">BHH", _FUNCTIONS[table], address, count))
        data = answer[2:]
        if table in _BITS and len(data) >= (count + 7) // 8:
            return [data[place // 8] >> place % 8 & 1 for place in range(count)]
        if table not in _BITS and len(data) == 2 * count:
            return list(struct.unpack(f">{count}H", data))
        raise NoAnswer(f"unit {self._unit}: {len(data)} bytes for {count} of {table}:{address}")

    async def words(self, register: Register) -> list[int]:
        """Return the words of a register of the bench file."""
        return await self.read(register.table, register.address, register.count)

    async def switch(self, coil: int, *, on: bool) -> None:
        """Write one coil."""
        await self._asked(struct.pack(">BHH", _WRITE_COIL, coil, _ON if on else 0))

    async def state(self, coil: int) -> bool:
        """Return the state of one coil."""
        (shown,) = await self.read("coil", coil, 1)
        return bool(shown)

    async def identity(self) -> Sequence[str]:
        """Maker, product and revision (function 43/14); what a device without it answers is Denied."""
        answer = await self._asked(bytes([IDENTIFY, 14, 1, 0]))
        found, place = [], 7
        while place + 2 <= len(answer):
            size = answer[place + 1]
            found.append(answer[place + 2 : place + 2 + size].decode("ascii", "replace").strip())
            place += 2 + size
        return found
