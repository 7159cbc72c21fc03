"""The compiled writer and its twin write the same bytes, and both refuse the same."""

from array import array
from types import ModuleType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quartier_native import metrics as kernel
from quartier_native.reference import metrics as twin

BOTH = pytest.mark.parametrize("module", [kernel, twin], ids=["cython", "reference"])
NAMES_COUNT = 6
NUMBERS = st.one_of(
    st.floats(),
    st.sampled_from([0.0, -0.0, 1.0, 2.0**53, 2.0**63, -(2.0**63), 2.0**64, 1e300, float("nan")]),
    st.integers(-(2**53), 2**53).map(float),
)
TEXTS = st.one_of(
    st.text(),
    st.integers(-(2**70), 2**70).map(str),
    st.sampled_from(["", "x" * 8_001, "é" * 9_000, "9" * 400, "9" * 5_000, "\ud800", " 12 ", "1_0"]),
)


@st.composite
def runs(draw: st.DrawFn) -> dict[str, object]:
    count = draw(st.integers(0, 40))
    steps = st.sampled_from([0, 0, 1, 1_000, 10**12, -1])
    times = [draw(st.sampled_from([0, -3, 1_764_000_000_000, 2**62]))]
    for _ in range(count):
        times.append(times[-1] + draw(steps))

    def column(values: st.SearchStrategy[object]) -> list[object]:
        return draw(st.lists(values, min_size=count, max_size=count))

    return {
        "points": array("I", column(st.integers(0, NAMES_COUNT - 1))),
        "kinds": array("B", column(st.one_of(st.integers(0, 4), st.integers(0, 36), st.integers(0, 255)))),
        "values": array("d", column(NUMBERS)),
        "times_ms": array("q", times[:count]),
        "texts": draw(st.dictionaries(st.integers(0, count), TEXTS, max_size=count)),
    }


def written(module: ModuleType, forms: list[int], run: dict[str, object], *limits: object) -> object:
    writer = module.MetricWriter()
    for point, form in enumerate(forms):
        writer.name(point, b"\x0a\x01" + bytes([97 + point]), form)
    return writer.write(*run.values(), *limits)


@given(
    runs(),
    st.lists(st.integers(0, 4), min_size=NAMES_COUNT, max_size=NAMES_COUNT),
    st.integers(0, 1),
    st.integers(1, 40),
    st.one_of(st.integers(0, 600), st.just(65_000)),
    st.integers(0, 5),
)
def test_kernel_and_twin_write_the_same(
    run: dict[str, object],
    forms: list[int],
    historical: int,
    count_max: int,
    bytes_max: int,
    start: int,
) -> None:
    start = min(start, len(run["times_ms"]))
    limits = (start, bool(historical), count_max, bytes_max)
    assert written(twin, forms, run, *limits) == written(kernel, forms, run, *limits)


@given(st.lists(st.integers(0, 8), max_size=20), st.sets(st.integers(0, 8)), st.integers(0, 25))
def test_kernel_and_twin_miss_the_same_point(points: list[int], known: set[int], start: int) -> None:
    found = []
    for module in (twin, kernel):
        writer = module.MetricWriter()
        for point in known:
            writer.name(point, b"", 0)
        found.append(writer.missing(array("I", points), start))
    assert found[0] == found[1]


def run_of(count: int, point: int = 0) -> list[object]:
    return [
        array("I", [point] * count),
        array("B", [0] * count),
        array("d", [1.0] * count),
        array("q", range(count)),
        {},
    ]


@BOTH
@pytest.mark.parametrize("point", [0, 3, 2**32 - 1])
def test_a_point_without_a_name_is_refused(module: ModuleType, point: int) -> None:
    writer = module.MetricWriter()
    writer.name(2, b"\x0a\x01a", 0)
    with pytest.raises(KeyError, match=str(point)):
        writer.write(*run_of(2, point), 0, False, 500, 65_000)


@BOTH
@pytest.mark.parametrize("column", [0, 1, 2, 3])
def test_columns_of_different_length_are_refused(module: ModuleType, column: int) -> None:
    writer = module.MetricWriter()
    writer.name(0, b"\x0a\x01a", 0)
    columns = run_of(3)
    columns[column] = columns[column][:2]
    with pytest.raises(ValueError, match="length"):
        writer.write(*columns, 0, False, 500, 65_000)


@BOTH
@pytest.mark.parametrize("start", [-1, 4])
def test_a_place_outside_the_run_is_refused(module: ModuleType, start: int) -> None:
    with pytest.raises(ValueError, match="place"):
        module.MetricWriter().write(*run_of(3), start, False, 500, 65_000)


@BOTH
@pytest.mark.parametrize(("point", "form"), [(-1, 0), (1 << 20, 0), (0, -1), (0, 5)])
def test_a_number_or_form_that_is_none_is_refused(module: ModuleType, point: int, form: int) -> None:
    with pytest.raises(ValueError, match="in form"):
        module.MetricWriter().name(point, b"", form)
