from dataclasses import replace
from math import ceil, sin

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.effort import examples

from quartier.control.observe.observations import LastGood
from quartier.control.orders import conflicts
from quartier.control.orders.conflicts import PointConflict
from quartier.control.reason import NO_REASON, render_text
from quartier.control.records import Order
from quartier.site.process_image import ProcessImage
from quartier_drivers.readings import Quality, Reading, make_readings

S = 1_000_000_000
POINT = "bat1.setpoint_w"


class Point:
    """One point, read each second; ``order`` is what stands, ``shows`` what the device shows."""

    def __init__(self, order=1_000.0, *, point=POINT, device=conflicts.NO_DEVICE_FACTS):
        self.order, self.written_s, self.t = order, 0, 0
        self.point, self.device, self.shown = point, device, order
        self.found = {}

    def write(self, value):
        self.order, self.written_s = value, self.t
        return self

    def see(self, *values, each_s=1):
        for value in values:
            self.t += each_s
            image = ProcessImage()
            image.put(make_readings([Reading(self.point, value, Quality.GOOD, self.t * S)], self.t * S))
            orders = {self.point: Order(self.order, self.written_s * S, NO_REASON)}
            frozen = image.freeze(self.t * S)
            self.found = conflicts.update_conflicts(
                self.found, frozen, orders, self.t * S, device=self.device
            )
        return self

    @property
    def moves(self):
        return len(self.found[self.point].moves_ns)

    @property
    def why(self):
        return render_text(conflicts.explain_no_raise(self.found, self.point))


def test_a_value_that_agreed_and_moves_without_us_is_counted_and_the_fifth_time_a_conflict():
    p = Point().see(*[1_000, 400] * 4)
    assert (4, "") == (p.moves, p.why)

    assert str(conflicts.CONFLICT_REASON) == p.see(1_000, 400).why


def test_an_hour_without_a_foreign_value_makes_the_next_pause_the_short_one_again():
    p = Point().see(1_000, 400, 1_000)
    moved_s = p.t - 1
    p.found[POINT] = replace(p.found[POINT], pauses=3, offs_ns=(moved_s * S,))
    p.see(1_000, each_s=round(conflicts.CONFLICT_CALM_S) - 2)
    assert (1, 3) == (p.moves, p.found[POINT].pauses)

    p.see(1_000)
    assert (0, 0, ()) == (p.moves, p.found[POINT].pauses, p.found[POINT].offs_ns)


def test_our_own_new_order_is_no_move():
    p = Point().see(1_000)
    for value in (500.0, 2_000.0, -800.0, 40.0):
        p.write(value).see(1_000, value)

    assert 0 == p.moves


def test_a_device_that_does_less_than_ordered_is_no_conflict():
    p = Point().see(1_000).write(5_000).see(*[3_000] * 50)

    assert 0 == p.moves


def test_a_device_that_gets_there_slowly_is_no_conflict():
    assert 0 == Point(5_000).see(0, *range(0, 5_001, 250)).moves


def test_one_who_overwrites_before_we_read_is_found_by_its_moving_away():
    p = Point(1_000).see(*[300] * 8)
    assert 0 == p.moves

    assert str(conflicts.CONFLICT_REASON) == p.see(1_200, 1_400, -100, -300, 1_500, 0).why


def test_one_who_always_writes_just_before_we_read_is_found_though_our_order_changes_each_second():
    p = Point()
    for step in range(12):
        p.write(1_000.0 + 200 * (step % 3)).see(-500.0 - 300 * (step % 4))  # never ours, and not towards it

    assert str(conflicts.CONFLICT_REASON) == p.why


def test_a_device_that_is_late_slow_and_limited_is_no_conflict_however_its_order_changes():
    p, shows, orders = Point(0.0), 0.0, [0.0] * 5
    for step in range(300):
        orders.append(4_000.0 * (-1) ** (step // 7) + 10 * step)
        goal = min(max(orders[-6], -2_500.0), 2_500.0)
        shows += min(max(goal - shows, -600.0), 600.0)
        p.write(orders[-1]).see(round(shows, -1))

    assert 0 == p.moves


def test_one_who_always_writes_the_same_is_not_told_from_a_device_that_does_not_obey():
    p = Point().see(1_000)
    for value in (200.0, 2_000.0, -800.0, 40.0):
        p.write(value).see(*[300] * 10)

    assert (0, "") == (p.moves, p.why)


def test_a_point_that_is_given_back_is_looked_at_anew_when_it_is_ordered_again():
    p = Point().see(1_000, 1_000)
    empty = conflicts.update_conflicts(p.found, ProcessImage().freeze(3 * S), {}, 3 * S)

    assert {} == empty


def test_what_happened_while_nobody_could_read_is_no_move():
    p = Point()
    for _ in range(5):
        p.see(1_000).see(0, each_s=70).see(1_000)

    assert 0 == p.moves


def test_moves_far_apart_are_not_a_conflict():
    p = Point()
    for _ in range(8):
        p.see(1_000, 0).see(*[1_000] * 13, each_s=25)

    assert "" == p.why


def test_it_is_left_alone_for_a_while_and_each_time_longer():
    p = Point().see(*[1_000, 0] * 5)
    pause_s = (p.found[POINT].rests_ns - p.t * S) / S
    p.see(*[0] * 36, each_s=25)
    again = "" == p.why
    p.see(1_000, 0, 1_000, 0)

    assert (900, True, 1_800) == (pause_s, again, (p.found[POINT].rests_ns - p.t * S) / S)


def test_a_point_without_order_and_reading_is_not_kept():
    assert {} == conflicts.update_conflicts({}, ProcessImage().freeze(0), {}, 0)
    assert {} == conflicts.update_conflicts({}, ProcessImage().freeze(0), {POINT: Order(1, 0, NO_REASON)}, 0)


@pytest.mark.long
def test_a_battery_that_another_moves_is_given_back_told_and_tried_again(plant):
    p = plant(base_w=2_000, soc_pct=60)
    p.run(60)
    for n in range(60):
        p.raw["bat1.setpoint_w"] = p.points["bat1.setpoint_w"] if n % 4 else 0.0
        p.step()
    alone = p.view["alarms"]
    assert f"bat1.setpoint_w: no longer ordered, {conflicts.CONFLICT_REASON}" in alone
    assert 0.0 == p.points["bat1.setpoint_w"]

    del p.raw["bat1.setpoint_w"]
    p.run(965)
    assert not any(str(conflicts.CONFLICT_REASON) in alarm for alarm in p.view["alarms"])
    assert p.points["bat1.setpoint_w"] < -1_000


def test_a_reading_taken_before_is_looked_at_once():
    one = PointConflict(read=LastGood(1_000, S), orders=((0, 1_000.0),))
    image = ProcessImage()
    image.put(make_readings([Reading(POINT, 0.0, Quality.GOOD, S)], S))

    assert {POINT: one} == conflicts.update_conflicts(
        {POINT: one}, image.freeze(S), {POINT: Order(1_000, 0, NO_REASON)}, S
    )


# What a device does by itself


@pytest.mark.parametrize("grain_w", [40, 100, 250, 500])
def test_a_device_that_rounds_up_as_its_order_changes_is_no_conflict(grain_w):
    p = Point(0.0)
    for n in range(400):
        order_w = 1_500.0 + 1_400 * sin(n / 9)
        p.write(order_w).see(ceil(order_w / grain_w) * grain_w)

    assert "" == p.why


@pytest.mark.parametrize("limits", [(-2_500, 2_500), (0, 2_000), (500, 5_000)])
def test_a_device_that_clamps_is_no_conflict(limits):
    p, low, high = Point(0.0), *limits
    for n in range(600):
        order_w = 4_000.0 * (-1) ** (n // 25)
        p.write(order_w).see(min(max(order_w, low), high))

    assert "" == p.why


def test_a_device_that_derates_or_is_nearly_full_is_no_conflict():
    assert 1 >= Point(3_000).see(3_000, *range(2_900, 0, -100), *[0] * 60).moves


def test_the_fallback_of_the_device_is_no_conflict():
    device = conflicts.DeviceFacts(fallbacks={POINT: (0.0, 15.0)})
    fighting, falling = Point(), Point(device=device)
    for one in (fighting, falling):
        for _ in range(6):
            one.write(1_000.0).see(*[1_000] * 12, *[0] * 6)

    assert (str(conflicts.CONFLICT_REASON), "", 0) == (fighting.why, falling.why, falling.moves)


def test_the_devices_own_control_acts_only_after_its_timer():
    device = conflicts.DeviceFacts(fallbacks={POINT: (None, 15.0)})
    p = Point(device=device)
    for _ in range(6):
        p.write(1_000.0).see(*[1_000] * 14, 700, 300, 1_300)
    assert "" == p.why

    for _ in range(5):
        p.write(1_000.0).see(1_000, 700)
    assert str(conflicts.CONFLICT_REASON) == p.why


def test_of_a_relay_the_fallback_counts_only_where_its_timer_can_have_acted():
    device = conflicts.DeviceFacts(fallbacks={"pump.relay_on": (1.0, 60.0)})
    p = Point(0.0, point="pump.relay_on", device=device)
    for _ in range(6):
        p.write(0.0).see(0, 0, 1, 1)

    assert str(conflicts.CONFLICT_REASON) == p.why


def test_the_resolution_that_a_device_tells_is_no_move():
    coarse = conflicts.DeviceFacts(steps={POINT: 300.0})
    p = Point(device=coarse)
    for _ in range(8):
        p.see(1_000, 1_290)

    assert 0 == p.moves


@pytest.mark.parametrize("every_s", [1, 3, 5, 7, 11, 13, 20])
@pytest.mark.parametrize("value", [4_000.0, -2_000.0, 0.0, 700.0])
def test_who_writes_every_few_seconds_is_found_within_ten_minutes_and_not_before_the_fifth_time(
    every_s, value
):
    p, found_t, seen = Point(), None, 0
    for t in range(600):
        if t % 20 == 0 or (p.shown != 1_000.0 and t % 5 == 0):
            p.write(1_000.0)
            p.shown = 1_000.0
        if t > 100 and t % every_s == 0:
            seen += p.shown == 1_000.0
            p.shown = value
        p.see(p.shown)
        if found_t is None and p.why:
            found_t = t
            assert seen >= 5

    # Who lowers it right after each of our writes is never seen to move anything: that is told as not obeying.
    assert found_t is not None or (every_s in {1, 5} and 0 <= value < 1_000)


@examples(100)
@given(
    st.lists(st.tuples(st.integers(-5_000, 5_000), st.integers(1, 40)), min_size=1, max_size=20),
    st.integers(0, 5),
    st.sampled_from([10, 50, 100, 200]),
    st.tuples(st.integers(-5_000, 0), st.integers(0, 5_000)),
    st.integers(100, 5_000),
)
def test_no_device_that_is_late_slow_coarse_and_limited_is_ever_a_conflict(
    orders, late_s, grain, limits, slope
):
    p, past, shows = Point(0.0), [0.0] * (late_s + 1), 0.0
    for order, seconds in orders:
        p.write(float(order))
        for _ in range(seconds):
            past.append(float(order))
            goal = min(max(past[-1 - late_s], limits[0]), limits[1])
            shows += min(max(goal - shows, -slope), slope)
            p.see(round(shows / grain) * grain)

    assert "" == p.why


@pytest.mark.parametrize(
    ("point", "ordered", "foreign"), [("d1.relay_on", 0.0, 1.0), ("hp1.sg_ready_state", 2.0, 3.0)]
)
def test_positions_one_step_apart_are_never_the_same(point, ordered, foreign):
    device = conflicts.DeviceFacts(steps={point: 1.0}, fallbacks={point: (foreign, 60.0)})
    p = Point(ordered, point=point, device=device)
    for _ in range(4):
        p.see(ordered, foreign).write(ordered)
    assert (4, "") == (p.moves, p.why)

    assert str(conflicts.CONFLICT_REASON) == p.see(ordered, foreign).why
