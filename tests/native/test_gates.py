"""The compiled gates and their twin let the same readings pass, to the last bit, and refuse the same."""

import struct
from array import array
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quartier_native import gates as kernel
from quartier_native.reference import gates as twin

ODD_NUMBERS = [0.0, -0.0, float("nan"), float("inf"), -float("inf"), 5e-324, 1e308, 2.0**53, 2.0**60, 0.5]
VALUES = st.one_of(
    st.integers(-3, 3).map(float),
    st.sampled_from(ODD_NUMBERS),
    st.floats(-1e6, 1e6),
    st.integers(-(2**63), 2**63 - 1).map(lambda bits: float(struct.unpack("<d", struct.pack("<q", bits))[0])),
)
TEXTS = st.one_of(
    st.sampled_from(["", "0", "on", "9007199254740993", "9007199254740995", "-3", "é\n\x00\ud800", " 7 "]),
    st.integers(2, 400).map(lambda power: str(10**power)),
    st.text(max_size=5),
)
WIDTHS = st.sampled_from([0.0, 0.0, 0.5, 1.0, 50.0, 5e-324, float("inf")])
SHARES = st.sampled_from([0.0, 0.0, 0.01, 0.5])
PERIODS_NS = st.sampled_from([0, 0, 1, 1000, 10**9, 60 * 10**9, 2**60])
MOMENT_NS = st.one_of(st.integers(-10, 10**11), st.sampled_from([1 - 2**62, 2**62 - 1]))


@st.composite
def routes(draw: st.DrawFn, gate_count: int) -> tuple[list[int], list[int], bytes, list[int]]:
    count = draw(st.integers(0, 12))
    return (
        draw(st.lists(st.integers(0, gate_count - 1), min_size=count, max_size=count)),
        draw(st.lists(st.integers(0, 2**32 - 1), min_size=count, max_size=count)),
        bytes(draw(st.lists(st.integers(0, 3), min_size=count, max_size=count))),
        draw(st.lists(st.integers(0, max(0, count - 1)), min_size=count, max_size=count)),
    )


def bits(passed: twin.Passed | None) -> object:
    if passed is None:
        return None
    points, kinds, values, ends, texts = passed
    codes = points.typecode, kinds.typecode, values.typecode
    return codes, points.tobytes(), kinds.tobytes(), values.tobytes(), ends, texts


@given(st.data())
def test_both_let_the_same_pass_whatever_comes(data: st.DataObject) -> None:
    deadbands = data.draw(st.lists(st.tuples(WIDTHS, SHARES, PERIODS_NS), min_size=1, max_size=5))
    ours, theirs = kernel.Gates(), twin.Gates()
    for deadband in deadbands:
        assert theirs.add(*deadband) == ours.add(*deadband)
    ways = data.draw(st.lists(routes(len(deadbands)), min_size=1, max_size=3))
    pairs = [(kernel.Route(*way), twin.Route(*way)) for way in ways]
    for _ in range(data.draw(st.integers(1, 12))):
        fast, slow = data.draw(st.sampled_from(pairs))
        values = array("d", data.draw(st.lists(VALUES, min_size=len(slow), max_size=len(slow))))
        codes = st.sampled_from([0, 0, 0, 1, 2, 3, 255])
        qualities = bytes(data.draw(st.lists(codes, min_size=len(slow), max_size=len(slow))))
        texts = data.draw(st.dictionaries(st.integers(0, 12), TEXTS, max_size=3))
        taken_ns = data.draw(MOMENT_NS)

        told = theirs.sift(slow, values, qualities, taken_ns, texts)
        assert bits(told) == bits(ours.sift(fast, values, qualities, taken_ns, texts))


class Plain:
    """The rule in the fewest words, for finite numbers; both engines are held to it."""

    def __init__(self, width: float, share: float, period_ns: int) -> None:
        self.width, self.share, self.period_ns = width, share, period_ns
        self.last: tuple[float, int] | None = None
        self.turn_ns = 0

    def passes(self, value: float, quality: int, taken_ns: int) -> bool:
        early_ns = min(self.period_ns // 2, 500_000_000)
        if self.last is not None and self.last[1] == quality:
            step, band = abs(value - self.last[0]), max(self.width, self.share * abs(self.last[0]))
            if quality or step < band or step == 0 or taken_ns < self.turn_ns - early_ns:
                return False
        start_ns = taken_ns if self.last is None else min(max(self.turn_ns, taken_ns), taken_ns + early_ns)
        self.turn_ns, self.last = start_ns + self.period_ns, (value, quality)
        return True


@pytest.mark.parametrize("engine", [kernel, twin])
@given(
    deadband=st.tuples(WIDTHS, SHARES, st.sampled_from([0, 1000, 10**9, 60 * 10**9])),
    readings=st.lists(
        st.tuples(st.integers(-200, 200), st.sampled_from([0, 0, 0, 0, 1, 2]), st.integers(0, 2 * 10**9)),
        max_size=40,
    ),
)
def test_both_keep_the_rule(
    engine: ModuleType, deadband: tuple[float, float, int], readings: list[tuple[int, int, int]]
) -> None:
    gates, plain = engine.Gates(), Plain(*deadband)
    gates.add(*deadband)
    route = engine.Route([0], [7], bytes([twin.FLOAT]), [0])
    taken_ns = 0
    for number, quality, step_ns in readings:
        taken_ns += step_ns
        passed = gates.sift(route, array("d", [float(number)]), bytes([quality]), taken_ns, {})

        wanted = ((7,), (quality << 4,), (number,)) if plain.passes(number, quality, taken_ns) else None
        assert wanted == (passed and tuple(map(tuple, passed[:3])))


@pytest.mark.parametrize("engine", [kernel, twin])
def test_samples_come_group_by_group_in_the_order_of_their_places(engine: ModuleType) -> None:
    gates = engine.Gates()
    for _ in range(5):
        gates.add(0.0, 0.0, 0)
    route = engine.Route(range(5), [10, 11, 12, 13, 14], bytes([0, 1, 2, 3, 1]), [3, 0, 3, 0, 1])
    texts = {1: str(2**60), 3: "é"}

    passed = gates.sift(route, array("d", [0.5, 0, 7, 0, 3.9]), bytes([0, 1, 2, 0, 0]), 5, texts)

    assert (
        array("I", [11, 13, 14, 10, 12]),
        array("B", [twin.BIG | 1 << 4, twin.TEXT, twin.INT, twin.FLOAT, twin.BOOL | 2 << 4]),
        array("d", [0, 0, 3, 0.5, 1]),
        (2, 3, 3, 5),
        [(0, str(2**60)), (1, "é")],
    ) == passed
    assert gates.sift(route, array("d", [0.5, 0, 1, 0, 3.1]), bytes([0, 1, 2, 0, 0]), 6, texts) is None


@pytest.mark.parametrize("engine", [kernel, twin])
def test_what_is_refused_changes_nothing(engine: ModuleType) -> None:
    gates = engine.Gates()
    route = engine.Route([0], [0], b"\x00", [0])
    good = (route, array("d", [1.0]), b"\x00", 0, {})
    with pytest.raises(ValueError, match="a gate that is not there"):
        gates.sift(*good)
    gates.add(0.0, 0.0, 0)
    calls: tuple[tuple[Any, ...], ...] = (
        (route, array("d", [1.0, 2.0]), b"\x00", 0, {}),
        (route, array("d", [1.0]), b"\x00\x00", 0, {}),
        (route, array("q", [1]), b"\x00", 0, {}),
        (route, array("d", [1.0]), b"\x00", 2**62, {}),
        (route, array("d", [1.0]), b"\x00", -(2**62), {}),
        (route, array("d", [1.0]), b"\x00", 2**80, {}),
    )
    for call in calls:
        with pytest.raises(ValueError, match=r"needed|beyond"):
            gates.sift(*call)
    for deadband in ((-1.0, 0.0, 0), (0.0, float("nan"), 0), (0.0, 0.0, -1), (0.0, 0.0, 2**61)):
        with pytest.raises(ValueError, match="negative"):
            gates.add(*deadband)
    assert 1 == len(gates)
    assert gates.sift(*good) is not None


@pytest.mark.parametrize("engine", [kernel, twin])
@pytest.mark.parametrize(
    "way",
    [
        ([0], [0], b"", [0]),
        ([0], [0], b"\x04", [0]),
        ([-1], [0], b"\x00", [0]),
        ([0], [2**32], b"\x00", [0]),
        ([0], [-1], b"\x00", [0]),
        ([0], [0], b"\x00", [1]),
        ([0], [0], b"\x00", [-1]),
    ],
)
def test_a_route_of_something_else_is_refused(engine: ModuleType, way: tuple[Any, ...]) -> None:
    with pytest.raises(ValueError, match=r"needed|unknown|counted|bits"):
        engine.Route(*way)


@pytest.mark.parametrize("engine", [kernel, twin])
def test_a_quality_that_comes_and_goes_does_not_silence_a_point_for_long(engine: ModuleType) -> None:
    gates = engine.Gates()
    gates.add(0.0, 0.0, 60 * 10**9)
    route = engine.Route([0], [0], b"\x00", [0])
    for step in range(1000):
        assert gates.sift(route, array("d", [1.0]), bytes([step % 2]), step * 10**6, {}) is not None

    assert gates.sift(route, array("d", [1.0]), b"\x00", 10**9, {}) is not None
    assert gates.sift(route, array("d", [2.0]), b"\x00", 2 * 10**9, {}) is None
    assert gates.sift(route, array("d", [2.0]), b"\x00", 62 * 10**9, {}) is not None
