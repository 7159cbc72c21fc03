"""pysunspec2's client as an independent reader of the rig's SunSpec devices, in a process of its own."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from quartier_sim.modbus.endpoints import PtyEndpoint, TcpEndpoint

SCRIPT = Path(__file__).parents[3] / "peers" / "judge_sunspec.py"
_LINE_BYTES = 1 << 24


class Client:
    """What it read at first is ``told``; ``order`` writes points, with their scale factors, and reads again."""

    def __init__(self, process: asyncio.subprocess.Process, told: dict[str, Any]) -> None:
        self._process = process
        self.told = told

    async def order(self, **points: float) -> dict[str, Any]:
        return await self.orders([(name.replace("__", "."), value) for name, value in points.items()])

    async def orders(self, points: list[tuple[str, float]]) -> dict[str, Any]:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(points).encode() + b"\n")
        await self._process.stdin.drain()
        return await _line(self._process)


async def _line(process: asyncio.subprocess.Process) -> dict[str, Any]:
    assert process.stdout is not None
    line = await process.stdout.readline()
    if not line:
        assert process.stderr is not None
        pytest.fail((await process.stderr.read()).decode())
    found: dict[str, Any] = json.loads(line)
    return found


Judge = Callable[..., Awaitable[Client]]


@pytest.fixture
async def sunspec_client() -> AsyncIterator[Judge]:
    """``await sunspec_client(endpoint, unit, words_max=125)``."""
    running: list[asyncio.subprocess.Process] = []

    async def start(endpoint: TcpEndpoint | PtyEndpoint, unit: int = 1, words_max: int = 125) -> Client:
        where = (
            ["tcp", str(endpoint.port)] if isinstance(endpoint, TcpEndpoint) else ["rtu", str(endpoint.path)]
        )
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            str(SCRIPT),
            *where,
            str(unit),
            str(words_max),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            limit=_LINE_BYTES,
        )
        running.append(process)
        return Client(process, await _line(process))

    yield start
    for process in running:
        if process.stdin is not None:
            process.stdin.close()
        await process.wait()
