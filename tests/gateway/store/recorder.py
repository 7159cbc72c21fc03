"""A process that records as fast as it can until it is killed; forks one such per line of its input.

Input: ``<folder> <runtime folder> <number>``.  Output: ``pid N`` once the store is open, ``at boot seq``
after each ``record`` that came back, ``dead`` when the killed process is gone.
"""

import itertools
import os
import sys
from array import array
from pathlib import Path

from quartier.site.records import Now
from quartier.store.deadband import NO_DEADBAND, Deadbands
from quartier.store.history_store import Store
from quartier_drivers.readings import FLOAT, TEXT, Layout, Readings

START_MS = 1_700_000_000_000
EXACT = Deadbands({"w": NO_DEADBAND, "count": NO_DEADBAND})
LAYOUT = Layout(("grid.power_w", "gateway.note_text", "grid.power_l1_w"), bytes([FLOAT, TEXT, FLOAT]))


def value_of(boot: int, seq: int) -> float:
    """What sample ``seq`` of the stream ``grid`` holds."""
    return boot % 1000 + seq / 8


def text_of(boot: int, seq: int) -> str:
    """What sample ``seq`` of the stream ``node`` holds."""
    return f"é{boot}.{seq}"


def main() -> None:
    for line in sys.stdin:
        folder, runtime, number = line.split()
        child = os.fork()
        if not child:
            _record(Path(folder), Path(runtime), int(number))
        os.waitpid(child, 0)
        _say("dead")


def _say(text: str) -> None:
    os.write(1, f"{text}\n".encode())


def _record(folder: Path, runtime: Path, number: int) -> None:
    start_ms = START_MS + number * 60_000
    store = Store(
        folder / "history.db", runtime, commit_s=0.02, chunk_count=40, assets=["grid"], deadbands=EXACT
    )
    boot = store.open(Now(0, start_ms, synced=True))
    _say(f"pid {os.getpid()}")
    for step in itertools.count(1):
        now = Now(step * 1_000_000, start_ms + step, synced=True)
        seq = 2 * step - 1
        values = array("d", [value_of(boot, seq), 0.0, value_of(boot, seq + 1)])
        store.record(Readings(LAYOUT, values, bytes(3), now.ns, {1: text_of(boot, step)}), now)
        _say(f"at {boot} {step}")
        store.tick(now)


if __name__ == "__main__":
    main()
