"""A bench without real devices: things of other stacks as processes of their own, on real sockets and ptys."""

import asyncio
import os
import shutil
import socket
import subprocess
import tty
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from quartier_hil.real_devices import bench_file
from quartier_hil.real_devices.device_clients import BenchLines

PEERS = Path(__file__).parents[2] / "peers"
TEXT = """
title = "A bench of processes"
real = ["charger"]
period_s = 0.2

[boards.power]
host = "127.0.0.1"
port = {board}

[meters.clamp]
host = "127.0.0.1"
port = {meter}
power_w = {{ register = "input:0x0034", type = "float32" }}
identity = {{ register = "holding:0xFC00", type = "uint32" }}
serial = "4711"

[devices.charger]
host = "127.0.0.1"
port = {cable}
unit = 255
profile = "keba/p30"
serial = "23456789"
boot_s = 20
power = {{ board = "power", relay = 1, contact = "no", rest = "cut" }}
cable = {{ board = "power", relay = 2, contact = "nc", rest = "connected" }}
car = {{ board = "power", relay = 3, contact = "no", rest = "cut" }}

[devices.charger.measured]
power_w = {{ meter = "clamp" }}
current_max_a = {{ register = "holding:1100", type = "uint32", scale = 0.001 }}
"""


def _free_ports(count):
    """Different ones: one that is let go may be drawn again."""
    with ExitStack() as held:
        probes = [held.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [probe.getsockname()[1] for probe in probes]


@dataclass
class Things:
    """A relay board, the charging station that it feeds, and a meter around its supply."""

    folder: Path
    command: list[str]
    ports: dict[str, int] = field(default_factory=dict)
    running: list[subprocess.Popen] = field(default_factory=list)

    @property
    def file(self):
        return self.folder / "bench.toml"

    def start(self):
        names = ("board", "charger", "cable", "meter")
        self.ports = dict(zip(names, _free_ports(len(names)), strict=True))
        board, charger, cable, meter = map(str, self.ports.values())
        self._run("board", board, str(self.folder), charger, cable)
        self._run("meter", meter, str(self.folder))
        self.write(TEXT)

    def write(self, text):
        self.file.write_text(text.format(**self.ports))
        return self.file

    def _run(self, *words):
        program = subprocess.Popen([*self.command, *words], stdout=subprocess.PIPE)
        self.running.append(program)
        assert program.stdout is not None
        assert b"ready\n" == program.stdout.readline()

    @property
    def switched(self):
        """What the board was told, in its order: coil and value."""
        path = self.folder / "switched"
        return path.read_text().splitlines() if path.exists() else []

    @property
    def coils(self):
        """What each coil was told last."""
        return {line[0]: int(line[2]) for line in self.switched}

    @property
    def station_pid(self):
        return int((self.folder / "charger.pid").read_text())

    @property
    def has_station(self):
        """Whether its process lives; one that is dead and not yet fetched has no words."""
        words = Path(f"/proc/{self.station_pid}/cmdline")
        return words.exists() and bool(words.read_bytes())

    def stop(self):
        for program in self.running:
            program.terminate()
            program.wait()
            assert program.stdout is not None
            program.stdout.close()
        self.running.clear()


@pytest.fixture
def free_port():
    return _free_ports(1)[0]


@pytest.fixture(scope="session")
def peers():
    return PEERS


@pytest.fixture
async def lines():
    """To hosts; they are left after the test."""
    found = BenchLines({})
    yield found
    await found.close()


@pytest.fixture(scope="session")
def modbus_serial():
    subprocess.run([str(PEERS / "install.sh")], check=True, capture_output=True)
    node = shutil.which("node")
    assert node, "node is missing: apt-get install nodejs"
    return [node, str(PEERS / "bench_things.js")]


@pytest.fixture
def things(tmp_path, modbus_serial) -> Iterator[Things]:
    found = Things(tmp_path, modbus_serial)
    found.start()
    yield found
    found.stop()


@pytest.fixture
def bench(things):
    return bench_file.load_bench(things.file)


@pytest.fixture
def plain(tmp_path):
    """A bench file that nobody answers at, with other words in it."""

    def made(text=TEXT, **changes):
        for old, new in changes.items():
            text = text.replace(*new) if isinstance(new, tuple) else text.replace(old, new)
        path = tmp_path / "plain.toml"
        path.write_text(text.format(board=1, meter=2, cable=3))
        return path

    return made


@pytest.fixture(scope="session")
def libmodbus(tmp_path_factory):
    program = tmp_path_factory.mktemp("libmodbus") / "modbus_server"
    flags = ["-O1", "-Wall", "-Werror", "-I/usr/include/modbus"]
    source = str(PEERS / "modbus_server.c")
    subprocess.run(["gcc", *flags, source, "-o", str(program), "-lmodbus"], check=True)
    return str(program)


@pytest.fixture
def start():
    """Start a program that prints ``ready``; it is stopped after the test."""
    running = []

    def run(*command):
        program = subprocess.Popen(command, stdout=subprocess.PIPE)
        running.append(program)
        assert b"ready\n" == program.stdout.readline()

    yield run
    for program in running:
        program.kill()
        program.wait()
        program.stdout.close()


@dataclass
class Cable:
    """Two ptys joined back to back: ``ours`` for the rig, ``theirs`` for a peer's program."""

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
