"""M-Bus telegrams made from the standard (EN 13757-3, -7), and a line of slaves that answer, collide and err.

Nothing of it uses the decoder's code or tables.
"""

import asyncio
import random
import struct
from collections.abc import AsyncIterator, Callable, Generator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

FIELDS = {
    "none": 0,
    "int8": 1,
    "int16": 2,
    "int24": 3,
    "int32": 4,
    "real": 5,
    "int48": 6,
    "int64": 7,
    "bcd2": 9,
    "bcd4": 10,
    "bcd6": 11,
    "bcd8": 12,
    "variable": 13,
    "bcd12": 14,
}
SIZES = {0: 0, 1: 1, 2: 2, 3: 3, 4: 4, 5: 4, 6: 6, 7: 8, 9: 1, 10: 2, 11: 3, 12: 4, 14: 6}
FUNCTIONS = ("instantaneous", "maximum", "minimum", "error")


def framed(control: int, address: int, ci: int, data: bytes) -> bytes:
    body = bytes([control, address, ci]) + data
    return b"\x68" + 2 * bytes([len(body)]) + b"\x68" + body + bytes([sum(body) % 256, 0x16])


def bcd(number: int, size: int) -> bytes:
    digits = f"{abs(number):0{2 * size}d}"
    if number < 0:
        assert digits[0] == "0"
        digits = "F" + digits[1:]
    return bytes.fromhex(digits)[::-1]


def data_of(value: Any, code: int) -> bytes:
    if code in (0, 8):
        return b""
    if code == 5:
        return struct.pack("<f", value)
    if code == 13:
        return bytes(value)
    if code >= 9:
        return bcd(value, SIZES[code])
    return int(value).to_bytes(SIZES[code], "little", signed=True)


def dib(code: int, function: int = 0, storage: int = 0, tariff: int = 0, subunit: int = 0) -> bytes:
    block = [code | function << 4 | (storage & 1) << 6]
    storage >>= 1
    while storage or tariff or subunit:
        block[-1] |= 0x80
        block.append(storage & 15 | (tariff & 3) << 4 | (subunit & 1) << 6)
        storage, tariff, subunit = storage >> 4, tariff >> 2, subunit >> 1
    return bytes(block)


def record(value: Any, vib: str, kind: str = "int32", **place: int) -> bytes:
    return dib(FIELDS[kind], **place) + bytes.fromhex(vib) + data_of(value, FIELDS[kind])


def maker_code(letters: str) -> int:
    first, second, third = (ord(letter) - 64 for letter in letters)
    return first * 1024 + second * 32 + third


def identity(serial: str, maker: str = "ACW", version: int = 0x0E, medium: int = 0x07) -> bytes:
    """As it is sent: number and maker with the lowest byte first."""
    return bytes.fromhex(serial)[::-1] + maker_code(maker).to_bytes(2, "little") + bytes([version, medium])


def reply(
    records: bytes,
    serial: str = "12345678",
    maker: str = "ACW",
    *,
    version: int = 0x0E,
    medium: int = 0x07,
    address: int = 1,
    access: int = 0x2A,
    state: int = 0,
    configuration: int = 0,
) -> bytes:
    head = (
        identity(serial, maker, version, medium)
        + bytes([access, state])
        + configuration.to_bytes(2, "little")
    )
    return framed(0x08, address, 0x72, head + records)


@dataclass
class Slave:
    """A meter: its bodies are told one after the other, with DIF 1F between them in the bodies themselves."""

    serial: str
    maker: str = "ACW"
    version: int = 0x0E
    medium: int = 0x07
    primary: int = 0
    bodies: Sequence[bytes] = (record(12565, "13"),)
    has_secondary: bool = True
    acknowledges_resets: bool = True
    selected: bool = False
    asked: list[int] = field(default_factory=list)
    _bit: dict[int, int] = field(default_factory=dict)
    _place: int = -1

    @property
    def identity(self) -> bytes:
        return identity(self.serial, self.maker, self.version, self.medium)

    def hear(self, request: bytes) -> bytes:
        """What it says to a request, if anything."""
        if request[0] == 0x68 and request[6] == 0x52:
            return self._select(request[7:15])
        control, address = request[1:3] if request[0] == 0x10 else request[4:6]
        mine = address in (self.primary, 254) or (address == 253 and self.selected)
        if control == 0x40:
            if address == 253:
                self.selected = False
            self._bit[address] = 0
            self._place = -1 if mine else self._place
            return b"\xe5" if mine and self.acknowledges_resets else b""
        if not mine:
            return b""
        self.asked.append(control)
        if control & 0x4F == 0x43:
            self._place = -1
            return b"\xe5"
        return self._told(control, address)

    def _told(self, control: int, address: int) -> bytes:
        bit = control >> 5 & 1
        if bit != self._bit.get(address) or self._place < 0:
            self._place = (self._place + 1) % len(self.bodies)
        self._bit[address] = bit
        body = self.bodies[self._place]
        told = self.primary if address in (253, 254) else address
        if body[:1] == b"\x70":
            return framed(0x08, told, 0x70, body[1:])
        return reply(body, self.serial, self.maker, version=self.version, medium=self.medium, address=told)

    def _select(self, wanted: bytes) -> bytes:
        if not self.has_secondary:
            return b""
        own = self.identity
        digits = all(
            ask in (0xF, its)
            for want, byte in zip(wanted[:4], own[:4], strict=True)
            for ask, its in ((want >> 4, byte >> 4), (want & 15, byte & 15))
        )
        rest = all(ask in (0xFF, its) for ask, its in zip(wanted[4:], own[4:], strict=True))
        self.selected = digits and rest
        if self.selected:
            self._bit[253], self._place = 0, -1
            return b"\xe5"
        return b""


def overlaid(answers: Sequence[bytes]) -> bytes:
    """On the line a space (0) of any slave wins: bytes sent at the same time are ANDed."""
    longest = max(len(one) for one in answers)
    mixed = bytearray(b"\xff" * longest)
    for one in answers:
        for at, byte in enumerate(one):
            mixed[at] &= byte
    return bytes(mixed)


def in_turn(answers: Sequence[bytes]) -> bytes:
    """The slaves are as slow as they are different: one speaks after the other."""
    return b"".join(answers)


def garbage(answers: Sequence[bytes]) -> bytes:
    """Anything at all comes of it, the same for the same."""
    dice = random.Random(b"".join(answers))
    return bytes(dice.randrange(256) for _ in range(max(map(len, answers)) + dice.randrange(3)))


@dataclass
class Line:
    """Slaves on two wires; ``spoil`` may damage what comes back."""

    slaves: Sequence[Slave]
    collide: Callable[[Sequence[bytes]], bytes] = overlaid
    spoil: Callable[[bytes], bytes] = bytes
    echoes: bool = False
    sent: list[bytes] = field(default_factory=list)

    def answer(self, request: bytes) -> bytes:
        self.sent.append(request)
        answers = [said for slave in self.slaves if (said := slave.hear(request))]
        said = answers[0] if len(answers) == 1 else self.collide(answers) if answers else b""
        return (request if self.echoes else b"") + self.spoil(said)


def converse(
    talk: Generator[Any, bytes, Any], line: Line, size: int = 1000, waits: list[float] | None = None
) -> Any:
    """Lead a conversation over the line, answers in pieces of ``size``; its result.

    ``waits`` takes how long it waited without having sent anything.
    """
    heard = b""
    try:
        ask = next(talk)
        while True:
            if ask.fresh:
                heard = b""
            if ask.send:
                heard += line.answer(ask.send)
            elif waits is not None:
                waits.append(ask.wait_s)
            piece, heard = heard[:size], heard[size:]
            ask = talk.send(piece)
    except StopIteration as end:
        return end.value


def requests(buffer: bytearray) -> list[bytes]:
    """The whole frames in what a master has sent, taken out."""
    found = []
    while buffer:
        size = 5 if buffer[0] == 0x10 else buffer[1] + 6 if len(buffer) > 1 else 6
        if len(buffer) < size:
            break
        found.append(bytes(buffer[:size]))
        del buffer[:size]
    return found


@contextmanager
def on_a_pty(line: Line, plug: Any) -> Iterator[str]:
    """The line behind a pty, in the running loop; gives the path."""
    loop, buffer = asyncio.get_running_loop(), bytearray()

    def hear() -> None:
        buffer.extend(plug.hear())
        for request in requests(buffer):
            if said := line.answer(request):
                plug.say(said)

    loop.add_reader(plug.master, hear)
    try:
        yield plug.path
    finally:
        loop.remove_reader(plug.master)


@asynccontextmanager
async def on_tcp(line: Line) -> AsyncIterator[str]:
    """The line behind a serial server; gives ``tcp://HOST:PORT``."""

    served: list[Any] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        buffer = bytearray()
        served.append(asyncio.current_task())
        with suppress(ConnectionResetError):
            while data := await reader.read(1000):
                buffer.extend(data)
                for request in requests(buffer):
                    writer.write(line.answer(request))
        writer.close()
        with suppress(ConnectionResetError):
            await writer.wait_closed()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield f"tcp://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        await asyncio.gather(*served)
