"""The compiled codec and its twin write the same bytes, read the same bits and refuse the same."""

import struct
import zlib
from array import array
from itertools import accumulate
from pathlib import Path
from types import ModuleType
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from quartier_native import series as kernel
from quartier_native.reference import series as twin
from quartier_native.reference.blocks import wrap_signed

INT64 = st.integers(-(2**63), 2**63 - 1)
ANY_BITS = INT64.map(lambda bits: float(struct.unpack("<d", struct.pack("<q", bits))[0]))
SPECIAL = st.sampled_from(
    [0.0, -0.0, float("nan"), float("inf"), float("-inf"), 5e-324, 2.0**51, 2.0**53, 1e308]
)


@st.composite
def meters(draw: st.DrawFn) -> list[float]:
    """Values of one resolution, computed as devices and drivers do, with a few others among them."""
    decimals = draw(st.integers(0, 5))
    wide = draw(st.sampled_from([1, 3, 50, 10**6]))
    numbers = draw(st.lists(st.integers(-wide, wide), max_size=200))
    level = draw(st.integers(-(10**6), 10**6)) * draw(st.sampled_from([0, 1]))
    way = draw(st.sampled_from(["divided", "multiplied", "single", "single multiplied"]))
    values = []
    for number in numbers:
        raw = level + number
        value = raw * float(f"1e-{decimals}") if "multiplied" in way else raw / 10**decimals
        values.append(float(struct.unpack("<f", struct.pack("<f", value))[0]) if "single" in way else value)
    for place in draw(st.lists(st.integers(0, max(len(values) - 1, 0)), max_size=5 if values else 0)):
        values[place : place + draw(st.integers(1, 4))] = [draw(st.one_of(SPECIAL, ANY_BITS))]
    return values


VALUES = st.one_of(
    meters(), st.lists(st.one_of(SPECIAL, st.floats(width=32)), max_size=60), st.lists(ANY_BITS, max_size=60)
)


@st.composite
def samples(draw: st.DrawFn) -> tuple[list[int], list[float]]:
    values = draw(VALUES)
    count = len(values)
    if draw(st.booleans()):
        period_ms = draw(st.integers(-(10**6), 10**6))
        jitter = draw(st.lists(st.integers(-20, 20), min_size=1, max_size=20))
        start_ms = draw(st.integers(-(2**40), 2**41))
        return [start_ms + index * period_ms + jitter[index % len(jitter)] for index in range(count)], values
    return draw(st.lists(INT64, min_size=count, max_size=count)), values


def read(codec: ModuleType, data: bytes) -> object:
    """Bits of the samples, or what was said of the data; any other error is a failure."""
    try:
        times_ms, values = codec.decode_series(data)
    except ValueError as error:
        return str(error)
    return times_ms.typecode, times_ms.tobytes(), values.typecode, values.tobytes()


def sealed(body: bytes) -> bytes:
    return body + zlib.crc32(body).to_bytes(4, "little")


@given(samples())
def test_both_write_the_same_bytes_and_give_back_every_bit(chunk: tuple[list[int], list[float]]) -> None:
    times_ms, values = chunk
    data = twin.encode_series(times_ms, values)
    assert data == kernel.encode_series(times_ms, values)
    wanted = ("q", array("q", times_ms).tobytes(), "d", array("d", values).tobytes())
    assert wanted == read(twin, data) == read(kernel, data)


@given(
    st.lists(st.integers(-(2**26) - 2, 2**26 + 2), min_size=1, max_size=300),
    st.integers(0, 9),
    st.sampled_from([1, 10, 10**4]),
)
def test_decimals_are_divided_to_the_last_bit(numbers: list[int], decimals: int, unit: int) -> None:
    values = [number * unit / 10**decimals for number in numbers]
    times_ms = range(len(values))
    data = kernel.encode_series(times_ms, values)
    assert data == twin.encode_series(times_ms, values)
    assert array("d", values).tobytes() == kernel.decode_series(data)[1].tobytes()


@given(
    st.lists(st.integers(-(2**31), 2**31), min_size=2, max_size=400),
    st.sampled_from([1, 2, 1000, 2**20, 3 * 2**30]),
    st.integers(0, 40),
)
@example([0, 0, 2**28], 2, 0)
@example([0, 0, 2**29], 1, 0)
@example([0, 0, -(2**29)], 1, 0)
def test_columns_near_and_wide_come_back(steps: list[int], unit: int, shift: int) -> None:
    times_ms = [wrap_signed(unit * (number >> shift)) for number in accumulate(steps)]
    values = [float(number >> shift) for number in steps]
    data = twin.encode_series(times_ms, values)
    assert data == kernel.encode_series(times_ms, values)
    wanted = ("q", array("q", times_ms).tobytes(), "d", array("d", values).tobytes())
    assert wanted == read(twin, data) == read(kernel, data)


@given(samples(), st.data())
def test_both_judge_changed_bytes_alike_even_under_a_right_checksum(
    chunk: tuple[list[int], list[float]], data: st.DataObject
) -> None:
    body = bytearray(kernel.encode_series(*chunk)[:-4])
    for place in data.draw(st.lists(st.integers(0, len(body) - 1), max_size=4)):
        body[place] = data.draw(st.integers(0, 255))
    cut = data.draw(st.one_of(st.just(len(body)), st.integers(0, len(body))))
    for broken in (
        bytes(body),
        sealed(bytes(body)),
        sealed(bytes(body[:cut])),
        sealed(bytes(body) + b"\x00"),
    ):
        assert read(twin, broken) == read(kernel, broken)


@given(st.binary(max_size=200))
def test_made_up_bytes_are_read_alike_or_refused(body: bytes) -> None:
    for made_up in (body, sealed(body), sealed(b"Q\x02" + body), sealed(b"Q\x02\x20" + body)):
        assert read(twin, made_up) == read(kernel, made_up)


@given(
    st.lists(st.tuples(st.integers(0, 255), st.binary(max_size=40)), max_size=3),
    st.integers(0, 4),
    st.integers(0, 19),
    st.integers(0, 7),
    st.integers(3, 127),
)
def test_made_up_columns_are_read_alike_or_refused(
    blocks: list[tuple[int, bytes]], form: int, decimals: int, model: int, count: int
) -> None:
    column = bytes([20, 7, model, 3]) + b"".join(bytes([head]) + bits for head, bits in blocks)
    sign = 8 if decimals > 9 else 0
    body = b"Q\x02" + bytes([count, 2, 0, form | sign | decimals % 10 << 4, 0]) + column
    filled = body + bytes(40 + 8 * count)
    for length in (
        len(body),
        len(body) + 1,
        len(body) + count // 8,
        len(body) + 4 * (count + 3 >> 2),
        len(filled),
    ):
        assert read(twin, sealed(filled[:length])) == read(kernel, sealed(filled[:length]))


def test_other_kinds_of_numbers_are_taken_alike() -> None:
    for times_ms, values in (
        ((1, 2), (3, 4)),
        (array("l", [1, 2]), array("f", [0.1, 4])),
        (array("i", [1, 2]), array("h", [3, 4])),
        (range(2), memoryview(array("d", [3.0, 4.0]))),
        (memoryview(array("q", [9, 1, 9, 2]))[1::2], memoryview(array("d", [3.0, 0.0, 4.0, 0.0]))[::2]),
        (bytes(16), bytearray(16)),
    ):
        assert twin.encode_series(times_ms, values) == kernel.encode_series(times_ms, values)


def test_both_refuse_the_same_with_the_same_kind_of_error() -> None:
    def kind(codec: ModuleType, *chunk: Any) -> type[Exception] | None:
        try:
            codec.encode_series(*chunk)
        except (TypeError, ValueError, OverflowError) as error:
            return type(error)
        return None

    chunks: tuple[tuple[Any, Any], ...] = (
        (None, []),
        ([], None),
        ([1.0], [1.0]),
        ([1], [None]),
        ([2**64], [1.0]),
        ([1], []),
        ("ab", [1.0, 2.0]),
        (b"abc", []),
    )
    for chunk in chunks:
        assert kind(twin, *chunk) is kind(kernel, *chunk) is not None


def test_a_house_of_measured_homes_comes_back(shared: Path) -> None:
    homes = sorted((shared / "district" / "citylearn_2022_phase_1").glob("Building_*.csv"))
    assert homes
    for home in homes[:2]:
        head, *rows = home.read_text().splitlines()
        place = head.split(",").index("non_shiftable_load")
        column = [float(row.split(",")[place]) for row in rows[:2000]]
        times_ms = [3_600_000 * hour for hour in range(len(column))]
        data = kernel.encode_series(times_ms, column)
        assert data == twin.encode_series(times_ms, column)
        assert array("d", column).tobytes() == kernel.decode_series(data)[1].tobytes()
