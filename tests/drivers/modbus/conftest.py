"""Wires and servers: peers of other stacks, and a server of our own that misbehaves byte by byte."""

import asyncio
import os
import shutil
import socket
import struct
import subprocess
import tty
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

PEERS = Path(__file__).parents[2] / "peers"


class HandClock:
    """House time that a test moves; waiting moves it too."""

    def __init__(self, rate: float = 1.0) -> None:
        self.rate = rate
        self.ns = 1_000_000_000_000
        self.slept_s: list[float] = []

    def now_ns(self) -> int:
        return self.ns

    async def sleep(self, seconds: float) -> None:
        self.slept_s.append(seconds)
        self.ns += int(max(seconds, 0) * 1e9)
        await asyncio.sleep(0)

    def move(self, seconds: float) -> None:
        self.ns += round(seconds * 1e9)


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


def crc(data: bytes) -> bytes:
    """CRC-16 of Modbus bit by bit, after Serial Line V1.02 appendix B: independent of the driver's."""
    value = 0xFFFF
    for byte in data:
        value ^= byte
        for _ in range(8):
            value = value >> 1 ^ 0xA001 if value & 1 else value >> 1
    return value.to_bytes(2, "little")


def rtu(unit: int, pdu: bytes) -> bytes:
    return bytes([unit]) + pdu + crc(bytes([unit]) + pdu)


def tcp(number: int, unit: int, pdu: bytes) -> bytes:
    return struct.pack(">HHHB", number, 0, len(pdu) + 1, unit) + pdu


def registers(function: int, *words: int) -> bytes:
    """The PDU that answers a read of registers."""
    return struct.pack(f">BB{len(words)}H", function, 2 * len(words), *words)


@dataclass
class Asked:
    """A request as it came: ``number`` only on TCP."""

    number: int
    unit: int
    pdu: bytes

    @property
    def start(self) -> int:
        return int.from_bytes(self.pdu[1:3], "big")

    def echo(self) -> bytes:
        """The PDU that acknowledges a write."""
        return self.pdu[:5]


Step = Callable[[Asked], bytes | None]
"""Bytes to send, or None to hang up."""


def silence(_asked: Asked) -> bytes:
    return b""


def hang_up(_asked: Asked) -> None:
    return None


@dataclass
class Server:
    """Answers each request with the next step of its script; the last step goes on for ever."""

    script: list[Step] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)
    connections_count: int = 0
    send: Callable[[bytes], None] = lambda _data: None  # sends without having been asked

    def step(self, asked: Asked) -> bytes | None:
        self.asked.append(asked)
        step = self.script.pop(0) if len(self.script) > 1 else self.script[0]
        return step(asked)


@dataclass
class TcpServer(Server):
    port: int = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections_count += 1
        self.send = writer.write
        try:
            while True:
                number, _, length, unit = struct.unpack(">HHHB", await reader.readexactly(7))
                asked = Asked(number, unit, await reader.readexactly(length - 1))
                data = self.step(asked)
                if data is None:
                    break
                writer.write(data)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


@pytest.fixture
async def tcp_server() -> AsyncIterator[TcpServer]:
    server = TcpServer()
    listener = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    server.port = listener.sockets[0].getsockname()[1]
    yield server
    listener.close()


class Device:
    """A scripted device with memory: answers reads from ``words``, keeps what is written, may refuse."""

    def __init__(self, server: TcpServer) -> None:
        self.words: dict[int, int] = {}
        self.refused: set[int] = set()
        self.exception = 2
        self.server = server
        server.script = [self.answer]

    def answer(self, asked: Asked) -> bytes:
        function, count = asked.pdu[0], int.from_bytes(asked.pdu[3:5], "big")
        places = range(asked.start, asked.start + (1 if function in (5, 6) else count))
        if self.refused.intersection(places):
            return tcp(asked.number, asked.unit, bytes([function | 0x80, self.exception]))
        if function in (1, 2):
            bits = sum(bool(self.words.get(at)) << step for step, at in enumerate(places))
            return tcp(asked.number, asked.unit, bytes([function, 1, bits]))
        if function in (3, 4):
            pdu = registers(function, *(self.words.get(at, 0) for at in places))
            return tcp(asked.number, asked.unit, pdu)
        if function in (5, 6):
            self.words[asked.start] = count
        return tcp(asked.number, asked.unit, asked.echo())

    @property
    def blocks(self) -> list[tuple[int, int]]:
        """Start and count (or value) of every request since the last look."""
        seen = [(asked.start, int.from_bytes(asked.pdu[3:5], "big")) for asked in self.server.asked]
        self.server.asked.clear()
        return seen


@pytest.fixture
def device(tcp_server: TcpServer) -> Device:
    return Device(tcp_server)


@dataclass
class RtuServer(Server):
    """The other end of a pty; ``silences_s`` lie between each answer and the request after it."""

    path: str = ""
    master: int = -1
    sent_s: float = 0.0
    silences_s: list[float] = field(default_factory=list)
    heard: bytearray = field(default_factory=bytearray)

    def hear(self) -> None:
        self.heard += os.read(self.master, 4096)
        while (size := self.size()) and len(self.heard) >= size:
            frame = bytes(self.heard[:size])
            del self.heard[:size]
            assert crc(frame[:-2]) == frame[-2:]
            now_s = asyncio.get_running_loop().time()
            if self.sent_s:
                self.silences_s.append(now_s - self.sent_s)
            asked = Asked(0, frame[0], frame[1:-2])
            self.write(self.step(asked) or b"")

    def size(self) -> int:
        if len(self.heard) < 8:
            return 0
        return 9 + self.heard[6] if self.heard[1] in (15, 16) else 8

    def write(self, data: bytes) -> None:
        self.sent_s = asyncio.get_running_loop().time()
        os.write(self.master, data)


@pytest.fixture
async def rtu_server() -> AsyncIterator[RtuServer]:
    master, slave = os.openpty()
    tty.setraw(slave)
    server = RtuServer(path=os.ttyname(slave), master=master)
    server.send = server.write
    loop = asyncio.get_running_loop()
    loop.add_reader(master, server.hear)
    yield server
    loop.remove_reader(master)
    os.close(master)
    os.close(slave)


@dataclass
class Cable:
    """Two ptys joined back to back: ``ours`` for the driver, ``theirs`` for a peer's program."""

    ours: str
    theirs: str


@pytest.fixture
async def cable() -> AsyncIterator[Cable]:
    pairs = [os.openpty(), os.openpty()]
    for _, slave in pairs:
        tty.setraw(slave)
    masters = [master for master, _ in pairs]
    loop = asyncio.get_running_loop()
    for source, sink in (masters, masters[::-1]):
        loop.add_reader(source, lambda source=source, sink=sink: os.write(sink, os.read(source, 4096)))
    yield Cable(*(os.ttyname(slave) for _, slave in pairs))
    for master, slave in pairs:
        loop.remove_reader(master)
        os.close(master)
        os.close(slave)


@pytest.fixture
def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture(scope="session")
def libmodbus(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The command of the libmodbus server, compiled for this run."""
    program = tmp_path_factory.mktemp("libmodbus") / "modbus_server"
    source = str(PEERS / "modbus_server.c")
    flags = ["-O1", "-Wall", "-Werror", "-I/usr/include/modbus"]
    subprocess.run(["gcc", *flags, source, "-o", str(program), "-lmodbus"], check=True)
    return [str(program)]


@pytest.fixture(scope="session")
def modbus_serial() -> list[str]:
    """The command of the npm modbus-serial server."""
    subprocess.run([str(PEERS / "install.sh")], check=True, capture_output=True)
    node = shutil.which("node")
    assert node, "node is missing: apt-get install nodejs"
    return [node, str(PEERS / "modbus_server.js")]


@pytest.fixture(params=["libmodbus", "modbus_serial"])
def stack(request: pytest.FixtureRequest) -> list[str]:
    """Each of the other stacks in turn."""
    command: list[str] = request.getfixturevalue(request.param)
    return command


Start = Callable[[Sequence[str]], None]


@pytest.fixture
def start() -> Iterator[Start]:
    """Start a program that prints ``ready``; it is stopped after the test."""
    running: list[subprocess.Popen[bytes]] = []

    def run(command: Sequence[str]) -> None:
        program = subprocess.Popen(command, stdout=subprocess.PIPE)
        running.append(program)
        assert program.stdout is not None
        assert b"ready\n" == program.stdout.readline()

    yield run
    for program in running:
        program.kill()
        program.wait()
        assert program.stdout is not None
        program.stdout.close()
