from array import array

from hypothesis import given
from hypothesis import strategies as st

from quartier.store.sample_columns import PointNameTable, SampleTimes

RUNS = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 5)), max_size=30)


@given(RUNS, st.integers(-5, 60), st.integers(-5, 60), st.integers(0, 60))
def test_a_column_of_moments_reads_like_an_array_of_times(runs, start, stop, count):
    moments, plain = SampleTimes(), array("q")
    for time_ms, size in runs:
        moments.append(time_ms, size)
        plain.extend([time_ms] * size)

    assert (len(plain), list(plain)) == (len(moments), list(moments))
    assert [plain[at] for at in range(-len(plain), len(plain))] == [
        moments[at] for at in range(-len(plain), len(plain))
    ]
    assert plain[start:stop] == moments[start:stop]
    assert not plain or (min(plain), max(plain)) == moments.span()
    moments.cut(count)
    assert plain[:count] == moments[:]
    moments.extend([7, 7, 9])
    assert [*plain[:count], 7, 7, 9] == list(moments)


def test_the_samples_of_one_moment_take_no_more_room_than_one():
    moments = SampleTimes()
    for time_ms in range(100):
        moments.append(time_ms, 125)

    assert 12_500 == len(moments)
    assert 100 == len(moments._times)


def test_what_is_no_index_is_refused():
    for index in (0, -1, 7):
        try:
            SampleTimes([])[index]
        except IndexError:
            continue
        raise AssertionError(index)


def test_points_are_numbered_in_the_order_in_which_they_come():
    names = PointNameTable()

    assert [0, 1, 2] == [names.add(*point) for point in (("grid", "a_w"), ("pv1", "a_w"), ("grid", "b_w"))]
    assert [("grid", "a_w"), ("pv1", "a_w"), ("grid", "b_w")] == list(names)
    assert (("grid", "b_w"), [("pv1", "a_w")], 3) == (names[2], names[1:2], len(names))
    assert {"a_w": 0, "b_w": 2} == names.numbers("grid")
    assert {} == names.numbers("ev1")


def test_like_metrics_of_many_streams_are_kept_once():
    names = PointNameTable()
    for number in range(3):
        names.add(f"load{number}", f"power_l{number // 9}_w")

    assert 1 == len({id(metric) for _, metric in names})
