"""The rig's own clients of real devices: Modbus on TCP and serial adapters, HTTP outlets.
They share no code with the driver under test.
"""

import asyncio
import contextlib
import http.client
import json
import struct
import time
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import serial

from quartier_hil.real_devices.bench_model import Adapter, DevicePlace, Register
from quartier_sim.modbus import framing
from quartier_sim.modbus.unit import IDENTIFY, READ_TABLES, Table

_FUNCTIONS = {table: function for function, table in READ_TABLES.items()}
_BITS = ("coil", "discrete")
_EXCEPTION = 0x80
_WRITE_COIL = 5
_ON = 0xFF00
_QUIET_S = 0.05


class NoAnswerError(OSError):
    """Nothing, or nothing with sense, came from a place."""


class RequestDeniedError(NoAnswerError):
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
                if isinstance(error, NoAnswerError):
                    raise
                why = str(error) or f"no answer in {timeout_s:g} s"
                raise NoAnswerError(f"{self._host}:{self._port}: {why}") from error
            except asyncio.CancelledError:
                await self.close()  # an answer that comes later is nobody's
                raise

    async def _asked(self, unit: int, pdu: bytes) -> bytes:
        if self._streams is None:
            self._streams = await asyncio.open_connection(self._host, self._port)
        reader, writer = self._streams
        self._number = self._number % 0xFFFF + 1
        writer.write(framing.build_tcp_frame(self._number, unit, pdu))
        await writer.drain()
        while True:
            header = framing.parse_tcp_header(await reader.readexactly(framing.HEADER_BYTES))
            if header is None:
                raise NoAnswerError(f"{self._host}:{self._port}: what came is no Modbus")
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
                if isinstance(error, NoAnswerError):
                    raise
                raise NoAnswerError(f"{self._adapter.port}: {error}") from error

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
        port.write(framing.build_rtu_frame(unit, pdu))
        data = b""
        until_s = time.monotonic() + timeout_s
        while time.monotonic() < until_s:
            piece = port.read(framing.RTU_BYTES_MAX)
            data += piece
            # A frame ends in silence.
            if data and not piece:
                answer = framing.parse_rtu_request(data)
                if answer is not None and answer[0] == unit:
                    return answer[1]
        what = f"{len(data)} bytes without sense" if data else "no answer"
        raise NoAnswerError(f"{self._adapter.port}, unit {unit}: {what} in {timeout_s:g} s")

    async def close(self) -> None:
        """Let others have it."""
        port, self._port = self._port, None
        if port is not None:
            port.close()


class BenchLines:
    """The lines of a bench: one for each adapter and each host and port, whoever asks there."""

    def __init__(self, adapters: Mapping[str, Adapter]) -> None:
        self._adapters = adapters
        self._lines: dict[str, Line] = {}

    def to(self, place: DevicePlace) -> "Client":
        """Return the client for that place."""
        if place.adapter is not None:
            key: str = place.adapter
            self._lines.setdefault(key, SerialLine(self._adapters[key]))
        else:
            assert place.host is not None
            key = f"{place.host}:{place.port}"
            self._lines.setdefault(key, TcpLine(place.host, place.port))
        return Client(self._lines[key], place.unit, place.timeout_s)

    async def leave(self, place: DevicePlace) -> None:
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
            raise RequestDeniedError(answer[1])
        if not answer or answer[0] != pdu[0]:
            raise NoAnswerError(f"unit {self._unit} answers another question")
        return answer

    async def read(self, table: Table, address: int, count: int) -> list[int]:
        """Registers, or bits."""
        answer = await self._asked(struct.pack(">BHH", _FUNCTIONS[table], address, count))
        data = answer[2:]
        if table in _BITS and len(data) >= (count + 7) // 8:
            return [data[place // 8] >> place % 8 & 1 for place in range(count)]
        if table not in _BITS and len(data) == 2 * count:
            return list(struct.unpack(f">{count}H", data))
        raise NoAnswerError(f"unit {self._unit}: {len(data)} bytes for {count} of {table}:{address}")

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


_WANTS_PASSWORD = 401


class HttpOutlets:
    """Outlets of one host; each request is a connection of its own.  Every method raises NoAnswer."""

    def __init__(self, host: str, port: int, timeout_s: float) -> None:
        self._host, self._port, self._timeout_s = host, port, timeout_s

    async def switch(self, number: int, *, on: bool) -> None:
        """Switch one outlet, counted from 0."""
        await self._asked(f"Switch.Set?id={number}&on={'true' if on else 'false'}")

    async def state(self, number: int) -> bool:
        """Return whether it is on."""
        output = (await self._asked(f"Switch.GetStatus?id={number}")).get("output")
        if not isinstance(output, bool):
            raise NoAnswerError(f"{self._host}:{self._port}: outlet {number} does not say whether it is on")
        return output

    async def identity(self) -> str:
        """Model, name and version."""
        info = await self._asked("Shelly.GetDeviceInfo")
        return " ".join(str(info[key]) for key in ("model", "id", "ver") if key in info)

    async def _asked(self, method: str) -> Mapping[str, Any]:
        return await asyncio.to_thread(self._fetch, method)

    def _fetch(self, method: str) -> Mapping[str, Any]:
        where = f"{self._host}:{self._port}"
        connection = http.client.HTTPConnection(self._host, self._port, timeout=self._timeout_s)
        try:
            connection.request("GET", f"/rpc/{method}")
            answer = connection.getresponse()
            text = answer.read()
        except (OSError, http.client.HTTPException) as error:
            raise NoAnswerError(f"{where}: {error or type(error).__name__}") from error
        finally:
            connection.close()
        if answer.status == _WANTS_PASSWORD:
            raise NoAnswerError(f"{where}: wants a password, which the rig has no key for")
        try:
            document = json.loads(text)
        except ValueError:
            document = None
        if answer.status != http.client.OK or not isinstance(document, dict):
            raise NoAnswerError(f"{where}: {method.partition('?')[0]} is answered with HTTP {answer.status}")
        return document
