"""mbpoll as an independent client of the simulated devices."""

import asyncio
import re
import shutil
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import pytest

from quartier_hil.devices.endpoint import PtyEndpoint, TcpEndpoint

_VALUE = re.compile(r"^\[(\d+)\]:\s+(\S+)", re.MULTILINE)


@dataclass(frozen=True)
class Heard:
    """What mbpoll printed: values by address, and everything for a look at its errors."""

    said: str
    values: dict[int, str] = field(default_factory=dict)


Poll = Callable[..., Awaitable[Heard]]


@pytest.fixture
def poll() -> Poll:
    """``await poll(endpoint, unit, "4:hex", address, count=…)``; ``write=[…]`` writes instead of reading."""
    if shutil.which("mbpoll") is None:
        pytest.fail("mbpoll is missing; apt-get install mbpoll")

    async def run(
        endpoint: TcpEndpoint | PtyEndpoint,
        unit: int,
        kind: str,
        address: int,
        *,
        count: int = 1,
        timeout_s: float = 1.0,
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
            str(address),
            "-o",
            str(timeout_s),
        ]
        if isinstance(endpoint, TcpEndpoint):
            arguments += ["-m", "tcp", "-p", str(endpoint.port)]
        else:
            arguments += ["-m", "rtu", "-b", "9600", "-P", "none"]
        arguments += ["-B"] if kind.endswith("float") else []  # most significant word first
        arguments += [] if write else ["-c", str(count)]
        arguments += ["127.0.0.1" if isinstance(endpoint, TcpEndpoint) else str(endpoint.path)]
        arguments += ["--", *map(str, write)] if write else []
        process = await asyncio.create_subprocess_exec(
            *arguments, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
        )
        said = (await process.communicate())[0].decode()
        return Heard(said, {int(place): value for place, value in _VALUE.findall(said)})

    return run
