"""The specification itself, byte for byte from the field numbers; protobuf's word is asked in the gateway's
tests.
"""

from array import array

import pytest

from quartier_native.reference.metrics import ANY, BOOLEAN, REAL, STRING, WHOLE, MetricWriter

NAME = b"\x0a\x01p"
BAD = bytes.fromhex("4a0f0a07") + b"Quality" + bytes.fromhex("1204 0803 1800")
STALE = bytes.fromhex("4a100a07") + b"Quality" + bytes.fromhex("1205 0803 18f403")
FLOAT, INT, BOOL, TEXT, BIG = range(5)


def told(form: int, kind: int, value: float = 0.0, text: str = "", time_ms: int = 5) -> bytes:
    writer = MetricWriter()
    writer.name(0, NAME, form)
    columns = array("I", [0]), array("B", [kind]), array("d", [value]), array("q", [time_ms])
    metric, count = writer.write(*columns, {0: text}, 0, False, 1, 65_000)
    assert (1, len(metric) - 2) == (count, metric[1])
    return metric[2:].removeprefix(NAME)


@pytest.mark.parametrize(
    ("form", "kind", "value", "text", "expected"),
    [
        (REAL, FLOAT, 1.5, "", "1805 69 000000000000f83f"),
        (REAL, INT, 3.0, "", "1805 69 0000000000000840"),
        (REAL, BOOL, 1.0, "", "1805 69 000000000000f03f"),
        (REAL, BIG, 0.0, str(2**60), "1805 69 000000000000b043"),
        (WHOLE, FLOAT, 300.9, "", "1805 58 ac02"),
        (WHOLE, INT, -1.0, "", "1805 58 ffffffffffffffffff01"),
        (WHOLE, BIG, 0.0, str(2**64 - 1), "1805 58 ffffffffffffffffff01"),
        (BOOLEAN, FLOAT, 0.5, "", "1805 7001"),
        (BOOLEAN, INT, 0.0, "", "1805 7000"),
        (STRING, TEXT, 0.0, "é", "1805 7a02c3a9"),
        (STRING, FLOAT, 1.5, "", "1805 7a03312e35"),
        (STRING, BOOL, 0.0, "", "1805 7a0546616c7365"),
        (ANY, FLOAT, 1.5, "", "1805 69 000000000000f83f"),
        (ANY, TEXT, 0.0, "a", "1805 7a0161"),
    ],
)
def test_a_value_goes_in_the_form_that_it_was_born_with(
    form: int, kind: int, value: float, text: str, expected: str
) -> None:
    assert bytes.fromhex(expected) == told(form, kind, value, text)


@pytest.mark.parametrize(
    ("form", "kind", "value", "text"),
    [
        (REAL, FLOAT, float("nan"), ""),
        (WHOLE, FLOAT, float("inf"), ""),
        (BOOLEAN, FLOAT, float("nan"), ""),
        (REAL, TEXT, 0.0, "1"),
        (REAL, BIG, 0.0, "9" * 400),
        (WHOLE, BIG, 0.0, "x"),
        (STRING, INT, float("nan"), ""),
        (ANY, 9, 1.0, ""),
    ],
)
def test_what_does_not_fit_is_null_and_bad(form: int, kind: int, value: float, text: str) -> None:
    assert b"\x18\x05\x38\x01" + BAD == told(form, kind, value, text)


@pytest.mark.parametrize(("code", "expected"), [(0, b""), (1, BAD), (2, STALE), (3, BAD)])
def test_quality_is_said_whenever_it_is_not_good(code: int, expected: bytes) -> None:
    assert b"\x18\x05" + expected + b"\x70\x01" == told(BOOLEAN, BOOL | code << 4, 1.0)


def test_a_time_before_1970_is_zero() -> None:
    assert b"\x18\x00\x70\x01" == told(BOOLEAN, BOOL, 1.0, time_ms=-7)


def writer_of(count: int) -> tuple[MetricWriter, list["array[int] | array[float]"]]:
    writer = MetricWriter()
    writer.name(0, NAME, ANY)
    return writer, [array("I", [0] * count), array("B", [2] * count), array("d", [1.0] * count)]


@pytest.mark.parametrize(
    ("times", "start", "count_max", "bytes_max", "expected"),
    [
        ([1, 2, 3], 0, 500, 65_000, 3),
        ([1, 2, 3], 1, 500, 65_000, 2),
        ([1, 2, 3], 3, 500, 65_000, 0),
        ([1, 1, 0], 0, 500, 65_000, 2),
        ([1, 2, 3], 0, 2, 65_000, 2),
        ([1, 2, 3], 0, 500, 22, 2),
        ([1, 2, 3], 0, 500, 21, 1),
        ([1, 2, 3], 0, 500, 0, 1),
    ],
)
def test_a_message_ends_at_its_count_at_its_size_and_where_time_goes_back(
    times: list[int], start: int, count_max: int, bytes_max: int, expected: int
) -> None:
    writer, columns = writer_of(3)
    metrics, count = writer.write(*columns, array("q", times), {}, start, True, count_max, bytes_max)
    assert (expected, 11 * expected) == (count, len(metrics))
