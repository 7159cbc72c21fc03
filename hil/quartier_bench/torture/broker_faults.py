"""Faults of the broker and of the way to it: killed with its queue, away, cut, half open, slow, and 72
hours of samples to deliver.
"""

import asyncio
import random
import sys
import time
from contextlib import suppress
from functools import partial
from pathlib import Path

from quartier_bench.torture import document_faults
from quartier_bench.torture.broker_connection import LinkShape
from quartier_bench.torture.sample_audit import compute_quantile
from quartier_bench.torture.testbed import FaultBench, StateNotReached
from quartier_hil.processes.child_process import ChildProcess

_SETTLE_S = 15.0


async def kill_broker(stand: FaultBench, dice: random.Random, rounds: int) -> None:
    """Kill the broker with messages that it confirmed but did not deliver; events are among them."""
    for _ in range(rounds):
        stand.recorder.stop()
        stand.meters[-1].silent = True  # which is an event
        await stand.pass_s(dice.uniform(40.0, 60.0))
        births = stand.recorder.told.session.births_count
        await stand.kill_broker()
        stand.meters[-1].silent = False
        await stand.broker.start()
        stand.recorder.start()
        await stand.wait_for_birth(since=births)
        await stand.pass_s(_SETTLE_S)


async def stop_district(stand: FaultBench, dice: random.Random, rounds: int) -> None:
    """Take the district away, not broker and gateway: messages are confirmed but not received."""
    for _ in range(rounds):
        stand.recorder.stop()
        stand.meters[-1].silent = True
        await stand.pass_s(dice.uniform(40.0, 60.0))
        stand.meters[-1].silent = False
        stand.recorder.start()
        await stand.pass_s(_SETTLE_S)


async def stop_broker(stand: FaultBench, dice: random.Random, rounds: int) -> None:
    """Stop the broker for ``rounds`` times ten minutes of plant time."""
    await stand.kill_broker()
    await stand.pass_s(600.0 * rounds + dice.uniform(0.0, 20.0))
    before = len(stand.recorder.told.live_age_s)
    await stand.broker.start()
    await stand.until("live samples come again", lambda: len(stand.recorder.told.live_age_s) > before)


async def cut_connections(stand: FaultBench, dice: random.Random, rounds: int) -> None:
    """The connection is cut a moment after it came, so many times."""
    for _ in range(rounds):
        count = stand.wire.connections_count
        stand.wire.cut()
        await stand.until("the gateway calls again", partial(_has_called, stand, count), 120.0)
        await stand.pass_s(dice.expovariate(1 / 6.0))
    stand.figures["connections"] = stand.wire.connections_count


async def drop_data(stand: FaultBench, dice: random.Random, rounds: int) -> None:
    """All that is sent is gone without a sign; then the other side is seen to be gone.

    More than one round: the gateway has to find out by itself, by its keep-alive, in real time.
    """
    for number in range(rounds):
        count = stand.wire.connections_count
        stand.wire.drops_data = True
        await stand.pass_s(dice.uniform(20.0, 60.0))
        if number:
            await stand.until(
                "the gateway gives a dead link up",
                partial(_has_called, stand, count),
                120.0,
            )
        stand.wire.drops_data = False
        stand.wire.cut()
        await stand.pass_s(_SETTLE_S)
    stand.figures["swallowed"] = rounds


async def slow_down_link(stand: FaultBench, dice: random.Random, rounds: int) -> None:
    """1 kB/s, one segment of ten lost, after a minute without: live goes first, and the backlog shrinks."""
    stand.wire.shape = LinkShape(1_000.0, 0.1)
    messages = stand.recorder.told
    first = len(messages.live_age_s)
    for _ in range(rounds):
        await stand.wire.stop()
        await stand.pass_s(dice.uniform(50.0, 70.0))
        before, late = len(messages.live_age_s), messages.late_count
        await stand.wire.start()
        await stand.until("live samples come over the slow link", partial(_is_live, stand, before), 180.0)
        if messages.late_count > late:
            raise StateNotReached(f"{messages.late_count - late} late samples came before the first live one")
        await stand.until(
            "the backlog is gone, though the link is slow", partial(_is_caught_up, stand), 180.0
        )
    stand.figures["live_age_p50_s"] = compute_quantile(messages.live_age_s[first:], 0.5)
    stand.figures["live_age_max_s"] = max(messages.live_age_s[first:])
    stand.wire.shape = None


async def _is_caught_up(stand: FaultBench) -> bool:
    status = await stand.status()
    return status is not None and status["district"]["data_on"] and not status["district"]["catching_up"]


def _has_called(stand: FaultBench, before: int) -> bool:
    return stand.wire.connections_count > before


def _is_live(stand: FaultBench, before: int) -> bool:
    return len(stand.recorder.told.live_age_s) > before


def _is_late(stand: FaultBench, before: int) -> bool:
    return stand.recorder.told.late_count > before


OUTAGE_POINTS, OUTAGE_PERIOD_S = 500, 10.0
SAMPLES_72_H = int(72 * 3600 / OUTAGE_PERIOD_S) * OUTAGE_POINTS
MBIT_BYTES_PER_S = 125_000.0
CATCH_UP_FACTOR_MIN, LIVE_AGE_MAX_S, GROWTH_MAX_MB = 20.0, 5.0, 32.0
_POLL_S, _ANSWER_TIMEOUT_S = 0.5, 20.0
_FILL_PROGRAM = "from quartier_bench.speed.history_speed import run_fill; run_fill()"


async def fill_in_process(state_dir: Path, samples: int, log: Path) -> int:
    """Have a history of so many samples written, none of them delivered; returns how many there are."""
    argv = [sys.executable, "-c", _FILL_PROGRAM, str(state_dir), str(samples)]
    child = ChildProcess(argv, log)
    await child.start(with_pipes=True)
    assert child.process is not None
    output, _ = await child.process.communicate()
    if child.process.returncode:
        raise RuntimeError(f"no history could be filled; see {log}")
    return int(output)


async def catch_up(stand: FaultBench, dice: random.Random, rounds: int) -> None:
    """Over 1 Mbit/s: all of it, at 20 times the pace it was taken, live data in time, memory as it was.

    Documents come meanwhile, and are answered as soon as ever.
    """
    del rounds
    messages, wanted = stand.recorder.told, stand.filled
    stand.wire.shape = LinkShape(MBIT_BYTES_PER_S)
    asking = asyncio.create_task(document_faults.send_documents_forever(stand, dice))
    try:
        await _wait_for_backlog(stand, wanted)
    finally:
        asking.cancel()
    with suppress(StateNotReached):  # what is not answered is told below
        await stand.until("the last answers", lambda: not messages.prompt.waiting_count, _ANSWER_TIMEOUT_S)
    stand.figures |= messages.prompt.figures
    if fault := messages.prompt.fault:
        raise StateNotReached(fault)


async def _wait_for_backlog(stand: FaultBench, wanted: int) -> None:
    messages = stand.recorder.told
    base_mb = most_mb = stand.daemon.memory_mb
    began_s, before = time.monotonic(), len(messages.live_age_s)
    patience_s = 60.0 + wanted / (CATCH_UP_FACTOR_MIN * OUTAGE_POINTS / OUTAGE_PERIOD_S)
    while messages.late_count < wanted:
        if time.monotonic() - began_s > patience_s:
            raise StateNotReached(f"{messages.late_count} of {wanted} samples in {patience_s:.0f} s")
        most_mb = max(most_mb, stand.daemon.memory_mb)
        await asyncio.sleep(_POLL_S)
    took_s = time.monotonic() - began_s
    stand.wire.shape = None
    status = await stand.status()
    oldest_s = max(messages.live_age_s[before:], default=0.0)
    figures = {
        "times": wanted / took_s / (OUTAGE_POINTS / OUTAGE_PERIOD_S),
        "samples_per_s": wanted / took_s,
        "live_age_p50_s": compute_quantile(messages.live_age_s[before:], 0.5),
        "live_age_p99_s": compute_quantile(messages.live_age_s[before:], 0.99),
        "live_age_max_s": oldest_s,
        "memory_grown_mb": most_mb - base_mb,
        "history_mb": 0.0 if status is None else status["store"]["size_bytes"] / 1e6,
        "wire_late_s": stand.wire.late_s,
        "wire_bytes_per_sample": stand.wire.forwarded_bytes / max(1, messages.late_count),
    }
    stand.figures |= figures
    if figures["times"] < CATCH_UP_FACTOR_MIN:
        raise StateNotReached(
            f"caught up at {figures['times']:.1f} times the pace, owed {CATCH_UP_FACTOR_MIN:g}"
        )
    if oldest_s > LIVE_AGE_MAX_S:
        late_s = stand.wire.late_s
        raise StateNotReached(
            f"live data was {oldest_s:.1f} s old during catch-up (this machine held it up {late_s:.1f} s)"
        )
    if figures["memory_grown_mb"] > GROWTH_MAX_MB:
        raise StateNotReached(f"memory grew by {figures['memory_grown_mb']:.1f} MB")
    if figures["history_mb"] > stand.size.size_max_mb:
        raise StateNotReached(f"the history takes {figures['history_mb']:.0f} MB of {stand.size.size_max_mb}")
