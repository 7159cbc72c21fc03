import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quartier.site.samples import LARGE_INTEGER
from quartier.store.chunks import (
    Chunk,
    DamagedBytes,
    pack_tail,
    read_sealed_key,
    split_parts,
    unpack_tail,
    unseal,
)
from quartier.store.sample_columns import SampleTimes
from quartier_drivers.readings import INT, Quality, Reading, Value, make_readings

floats = (
    st.integers(0, 2**64 - 1).map(lambda bits: struct.unpack("<d", struct.pack("<Q", bits))[0]) | st.floats()
)
values = floats | st.integers(-(2**80), 2**80) | st.booleans() | st.text(max_size=20)
rows = st.lists(
    st.tuples(st.integers(0, 5), values, st.sampled_from(list(Quality)), st.integers(-(2**62), 2**62)),
    min_size=1,
    max_size=80,
)
NAMES = [("grid", f"m{number}_w") for number in range(6)]


def chunk_of(found: list[tuple[int, Value, Quality, int]], first: int = 1, stream: str = "grid") -> Chunk:
    chunk = Chunk(stream, 7, first, NAMES)
    for point, value, quality, time_ms in found:
        held = make_readings([Reading("grid.x_w", value, quality, 0)], 0)
        kind = LARGE_INTEGER if held.layout.kinds[0] == INT and held.texts else held.layout.kinds[0]
        chunk.append(point, kind | held.qualities[0] << 4, held.values[0], time_ms, held.texts.get(0, ""))
    return chunk


def read_tail(body: bytes) -> list[Chunk]:
    return unpack_tail(body, {7: NAMES})


def bits(value: Value) -> object:
    """Equal only for values that are the same to the last bit and of the same kind."""
    return (type(value), struct.pack("<d", value) if isinstance(value, float) else value)


@given(rows, st.integers(1, 2**63))
def test_a_sealed_chunk_gives_back_every_sample_to_the_last_bit(
    found: list[tuple[int, Value, Quality, int]], first: int
) -> None:
    chunk = unseal(chunk_of(found, first).seal())

    assert [
        ("grid", 7, first + index, NAMES[point][1], time_ms, bits(value), quality)
        for index, (point, value, quality, time_ms) in enumerate(found)
    ] == [
        (row.stream, row.boot, row.seq, row.metric, row.taken_utc_ms, bits(row.value), row.quality)
        for row in chunk.rows()
    ]


@given(rows, rows, st.data())
def test_a_tail_gives_back_the_new_samples_of_every_chunk(
    left: list[tuple[int, Value, Quality, int]],
    right: list[tuple[int, Value, Quality, int]],
    data: st.DataObject,
) -> None:
    start = data.draw(st.integers(0, len(left) - 1))
    tail = pack_tail([(chunk_of(left), start, len(left)), (chunk_of(right, 100), 0, len(right))])

    assert [(1 + start + index, *_plain(row)) for index, row in enumerate(left[start:])] + [
        (100 + index, *_plain(row)) for index, row in enumerate(right)
    ] == [
        (row.seq, row.metric, bits(row.value), row.quality, row.taken_utc_ms)
        for row in (row for piece in unpack_tail(tail, {7: NAMES}) for row in piece.rows())
    ]


def _plain(row: tuple[int, Value, Quality, int]) -> tuple[object, ...]:
    point, value, quality, time_ms = row
    return NAMES[point][1], bits(value), quality, time_ms


@given(rows, st.data())
def test_a_changed_or_cut_byte_is_seen_and_never_believed(
    found: list[tuple[int, Value, Quality, int]], data: st.DataObject
) -> None:
    chunk = chunk_of(found)
    for body, read in ((chunk.seal(), unseal), (pack_tail([(chunk, 0, len(found))]), read_tail)):
        where = data.draw(st.integers(0, len(body) - 1))
        flipped = body[:where] + bytes([body[where] ^ data.draw(st.integers(1, 255))]) + body[where + 1 :]
        if where != 3:  # one byte of padding
            with pytest.raises(DamagedBytes):
                read(flipped)
        with pytest.raises(DamagedBytes):
            read(body[:where])


@given(st.binary(max_size=200))
def test_bytes_that_are_no_chunk_are_damaged(body: bytes) -> None:
    for read in (unseal, read_tail, read_sealed_key):
        with pytest.raises(DamagedBytes):
            read(body)


def test_a_sealed_chunk_carries_its_own_key() -> None:
    key = read_sealed_key(chunk_of([(0, 1.0, Quality.GOOD, 50), (1, 2.0, Quality.GOOD, 40)], 11).seal())

    assert ("grid", 7, 11, 2, 40, 50) == (
        key.stream,
        key.boot,
        key.first,
        key.count,
        key.from_utc_ms,
        key.to_utc_ms,
    )


def test_regular_meter_series_take_few_bytes() -> None:
    found = [
        (
            number % 4,
            round(230 + (number * 7919 % 40) / 10, 1),
            Quality.GOOD,
            1_700_000_000_000 + number // 4 * 1000,
        )
        for number in range(2048)
    ]

    assert 3 > len(chunk_of(found).seal()) / 2048


def test_a_cut_chunk_forgets_its_texts_too() -> None:
    chunk = chunk_of([(0, "a", Quality.GOOD, 1), (0, "b", Quality.GOOD, 2)])

    chunk.cut(1)

    assert (1, {0: "a"}, ["a"]) == (chunk.last, chunk.texts, [row.value for row in chunk.rows()])


def test_parts_are_split_where_the_codec_takes_no_more() -> None:
    chunk = Chunk("grid", 7, 1, NAMES)
    chunk.times = SampleTimes(range(25))

    assert [[(chunk, 5, 15)], [(chunk, 15, 20), (chunk, 0, 5)], [(chunk, 5, 6)]] == list(
        split_parts([(chunk, 5, 20), (chunk, 0, 6)], 10)
    )
