"""What the codec promises, on the specification and on the engine in use alike."""

import struct
from array import array
from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Any

import pytest

import quartier_native
from quartier_native.reference import series

START_MS = 1_764_075_600_000
EXACT_MS = range(START_MS, START_MS + 512 * 10_000, 10_000)


@pytest.fixture(params=[series, quartier_native], ids=["reference", "engine"])
def codec(request: pytest.FixtureRequest) -> ModuleType:
    chosen: ModuleType = request.param
    return chosen


def noise(count: int, seed: int = 1) -> list[int]:
    """Whole numbers around 0, about 20 either way, the same on every machine (MINSTD, sum of four)."""
    numbers = []
    for _ in range(count):
        total = 0
        for _ in range(4):
            seed = seed * 48_271 % 0x7FFFFFFF
            total += seed % 21
        numbers.append(total - 40)
    return numbers


def same(times_ms: Sequence[int], values: Sequence[float], found: tuple[Any, Any]) -> bool:
    """Whether ``found`` is the samples, bit by bit."""
    return (array("q", times_ms), array("d", values).tobytes()) == (found[0], found[1].tobytes())


def single(value: float) -> float:
    return float(struct.unpack("<f", struct.pack("<f", value))[0])


def quiet_nan(payload: int) -> float:
    return float(struct.unpack("<d", struct.pack("<Q", 0x7FF8 << 48 | payload))[0])


SHAPES: dict[str, Callable[[int], float]] = {
    "volts of one decimal": lambda number: (2300 + number) / 10,
    "raw times a scale": lambda number: (2300 + number) * 0.1,
    "float registers": lambda number: single((2300 + number) / 10),
    "watts": lambda number: float(-1500 - number),
    "sixteenths": lambda number: number / 16,
    "thirds": lambda number: number / 3,
    "thirds in float registers": lambda number: single(number / 3),
    "zeros and minus zeros": lambda number: 0.0 if number % 3 else -0.0,
    "at night": lambda number: -0.0 if number < 15 else -float(number),
    "not there": lambda number: quiet_nan(number % 2) if number > 0 else number / 100,
    "only not there": lambda _: quiet_nan(0),
    "infinities": lambda number: float("inf") if number > 20 else float("-inf") if number < -20 else 1.5,
    "denormals": lambda number: number * 5e-324,
    "huge": lambda number: number * 1e300,
}


@pytest.mark.parametrize("shape", SHAPES)
def test_every_bit_comes_back(codec: ModuleType, shape: str) -> None:
    for count in [0, 1, 2, 3, 16, 17, 129, 512]:
        values = [SHAPES[shape](number) for number in noise(count)]
        times_ms = EXACT_MS[:count]
        assert same(times_ms, values, codec.decode_series(codec.encode_series(times_ms, values))), count


@pytest.mark.parametrize(
    "times_ms",
    [
        [-(2**63), 2**63 - 1, 0, -1, 2**63 - 1, -(2**63)],
        [2**62 * (index % 4 - 2) for index in range(100)],
        [-(2**63) * (index % 2) for index in range(100)],
        [7] * 100,
        list(range(1000, 0, -7)),
        noise(300),
    ],
)
def test_times_may_be_any_integers_in_any_order(codec: ModuleType, times_ms: list[int]) -> None:
    values = [0.5] * len(times_ms)
    assert same(times_ms, values, codec.decode_series(codec.encode_series(times_ms, values)))


BITS_PER_SAMPLE = {
    "volts of one decimal": 8,
    "raw times a scale": 8,
    "float registers": 8,
    "watts": 8,
    "sixteenths": 8,
    "only not there": 0.6,
}


@pytest.mark.parametrize("shape", BITS_PER_SAMPLE)
def test_a_meters_values_cost_little_more_than_their_noise(codec: ModuleType, shape: str) -> None:
    """Noise of this width holds 5.6 bits; a Gorilla spends 50 on most of these."""
    data = codec.encode_series(EXACT_MS, [SHAPES[shape](number) for number in noise(512)])
    assert len(data) * 8 / 512 <= BITS_PER_SAMPLE[shape]


def test_exact_times_cost_nothing_and_jitter_costs_itself(codec: ModuleType) -> None:
    flat = [1.0] * 512
    jittered = [time_ms + number for time_ms, number in zip(EXACT_MS, noise(512), strict=True)]
    assert len(codec.encode_series(EXACT_MS, flat)) <= 32
    assert len(codec.encode_series(jittered, flat)) <= 512 * 7 / 8 + 32


def test_a_counter_in_tens_costs_no_zeros(codec: ModuleType) -> None:
    steps = [number % 3 for number in noise(512)]
    tens = [float(sum(steps[:index]) * 10) for index in range(512)]
    ones = [value / 10 for value in tens]
    assert abs(len(codec.encode_series(EXACT_MS, tens)) - len(codec.encode_series(EXACT_MS, ones))) <= 4


def test_one_odd_value_does_not_spoil_a_chunk(codec: ModuleType) -> None:
    values = [SHAPES["volts of one decimal"](number) for number in noise(512)]
    before = len(codec.encode_series(EXACT_MS, values))
    values[300] = 1 / 3
    assert len(codec.encode_series(EXACT_MS, values)) - before <= 16


def test_signalling_nans_come_back_too(codec: ModuleType) -> None:
    values = array("d", [1.0] * 40)
    memoryview(values).cast("B").cast("Q")[7] = 0x7FF0_0000_0000_0001
    memoryview(values).cast("B").cast("Q")[8] = 0xFFFF_FFFF_FFFF_FFFF
    assert same(EXACT_MS[:40], values, codec.decode_series(codec.encode_series(EXACT_MS[:40], values)))


@pytest.mark.parametrize(
    ("error", "times_ms", "values"),
    [
        (ValueError, [1], []),
        (ValueError, [0] * 65_537, [0.0] * 65_537),
        (TypeError, [1.5], [0.0]),
        (TypeError, [1], ["x"]),
        (OverflowError, [2**63], [0.0]),
    ],
)
def test_what_is_no_series_is_refused(
    codec: ModuleType, error: type[Exception], times_ms: list[Any], values: list[Any]
) -> None:
    with pytest.raises(error):
        codec.encode_series(times_ms, values)


def test_the_largest_chunk_comes_back(codec: ModuleType) -> None:
    values = [number / 10 for number in noise(65_536)]
    times_ms = range(START_MS, START_MS + 65_536)
    assert same(times_ms, values, codec.decode_series(codec.encode_series(times_ms, values)))


def test_any_flipped_bit_and_any_cut_is_found(codec: ModuleType) -> None:
    data = codec.encode_series(EXACT_MS[:60], [number / 10 for number in noise(60)])
    broken = [data[:length] for length in range(len(data))]
    broken += [data + b"\x00", data[::-1], b"", bytes(4096)]
    for bit in range(8 * len(data)):
        flipped = bytearray(data)
        flipped[bit // 8] ^= 1 << bit % 8
        broken.append(bytes(flipped))
    for bytes_ in broken:
        with pytest.raises(ValueError, match="series"):
            codec.decode_series(bytes_)


KEPT = "51020880e2cbb1d766e807000218010201000000000000f87ff9230101008520030100260316000167f048780400c4fe7d"


def test_what_is_kept_today_is_read_for_ever(codec: ModuleType) -> None:
    """Bytes of version 2, whose meaning may not change: they lie in the histories of houses."""
    kept = bytes.fromhex(KEPT)
    times_ms = [START_MS + 1000 * index for index in range(8)]
    values = [230.1, 230.2, float("nan"), 229.9, -0.0, 230.1, 230.1, 231.4]
    assert same(times_ms, values, codec.decode_series(kept))
    assert kept == codec.encode_series(times_ms, values)


def test_arrays_come_back_and_anything_like_bytes_is_read(codec: ModuleType) -> None:
    data = codec.encode_series(array("q", [1, 2]), array("d", [3.0, 4.0]))
    for form in (data, bytearray(data), memoryview(data)):
        times_ms, values = codec.decode_series(form)
        assert (array("q", [1, 2]), array("d", [3.0, 4.0])) == (times_ms, values)
