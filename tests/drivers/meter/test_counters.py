"""A counter never shrinks and never leaps, whatever the meter does."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quartier_drivers.meter.counters import CounterCheck
from quartier_drivers.meter.schema import CounterLimits
from quartier_drivers.readings import Quality

S = 1_000_000_000
GOOD, STALE = Quality.GOOD, Quality.STALE


class Bench:
    """A counter read once a second."""

    def __init__(self, **rule):
        self.counter = CounterCheck(
            "grid.energy_import_wh", CounterLimits.model_validate({"rate_max": 36000, **rule})
        )
        self.now_s = 1000.0
        self.codes = []

    def read(self, raw, meter="A", after_s=1.0):
        self.now_s += after_s
        judged = self.counter.judge(raw, meter, int(self.now_s * S))
        if judged.note is not None:
            self.codes.append(judged.note.code)
        return judged.value, judged.quality


def test_a_counter_that_runs_is_told_as_it_stands():
    bench = Bench()

    assert [(5000.0, GOOD), (5000.0, GOOD), (5010.0, GOOD)] == [bench.read(raw) for raw in (5000, 5000, 5010)]
    assert [] == bench.codes


def test_a_zero_blip_is_held_and_forgotten():
    bench = Bench()
    bench.read(5000)
    bench.read(5001)

    assert (5001, STALE) == bench.read(0)
    assert (5002, GOOD) == bench.read(5002)
    assert ["counter.held", "counter.back"] == bench.codes


def test_a_reset_is_held_until_it_is_sure_and_then_counts_on_from_where_it_stood():
    bench = Bench()
    bench.read(5000)
    bench.read(5001)

    held = [bench.read(raw) for raw in range(30)]
    assert {(5001, STALE)} == set(held)
    assert (5001 + 30, GOOD) == bench.read(30)
    assert (5001 + 31, GOOD) == bench.read(31)
    assert ["counter.held", "counter.continued"] == bench.codes


def test_a_swapped_meter_is_seen_by_its_serial_and_costs_no_energy():
    bench = Bench()
    bench.read(5000)
    bench.read(5001)

    assert (5001, STALE) == bench.read(777_000, "B")
    assert (5002, GOOD) == bench.read(777_001, "B")
    assert (5003, GOOD) == bench.read(777_002, "B")
    assert ["counter.held", "counter.continued"] == bench.codes


def test_a_leap_is_held():
    bench = Bench()
    bench.read(5000)
    bench.read(5001)
    bench.read(5002)

    assert (5002, STALE) == bench.read(60_000)
    assert (5003, GOOD) == bench.read(5003)


def test_a_possible_reading_that_the_next_contradicts_is_no_energy():
    bench = Bench()
    for raw in (5000, 5001, 5002):
        bench.read(raw, after_s=10)

    assert (5052, GOOD) == bench.read(5052, after_s=10)  # nothing tells it from a true one, but the next
    held = [bench.read(raw, after_s=10) for raw in range(5003, 5052)]
    assert ({(5052, STALE)}, True) == (set(held), bench.counter.is_held)
    assert [(5052, GOOD), (5053, GOOD)] == [bench.read(raw, after_s=10) for raw in (5052, 5053)]
    assert ["counter.held", "counter.back"] == bench.codes


def test_a_restart_does_not_take_back_what_a_false_reading_told():
    before = Bench()
    for raw in (5000, 5001, 5051, 5002):
        before.read(raw, after_s=10)
    after = Bench()
    after.counter.recall(before.counter.dump_state(), int(after.now_s * S), 60)

    assert [(5051, STALE), (5052, GOOD)] == [after.read(raw, after_s=10) for raw in (5003, 5052)]


def test_a_reset_after_a_step_that_was_seen_once_is_still_a_reset():
    bench = Bench()
    for raw in (5000, 5001, 5002):
        bench.read(raw)
    for raw in range(60):
        value, quality = bench.read(raw)

    assert (5002 + 59, GOOD) == (value, quality)


@given(
    st.lists(st.floats(0, 9), min_size=5, max_size=40),
    st.integers(2, 30),
    st.floats(0.5, 9),
)
def test_one_false_reading_that_was_possible_leaves_nothing_behind(steps, at, extra):
    bench = Bench()
    raw = 5000.0
    for place, step in enumerate(steps):
        raw += step
        bench.read(raw + (extra if place == at else 0), after_s=10)
    for _ in range(20):  # until it has surely reached what was told
        raw += 9
        value, quality = bench.read(raw, after_s=10)

    assert (raw, GOOD) == (pytest.approx(value), quality)


def test_a_roll_over_counts_on():
    bench = Bench(roll_over=1e6)
    bench.read(999_990)

    assert (1_000_002, GOOD) == bench.read(2)
    assert (1_000_005, GOOD) == bench.read(5)
    assert ["counter.rolled_over"] == bench.codes


def test_a_coarse_counter_steps_at_once_what_it_gathered():
    bench = Bench()
    bench.read(5000)
    bench.read(6000, after_s=10)  # the step after that can have gathered since before it was first seen
    for _ in range(200):
        assert (6000, GOOD) == bench.read(6000)

    assert (7000, GOOD) == bench.read(7000)


def test_a_counter_that_stood_for_a_month_does_not_leap_by_a_months_worth():
    bench = Bench()
    bench.read(5000)
    bench.read(5001)
    for _ in range(30):
        bench.read(5001, after_s=86400)

    assert (5001, STALE) == bench.read(1_000_000)


def test_a_false_first_reading_does_not_stay():
    bench = Bench()
    bench.read(900_000)
    for raw in range(40):
        value, quality = bench.read(5000 + raw)

    assert (5039, GOOD) == (value, quality)


def test_a_blip_so_long_that_it_was_believed_is_no_energy_when_it_ends():
    bench = Bench()
    bench.read(5000)
    bench.read(5001)
    for _ in range(600):
        bench.read(0)

    assert (5001, GOOD) == bench.read(0)
    assert (5002, GOOD) == bench.read(5002)
    assert (5003, GOOD) == bench.read(5003)


def test_a_counter_that_was_reset_may_pass_where_it_stood():
    bench = Bench()
    bench.read(5000)
    bench.read(5001)
    for raw in range(0, 6000, 5):
        value, quality = bench.read(raw)

    assert (5001 + 5995, GOOD) == (value, quality)


def test_noise_that_never_agrees_with_itself_is_never_believed():
    bench = Bench()
    bench.read(5000)
    bench.read(5001)
    for raw in (0, 77, 3, 4999, 10, 0, 900_000) * 20:
        assert (5001, STALE) == bench.read(raw)

    assert ["counter.held"] == bench.codes, "said once"


def test_what_was_kept_goes_on_after_a_restart():
    bench = Bench()
    bench.read(5000, "A")
    bench.read(5001, "A")
    for raw in range(3):
        bench.read(raw, "B")
    kept = dict(bench.counter.dump_state())

    after = Bench()
    after.counter.recall(kept, int(after.now_s * S), 7200)
    assert (5001 + 2 + 50_000, GOOD) == after.read(50_002, "B")
    assert {"shift": 5001.0, "raw": 2, "meter": "B"} == kept


def test_a_meter_that_was_swapped_while_nobody_looked_is_seen():
    before = Bench()
    before.read(5000, "A")
    after = Bench()
    after.counter.recall(before.counter.dump_state(), int(after.now_s * S), 86400)

    assert (5000, STALE) == after.read(12, "B")
    assert (5001, GOOD) == after.read(13, "B")


def test_nonsense_is_not_recalled():
    with pytest.raises((KeyError, TypeError, ValueError)):
        Bench().counter.recall({"shift": "x"}, 0, 0)


@given(st.lists(st.tuples(st.floats(0, 1e9), st.sampled_from("AB"), st.floats(0.1, 3600)), max_size=60))
def test_a_good_value_never_shrinks_and_never_runs_faster_than_it_can(readings):
    bench = Bench()
    first = bench.read(1e5)
    bench.read(1e5)
    last, last_s = first[0], bench.now_s
    for raw, meter, after_s in readings:
        value, quality = bench.read(raw, meter, after_s)
        assert value >= last - 1e-3
        if quality is GOOD:
            assert value - last <= 36000 * (bench.now_s - last_s) / 3600 + 36000 + 1e-3
            last, last_s = value, bench.now_s
