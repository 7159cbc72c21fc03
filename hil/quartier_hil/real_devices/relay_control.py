"""Switch the wires of real devices by relays, read each back, and leave all at their declared rest.
A second process does that when the rig ends without it.
"""

import asyncio
import json
import signal
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Literal

from quartier_hil.processes.child_process import ChildProcess
from quartier_hil.real_devices.bench_model import Adapter, Bench, Relay, RelayBoard, Wire
from quartier_hil.real_devices.device_clients import BenchLines, Client, HttpOutlets, NoAnswerError
from quartier_hil.scenario.expectations import FileTable

WRITE_REAL_S = 5.0
"""Time for which an unreachable board is tried at the end of a run, s."""
RETRY_REAL_S = 0.25
State = Literal["connected", "cut"]


class SwitchError(RuntimeError):
    """A relay is not in the ordered state."""


class OwedState(FileTable):
    """Final state of a coil, with everything needed to write it: a guardian has no bench file."""

    whose: str
    """Device and wire, for a person."""
    board: RelayBoard
    """Its board."""
    adapter: Adapter | None
    """Adapter of the board, if it has one."""
    coil: int
    """Its number on the wire."""
    on: bool
    """Final state of the coil."""

    @property
    def words(self) -> str:
        """For a person."""
        return f"{self.whose} (coil {self.coil} at {self.board.words})"

    async def write(self, lines: BenchLines) -> None:
        """Write it and read it back.  Raises NoAnswer where the board does not say so."""
        board = make_switch_client(self.board, lines)
        await board.switch(self.coil, on=self.on)
        shown = await board.state(self.coil)
        if shown != self.on:
            text = f"after it was told {int(self.on)}"
            raise NoAnswerError(f"the board shows coil {self.coil} as {int(shown)} {text}")


def make_switch_client(board: RelayBoard, lines: BenchLines) -> Client | HttpOutlets:
    """Return the client that switches and reads the relays of a board."""
    if board.kind == "modbus":
        return lines.to(board)
    assert board.host is not None
    return HttpOutlets(board.host, board.port, board.timeout_s)


def open_lines(owed_states: Iterable[OwedState]) -> BenchLines:
    """Lines of their own to all boards at which something is owed."""
    return BenchLines(
        {one.board.adapter: one.adapter for one in owed_states if one.board.adapter and one.adapter}
    )


async def write_owed_states(
    owed_states: Sequence[OwedState], lines: BenchLines, for_real_s: float = WRITE_REAL_S
) -> list[str]:
    """Write all, again and again where a board is silent; what could not be done after that time."""
    left = list(owed_states)
    failed: dict[int, str] = {}
    until_s = time.monotonic() + for_real_s
    while left:
        for one in tuple(left):
            try:
                await one.write(lines)
            except NoAnswerError as error:
                failed[id(one)] = f"{one.words} is not at its rest: {error}"
            else:
                left.remove(one)
        if not left or time.monotonic() >= until_s:
            break
        await asyncio.sleep(RETRY_REAL_S)
    return [failed[id(one)] for one in left]


class Relays:
    """Those of the devices ``names``.  ``owe`` is told what must be done in the end, before anything else."""

    def __init__(
        self,
        bench: Bench,
        lines: BenchLines,
        names: Iterable[str],
        record_owed_states: Callable[[Sequence[OwedState]], None],
    ) -> None:
        self._bench, self._lines, self._owe = bench, lines, record_owed_states
        self._relays = {
            (name, wire): relay for name in names for wire, relay in bench.devices[name].wires.items()
        }
        self.states: dict[tuple[str, Wire], State] = {}
        """Last state of each wire, as the board confirmed it."""
        self.count = 0
        """Number of orders to relays."""

    def list_owed_states(self) -> list[OwedState]:
        """Return the final states of all coils."""
        return [
            self._owed(name, wire, connected=relay.rest == "connected")
            for (name, wire), relay in self._relays.items()
        ]

    async def begin(self) -> None:
        """Connect supplies and cables, and take cars away.  Raises SwitchError."""
        if self._relays:
            self._owe(self.list_owed_states())
        for name, wire in self._relays:
            await self.set(name, wire, connected=wire != "car")

    async def set(self, name: str, wire: Wire, *, connected: bool) -> None:
        """Connect or cut one wire; the board must confirm it.  Raises SwitchError."""
        state = self._owed(name, wire, connected=connected)
        failed = await write_owed_states([state], self._lines, 1.0)
        self.count += 1
        if failed:
            self.states.pop((name, wire), None)
            raise SwitchError(failed[0].replace("at its rest", "connected" if connected else "cut"))
        self.states[name, wire] = "connected" if connected else "cut"

    async def rest(self) -> list[str]:
        """Leave every coil as it is declared; what could not be done.  Lines of its own: no request waits."""
        debts = self.list_owed_states()
        lines = open_lines(debts)
        try:
            failed = await write_owed_states(debts, lines, WRITE_REAL_S)
        finally:
            await lines.close()
        if not failed:
            self.states = {key: relay.rest for key, relay in self._relays.items()}
            self._owe([])
        return failed

    def _owed(self, name: str, wire: Wire, *, connected: bool) -> OwedState:
        relay = self._relays[name, wire]
        return find_owed_state(self._bench, f"{name} {wire}", relay, connected=connected)


def find_owed_state(bench: Bench, whose: str, relay: Relay, *, connected: bool) -> OwedState:
    """Return the state of the coil of a relay for which its wire is connected, or cut."""
    board = bench.boards[relay.board]
    return OwedState(
        whose=whose,
        board=board,
        adapter=bench.adapters[board.adapter] if board.adapter is not None else None,
        coil=board.first + relay.relay - 1,
        on=relay.coil(connected=connected),
    )


GUARDIAN_WRITE_REAL_S = 60.0
"""Time for which it tries a silent board, s."""
READY = b"ready"
READY_REAL_S = 30.0
_END_REAL_S = 5.0


class RelayGuardian:
    """The rig's end of it; ``log`` is the log of its actions."""

    def __init__(self, log: Path) -> None:
        self.child = ChildProcess([sys.executable, "-m", "quartier_hil.real_devices.relay_control"], log)

    async def start(self) -> None:
        """Start it and wait until SIGTERM is nothing to it.  Raises RuntimeError where it does not."""
        await self.child.start(with_pipes=True, outlives=True)
        assert self.child.process is not None
        assert self.child.process.stdout is not None
        data = await asyncio.wait_for(self.child.process.stdout.readline(), READY_REAL_S)
        if data.strip() != READY:
            raise RuntimeError(f"the guardian of the relays does not come up, see {self.child.log}")

    def record_owed_states(self, owed_states: Sequence[OwedState]) -> None:
        """Send it the final states to restore; none: all is at rest.  Raises RuntimeError if it is gone."""
        process = self.child.process
        if process is None or process.stdin is None or not self.child.alive:
            raise RuntimeError(f"the guardian of the relays is gone, see {self.child.log}")
        states = [json.loads(one.model_dump_json()) for one in owed_states]
        process.stdin.write(json.dumps(states).encode() + b"\n")

    async def end(self) -> int | None:
        """End it with its last orders; return its exit code, None while it is still busy."""
        process = self.child.process
        if process is None or process.stdin is None:
            return 0
        process.stdin.close()
        try:
            return await asyncio.wait_for(process.wait(), _END_REAL_S)
        except TimeoutError:
            return None


async def _write_all_owed(owed_states: Sequence[OwedState]) -> list[str]:
    lines = open_lines(owed_states)
    try:
        return await write_owed_states(owed_states, lines, GUARDIAN_WRITE_REAL_S)
    finally:
        await lines.close()


def main() -> int:
    """Listen until the pipe ends, then pay.  Exit code 1 where a relay could not be put to rest."""
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    sys.stdout.write(f"{READY.decode()}\n")
    sys.stdout.flush()
    debts: list[OwedState] = []
    for line in sys.stdin:
        # A line that was cut off by the rig's end says less than the one before it.
        if line.endswith("\n"):
            debts = [OwedState.model_validate(one) for one in json.loads(line)]
    failed = asyncio.run(_write_all_owed(debts))
    done = [one.words for one in debts if all(not text.startswith(one.words) for text in failed)]
    sys.stderr.writelines(f"{text}\n" for text in (*(f"{words}: at its rest" for words in done), *failed))
    return int(bool(failed))


if __name__ == "__main__":
    sys.exit(main())
