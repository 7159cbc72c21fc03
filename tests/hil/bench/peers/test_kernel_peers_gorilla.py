import os
import random
import subprocess
import sys
from array import array

import pytest

from quartier_bench.peers.kernel_peers import GorillaCodec
from quartier_bench.speed.meter_series import SERIES_KINDS, generate_series

CALLS = 50
FAULTS = f"""
from resource import RUSAGE_SELF, getrusage
from quartier_bench.peers.kernel_peers import GorillaCodec
from quartier_bench.speed.meter_series import generate_series
from quartier_native import decode_series, encode_series

times_ms, values = generate_series("power of 1 W", 16_384, jittered=False)
theirs, data = GorillaCodec().prepare(times_ms, values).decode, encode_series(times_ms, values)
for call in (lambda: decode_series(data), theirs):
    call()
    before = getrusage(RUSAGE_SELF).ru_minflt
    for _ in range({CALLS}):
        call()
    print(getrusage(RUSAGE_SELF).ru_minflt - before)
"""


@pytest.fixture(scope="module")
def gorilla() -> GorillaCodec:
    return GorillaCodec()


@pytest.mark.parametrize("kind", SERIES_KINDS)
@pytest.mark.parametrize("jittered", [False, True])
def test_every_kind_comes_back_bit_by_bit(gorilla: GorillaCodec, kind: str, *, jittered: bool) -> None:
    assert gorilla.prepare(*generate_series(kind, 300, jittered=jittered)).size < 300 * 16


def test_any_bits_and_far_times_come_back(gorilla: GorillaCodec) -> None:
    source = random.Random(1)
    values = array("d", bytes(8 * 500))
    memoryview(values).cast("B").cast("Q")[:] = memoryview(
        array("Q", [source.getrandbits(64) for _ in range(500)])
    )
    steps = [source.choice([1, 63, 64, -64, 255, 256, 257, 2048, 2049, 10**8]) for _ in range(500)]
    times_ms = array("q", [sum(steps[:index]) for index in range(500)])
    assert gorilla.prepare(times_ms, values).size > 0


def test_a_counted_and_a_still_series_are_as_small_as_the_paper_says(gorilla: GorillaCodec) -> None:
    times_ms = array("q", range(0, 10_000 * 1000, 10_000))
    still = gorilla.prepare(times_ms, array("d", [5.0] * 1000))
    assert 16 + 4 + 2 * 1000 // 8 == pytest.approx(still.size, abs=6)


def test_a_step_beyond_32_bits_is_refused(gorilla: GorillaCodec) -> None:
    with pytest.raises(ValueError, match="does not give"):
        gorilla.prepare(array("q", [0, 2**40, 1]), array("d", [0.0] * 3))


def test_both_sides_of_the_contest_pay_for_their_memory_alike() -> None:
    """In a process whose malloc maps it anew at each call, pages cost more than decoding does."""
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "MALLOC_MMAP_THRESHOLD_": "4096"}
    told = subprocess.run([sys.executable, "-c", FAULTS], env=env, check=True, capture_output=True, text=True)
    ours, theirs = map(int, told.stdout.split())
    assert theirs == pytest.approx(ours, abs=2 * CALLS)
