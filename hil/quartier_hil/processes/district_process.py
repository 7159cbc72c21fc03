"""The reference district as seen from the rig: its process, orders to it, its figures."""

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

from quartier_district.gateway_session import TopicNames
from quartier_district.signed_documents import DOCUMENT_TYPES, SigningKey
from quartier_hil.processes.child_process import ChildProcess
from quartier_sim.site_clock import RigClock

_END_REAL_S = 5.0


class DistrictProcess:
    """``quartier-hil district`` with a key of its own, made in ``folder``."""

    def __init__(self, folder: Path, port: int, names: TopicNames, clock: RigClock) -> None:
        key = SigningKey.fresh("optimiser1")
        key_file = key.save(folder)
        self.issuers_file = folder / "issuers.json"
        self.issuers_file.write_text(json.dumps([key.listing(DOCUMENT_TYPES)]))
        self.log = folder / "district.jsonl"
        self.figures: dict[str, Any] = {}
        words = ["district", "--port", str(port), "--group", names.group, "--edge", names.edge]
        words += ["--key", str(key_file), "--log", str(self.log), "--origin", repr(clock.origin_s)]
        words += ["--offset", repr(clock.offset_s), "--rate", repr(clock.rate)]
        self.child = ChildProcess([sys.executable, "-m", "quartier_hil.cli", *words], folder / "district.log")
        self._reader: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Start it and listen to its figures."""
        await self.child.start(with_pipes=True)
        self._reader = asyncio.create_task(self._listen())

    async def _listen(self) -> None:
        assert self.child.process is not None
        assert self.child.process.stdout is not None
        async for line in self.child.process.stdout:
            self.figures = json.loads(line)

    def order(self, do: str, **what: Any) -> None:
        """Send it an order (see ``district.process``)."""
        if self.child.alive and self.child.process is not None and self.child.process.stdin is not None:
            self.child.process.stdin.write(json.dumps({"do": do, **what}).encode() + b"\n")

    async def stop(self) -> None:
        """Let it write its last line and end."""
        self.order("quit")
        if self.child.process is not None:
            try:
                await asyncio.wait_for(self.child.process.wait(), _END_REAL_S)
            except TimeoutError:
                await self.child.stop()
        if self._reader is not None:
            await asyncio.gather(self._reader, return_exceptions=True)
