"""mbpoll as an independent client of the simulated devices."""

import asyncio
import contextlib
import os
import re
import shutil
import subprocess
import tty
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import pytest

from quartier_sim.modbus.endpoints import PtyEndpoint, TcpEndpoint

_VALUE = re.compile(r"^\[(\d+)\]:\s+(\S+)", re.MULTILINE)


@dataclass(frozen=True)
class Heard:
    """What mbpoll printed: values by address, and everything for a look at its errors."""

    said: str
    values: dict[int, str] = field(default_factory=dict)


class Listening(Protocol):
    """What has a TCP port."""

    host: str
    port: int


@dataclass
class Tap:
    """What a client meets instead of the device: passes bytes on and keeps them, ``("O", …)`` of the client."""

    port: int = 0
    path: Path | None = None
    heard: list[tuple[str, bytes]] = field(default_factory=list)

    def take(self, way: str, data: bytes) -> None:
        """Bytes that follow each other one way are one message: nobody speaks before the other has ended."""
        if self.heard and self.heard[-1][0] == way:
            data = self.heard.pop()[1] + data
        self.heard.append((way, data))


@contextlib.asynccontextmanager
async def tapped(endpoint: Listening) -> AsyncIterator[Tap]:
    """A tap before a device on TCP."""
    tap = Tap()

    async def passed(way: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(4096):
            tap.take(way, data)
            writer.write(data)
        writer.close()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        inner_reader, inner_writer = await asyncio.open_connection(endpoint.host, endpoint.port)
        await asyncio.gather(passed("O", reader, inner_writer), passed("I", inner_reader, writer))

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        tap.port = server.sockets[0].getsockname()[1]
        yield tap


@contextlib.asynccontextmanager
async def tapped_line(endpoint: PtyEndpoint) -> AsyncIterator[Tap]:
    """A tap before a device on a pty: another pty."""
    outer, client = os.openpty()
    inner = os.open(endpoint.path, os.O_RDWR | os.O_NOCTTY)
    for one in (outer, client, inner):
        tty.setraw(one)
    tap = Tap(path=Path(os.ttyname(client)))
    loop = asyncio.get_running_loop()

    def passed(way: str, source: int, target: int) -> None:
        data = os.read(source, 4096)
        tap.take(way, data)
        os.write(target, data)

    loop.add_reader(outer, passed, "O", outer, inner)
    loop.add_reader(inner, passed, "I", inner, outer)
    yield tap
    for one in (outer, inner):
        loop.remove_reader(one)
    for one in (outer, client, inner):
        os.close(one)


def dissected(heard: Sequence[tuple[str, bytes]], folder: Path, *words: str, port: int = 502) -> str:
    """What tshark makes of what went over a tap, in full, as between a client and this TCP port."""
    if shutil.which("tshark") is None or shutil.which("text2pcap") is None:
        pytest.skip("tshark is not installed (apt-get install tshark)")
    text = "".join(f"{way} 000000 {data.hex(' ')}\n" for way, data in heard)
    file = str(folder / "heard.pcap")
    command = ["text2pcap", "-q", "-D", "-T", f"{port},40000", "-", file]
    subprocess.run(command, input=text.encode(), check=True, capture_output=True)
    read = ["tshark", "-r", file, "-V", *words]
    return subprocess.run(read, check=True, capture_output=True, text=True).stdout


Poll = Callable[..., Awaitable[Heard]]


@pytest.fixture
def poll() -> Poll:
    """``await poll(endpoint, unit, "4:hex", address, count=…)``; ``write=[…]`` writes instead of reading.

    ``address`` may be several, ``high_first`` says how numbers of 32 bits lie [those of meters: floats alone].
    """
    if shutil.which("mbpoll") is None:
        pytest.fail("mbpoll is missing; apt-get install mbpoll")

    async def run(
        endpoint: TcpEndpoint | PtyEndpoint | Tap,
        unit: int,
        kind: str,
        address: int | Sequence[int],
        *,
        count: int = 1,
        high_first: bool | None = None,
        timeout_s: float = 10.0,
        write: tuple[int, ...] = (),
    ) -> Heard:
        arguments = [
            "mbpoll",
            "-0",
            "-1",
            "-a",
            str(unit),
            "-t",
            kind,
            "-r",
            str(address) if isinstance(address, int) else ",".join(map(str, address)),
            "-o",
            str(timeout_s),
        ]
        path = getattr(endpoint, "path", None)
        if path is None:
            assert not isinstance(endpoint, PtyEndpoint)
            arguments += ["-m", "tcp", "-p", str(endpoint.port)]
        else:
            arguments += ["-m", "rtu", "-b", "9600", "-P", "none"]
        arguments += ["-B"] if (kind.endswith("float") if high_first is None else high_first) else []
        arguments += [] if write else ["-c", str(count)]
        arguments += [str(path or "127.0.0.1")]
        arguments += ["--", *map(str, write)] if write else []
        process = await asyncio.create_subprocess_exec(
            *arguments, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
        )
        said = (await process.communicate())[0].decode()
        return Heard(said, {int(place): value for place, value in _VALUE.findall(said)})

    return run
