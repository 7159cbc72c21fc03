import random
from array import array

import pytest

from quartier_hil.bench.gorilla import Gorilla
from quartier_hil.bench.meters import KINDS, series


@pytest.fixture(scope="module")
def gorilla() -> Gorilla:
    return Gorilla()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("jittered", [False, True])
def test_every_kind_comes_back_bit_by_bit(gorilla: Gorilla, kind: str, *, jittered: bool) -> None:
    assert gorilla.prepare(*series(kind, 300, jittered=jittered)).size < 300 * 16


def test_any_bits_and_far_times_come_back(gorilla: Gorilla) -> None:
    source = random.Random(1)
    values = array("d", bytes(8 * 500))
    memoryview(values).cast("B").cast("Q")[:] = memoryview(
        array("Q", [source.getrandbits(64) for _ in range(500)])
    )
    steps = [source.choice([1, 63, 64, -64, 255, 256, 257, 2048, 2049, 10**8]) for _ in range(500)]
    times_ms = array("q", [sum(steps[:index]) for index in range(500)])
    assert gorilla.prepare(times_ms, values).size > 0


def test_a_counted_and_a_still_series_are_as_small_as_the_paper_says(gorilla: Gorilla) -> None:
    times_ms = array("q", range(0, 10_000 * 1000, 10_000))
    still = gorilla.prepare(times_ms, array("d", [5.0] * 1000))
    assert 16 + 4 + 2 * 1000 // 8 == pytest.approx(still.size, abs=6)


def test_a_step_beyond_32_bits_is_refused(gorilla: Gorilla) -> None:
    with pytest.raises(ValueError, match="does not give"):
        gorilla.prepare(array("q", [0, 2**40, 1]), array("d", [0.0] * 3))
