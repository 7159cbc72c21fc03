"""A long outage, made without its time: 72 hours of samples wait when the broker is there again."""

import asyncio
import random
import sys
import time
from contextlib import suppress
from pathlib import Path

from quartier_hil.stage.child import Child
from quartier_hil.torture import orders
from quartier_hil.torture.held import middle
from quartier_hil.torture.relay import Shape
from quartier_hil.torture.stand import GivenUp, Stand

POINTS, PERIOD_S = 500, 10.0
SAMPLES_72_H = int(72 * 3600 / PERIOD_S) * POINTS
MBIT_BYTES_PER_S = 125_000.0
TIMES_MIN, LIVE_MAX_S, GROWTH_MAX_MB = 20.0, 5.0, 32.0
_LOOK_S, _ANSWER_S = 0.5, 20.0
_FILLING = "from quartier_hil.bench.filling import main; main()"


async def fill(state_dir: Path, samples: int, log: Path) -> int:
    """Have a history of so many samples written, none of them delivered; returns how many there are."""
    argv = [sys.executable, "-c", _FILLING, str(state_dir), str(samples)]
    child = Child(argv, log)
    await child.start(talk=True)
    assert child.process is not None
    output, _ = await child.process.communicate()
    if child.process.returncode:
        raise RuntimeError(f"no history could be filled; see {log}")
    return int(output)


async def caught_up(stand: Stand, dice: random.Random, rounds: int) -> None:
    """Over 1 Mbit/s: all of it, at 20 times the pace it was taken, live data in time, memory as it was.

    Documents come meanwhile, and are answered as soon as ever.
    """
    del rounds
    told, wanted = stand.recorder.told, stand.filled
    stand.wire.shape = Shape(MBIT_BYTES_PER_S)
    asking = asyncio.create_task(orders.asking(stand, dice))
    try:
        await _catch_up(stand, wanted)
    finally:
        asking.cancel()
    with suppress(GivenUp):  # what is not answered is told below
        await stand.until("the last answers", lambda: not told.prompt.owed_count, _ANSWER_S)
    stand.figures |= told.prompt.figures
    if fault := told.prompt.fault:
        raise GivenUp(fault)


async def _catch_up(stand: Stand, wanted: int) -> None:
    told = stand.recorder.told
    base_mb = most_mb = stand.daemon.memory_mb
    began_s, before = time.monotonic(), len(told.live_age_s)
    patience_s = 60.0 + wanted / (TIMES_MIN * POINTS / PERIOD_S)
    while told.late_count < wanted:
        if time.monotonic() - began_s > patience_s:
            raise GivenUp(f"{told.late_count} of {wanted} samples in {patience_s:.0f} s")
        most_mb = max(most_mb, stand.daemon.memory_mb)
        await asyncio.sleep(_LOOK_S)
    took_s = time.monotonic() - began_s
    stand.wire.shape = None
    status = await stand.status()
    oldest_s = max(told.live_age_s[before:], default=0.0)
    figures = {
        "times": wanted / took_s / (POINTS / PERIOD_S),
        "samples_per_s": wanted / took_s,
        "live_age_p50_s": middle(told.live_age_s[before:], 0.5),
        "live_age_p99_s": middle(told.live_age_s[before:], 0.99),
        "live_age_max_s": oldest_s,
        "memory_grown_mb": most_mb - base_mb,
        "history_mb": 0.0 if status is None else status["store"]["size_bytes"] / 1e6,
        "wire_late_s": stand.wire.late_s,
        "wire_bytes_per_sample": stand.wire.carried_bytes / max(1, told.late_count),
    }
    stand.figures |= figures
    if figures["times"] < TIMES_MIN:
        raise GivenUp(f"caught up at {figures['times']:.1f} times the pace, owed {TIMES_MIN:g}")
    if oldest_s > LIVE_MAX_S:
        late_s = stand.wire.late_s
        raise GivenUp(
            f"live data was {oldest_s:.1f} s old during catch-up (this machine held it up {late_s:.1f} s)"
        )
    if figures["memory_grown_mb"] > GROWTH_MAX_MB:
        raise GivenUp(f"memory grew by {figures['memory_grown_mb']:.1f} MB")
    if figures["history_mb"] > stand.size.size_max_mb:
        raise GivenUp(f"the history takes {figures['history_mb']:.0f} MB of {stand.size.size_max_mb}")
