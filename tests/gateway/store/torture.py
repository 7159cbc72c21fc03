"""A process whose disk fails at a chosen moment, or whose machine does; says how it ended.

``tries`` runs under ``faults.c``.  Input, a line a try: ``<folder> <kinds> <nth> <error> <lasting> <end>``; ``end``
is ``heal`` (the disk is well again at half time), ``kill`` (the process dies when it has failed) or
``cut`` (so does the machine: the journal, in memory, is gone too).
Output, a line a try, JSON: ``fired``, ``by_loop`` (calls to the disk from the loop's thread), ``numbered``
samples, ``kept``, ``wrong``, ``twice``, and ``gaps`` (why each).
``live <folder> <runtime folder>`` commits once per line of input and says how many seconds are committed.
``left`` opens what a power cut left, in a process of its own for each line of input, ``<folder> <runtime folder>``.
Output, a line each: the sequences kept a stream, ``wrong`` and ``gaps``.
"""

import ctypes
import json
import os
import shutil
import sys
from array import array
from pathlib import Path
from typing import Any

from quartier.site.records import Now
from quartier.store.deadband import NO_DEADBAND, Deadbands
from quartier.store.history_store import Store
from quartier_drivers.readings import FLOAT, TEXT, Layout, Readings

START_MS = 1_700_000_000_000
EXACT = Deadbands({"w": NO_DEADBAND})
LAYOUT = Layout(("grid.power_w", "gateway.note_text", "bat1.power_w"), bytes([FLOAT, TEXT, FLOAT]))
STREAMS = ("grid", "bat1", "node")
STEPS = 60
COMMIT_S = 5
ENDED_WELL, ENDED_BADLY = 0, 9


class Fault:
    """The preloaded library."""

    def __init__(self) -> None:
        library = ctypes.CDLL(None)
        self.disarm = library.fault_disarm
        self._arm = library.fault_arm
        self._arm.argtypes = [ctypes.c_int, ctypes.c_long, ctypes.c_int, ctypes.c_int, ctypes.c_char_p]
        self.fired = library.fault_fired
        self.by_loop = library.fault_by_loop
        self.fired.restype = self.by_loop.restype = ctypes.c_long

    def arm(self, words: list[str], under: Path) -> None:
        kinds, nth, error, lasting = map(int, words)
        self._arm(kinds, nth, error, lasting, os.fsencode(under))


class Life:
    """One boot of a store, a second a step."""

    def __init__(self, folder: Path, second: int, runtime: Path | None = None) -> None:
        self.second = second
        state = folder / "state"
        state.mkdir(parents=True, exist_ok=True)
        self.store = Store(
            state / "history.db",
            runtime or folder / "run",
            commit_s=COMMIT_S,
            chunk_count=16,
            assets=["grid", "bat1"],
            deadbands=EXACT,
        )
        self.boot = self.store.open(self.now)

    @property
    def now(self) -> Now:
        return Now(self.second * 1_000_000_000, START_MS + self.second * 1000, synced=True)

    def step(self) -> None:
        """One second; the writer then gets all the time it wants, which is not ours to wait for."""
        self.second += 1
        values = array("d", [self.second / 8, 0.0, -self.second / 8])
        self.store.record(Readings(LAYOUT, values, bytes(3), self.now.ns, {1: str(self.second)}), self.now)
        self.store.tick(self.now)

    def settle(self) -> None:
        """Wait for the writer, outside the loop's time."""
        self.store._writer.wait(60.0)

    @property
    def committed_s(self) -> int:
        """How many seconds of samples are on disk."""
        self.store._is_ready(self.now)
        stats = self.store.stats
        return int(stats["recorded_count"] - stats["pending_count"]) // 3


def expected(stream: str, second: int) -> object:
    return {"grid": second / 8, "bat1": -second / 8, "node": str(second)}[stream]


def attempt(fault: Fault, words: list[str]) -> None:
    folder, end = Path(words[0]), words[5]
    fault.arm(words[1:5], folder / "state")
    life = Life(folder, 0)
    fault.by_loop()
    by_loop = 0
    for number in range(STEPS):
        if number == STEPS // 2 and end == "heal":
            fault.disarm()
        life.step()
        by_loop += fault.by_loop()
        life.settle()
        fault.by_loop()
        if end != "heal" and fault.fired():
            break
    fired = fault.fired()
    fault.disarm()
    if end == "heal":
        for _ in range(120):  # the pause between two tries has grown meanwhile
            life.step()
            life.settle()
        life.store.close(life.now)
    if end == "cut":
        shutil.rmtree(folder / "run")
    (folder / "said").write_text(json.dumps([life.second, fired, by_loop]))
    os._exit(ENDED_WELL)


def judge(folder: Path) -> dict[str, Any]:
    """Open what was left, on a sound disk, and compare."""
    seconds, fired, by_loop = json.loads((folder / "said").read_text())
    found = left(Life(folder, seconds + 100))
    keys = [(stream, seq) for stream, seqs in found.pop("seqs").items() for seq in seqs]
    found |= {"kept": len(set(keys)), "twice": len(keys) - len(set(keys))}
    return {"fired": fired, "by_loop": by_loop, "numbered": 3 * seconds, **found}


def left(life: Life) -> dict[str, Any]:
    """What a store finds of the boot before: sequences a stream, wrong values, why there are gaps."""
    for _ in range(30):
        life.second += 10
        life.store.tick(life.now)
        life.settle()
    samples = [sample for run in life.store.runs({}, 1_000_000) for sample in run.rows()]
    life.store.close(life.now)
    own = [sample for sample in samples if sample.boot != life.boot and sample.stream != "event"]
    return {
        "seqs": {name: [sample.seq for sample in own if sample.stream == name] for name in STREAMS},
        "wrong": [
            f"{sample.stream} {sample.seq}: {sample.value}"
            for sample in own
            if (sample.value, sample.taken_utc_ms)
            != (expected(sample.stream, sample.seq), START_MS + 1000 * sample.seq)
        ],
        "gaps": [
            json.loads(str(sample.value))["data"]["why"] for sample in samples if sample.metric == "store.gap"
        ],
    }


def live(folder: Path, runtime: Path) -> None:
    life = Life(folder, 0, runtime)
    _say(life.committed_s)
    for _ in sys.stdin:
        for _ in range(COMMIT_S):
            life.step()
            life.settle()
        _say(life.committed_s)


def tries() -> None:
    fault = Fault()
    for line in sys.stdin:
        words = line.split()
        child = os.fork()
        if not child:
            try:
                attempt(fault, words)
            finally:
                os._exit(ENDED_BADLY)
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        _say({"code": code} if code else judge(Path(words[0])))


def open_what_was_left() -> None:
    for line in sys.stdin:
        folder, runtime = line.split()
        child = os.fork()
        if not child:
            try:
                _say(left(Life(Path(folder), 1000, Path(runtime))))
                os._exit(ENDED_WELL)
            finally:
                os._exit(ENDED_BADLY)
        if code := os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]):
            _say({"code": code})


def _say(found: object) -> None:
    os.write(1, f"{json.dumps(found)}\n".encode())


def main() -> None:
    match sys.argv[1:]:
        case ["tries"]:
            tries()
        case ["live", folder, runtime]:
            live(Path(folder), Path(runtime))
        case ["left"]:
            open_what_was_left()


if __name__ == "__main__":
    main()
