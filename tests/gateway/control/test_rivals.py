import pytest

from quartier.control import rivals
from quartier.control.orders import Order
from quartier.control.rivals import Rival
from quartier.control.sight import Memory
from quartier.house.image import Image
from quartier_drivers.contract import Quality, Reading, columns

S = 1_000_000_000
POINT = "bat1.setpoint_w"


class Point:
    """One point, read each second; ``order`` is what stands, ``shows`` what the device shows."""

    def __init__(self, order=1_000.0):
        self.order, self.written_s, self.t = order, 0, 0
        self.found = {}

    def write(self, value):
        self.order, self.written_s = value, self.t
        return self

    def see(self, *values, each_s=1):
        for value in values:
            self.t += each_s
            image = Image()
            image.put(columns([Reading(POINT, value, Quality.GOOD, self.t * S)], self.t * S))
            orders = {POINT: Order(self.order, self.written_s * S, "")}
            self.found = rivals.watched(self.found, image.freeze(self.t * S), orders, self.t * S)
        return self

    @property
    def moves(self):
        return len(self.found[POINT].moves_ns)

    @property
    def why(self):
        return rivals.why_not(self.found, POINT)


def test_a_value_that_agreed_and_moves_without_us_is_counted_and_the_third_time_left_alone():
    p = Point().see(1_000, 400, 1_000, 400)
    assert (2, "") == (p.moves, p.why)

    assert rivals.WHY == p.see(1_000, 400).why


def test_our_own_new_order_is_no_move():
    p = Point().see(1_000)
    for value in (500.0, 2_000.0, -800.0, 40.0):
        p.write(value).see(1_000, value)

    assert 0 == p.moves


def test_a_device_that_does_less_than_ordered_is_no_rival():
    p = Point().see(1_000).write(5_000).see(*[3_000] * 50)

    assert 0 == p.moves


def test_a_device_that_gets_there_slowly_is_no_rival():
    assert 0 == Point(5_000).see(0, *range(0, 5_001, 250)).moves


def test_one_who_overwrites_before_we_read_is_found_by_its_moving_away():
    p = Point(1_000).see(*[300] * 8)
    assert 0 == p.moves

    assert rivals.WHY == p.see(200, 100, 900, 0).why


def test_one_who_always_writes_just_before_we_read_is_found_though_our_order_changes_each_second():
    p = Point()
    for step in range(12):
        p.write(1_000.0 + 200 * (step % 3)).see(-500.0 - 300 * (step % 4))  # never ours, and not towards it

    assert rivals.WHY == p.why


def test_a_device_that_is_late_slow_and_limited_is_no_rival_however_its_order_changes():
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
    empty = rivals.watched(p.found, Image().freeze(3 * S), {}, 3 * S)

    assert {} == empty


def test_what_happened_while_nobody_could_read_is_no_move():
    p = Point()
    for _ in range(5):
        p.see(1_000).see(0, each_s=70).see(1_000)

    assert 0 == p.moves


def test_moves_far_apart_are_not_a_rival():
    p = Point()
    for _ in range(8):
        p.see(1_000, 0).see(*[1_000] * 13, each_s=25)

    assert "" == p.why


def test_it_is_left_alone_for_a_while_and_each_time_longer():
    p = Point().see(1_000, 0, 1_000, 0, 1_000, 0)
    pause_s = (p.found[POINT].rests_ns - p.t * S) / S
    p.see(*[0] * 36, each_s=25)
    again = "" == p.why
    p.see(1_000, 0, 1_000, 0)

    assert (900, True, 1_800) == (pause_s, again, (p.found[POINT].rests_ns - p.t * S) / S)


def test_a_point_without_order_and_reading_is_not_kept():
    assert {} == rivals.watched({}, Image().freeze(0), {}, 0)
    assert {} == rivals.watched({}, Image().freeze(0), {POINT: Order(1, 0, "")}, 0)


@pytest.mark.long
def test_a_battery_that_another_moves_is_given_back_told_and_tried_again(plant):
    p = plant(base_w=2_000, soc_pct=60)
    p.run(60)
    for n in range(40):
        p.raw["bat1.setpoint_w"] = p.points["bat1.setpoint_w"] if n % 4 else 0.0
        p.step()
    alone = p.view["alarms"]
    assert f"bat1.setpoint_w: given back, {rivals.WHY}" in alone
    assert 0.0 == p.points["bat1.setpoint_w"]

    del p.raw["bat1.setpoint_w"]
    p.run(905)
    assert not any(rivals.WHY in text for text in p.view["alarms"])
    assert p.points["bat1.setpoint_w"] < -1_000


def test_a_load_that_another_switches_is_written_no_more_and_used_for_no_cap(plant):
    p = plant(base_w=500, soc_pct=10, loads_w={"pump": 2_000})
    p.run(60)
    for n in range(60):
        p.raw["pump.relay_on"] = float(n % 8 < 5)
        p.step()
    since = p.t
    p.cap(import_max_w=1_000).run(60)

    assert f"pump.relay_on: given back, {rivals.WHY}" in p.view["alarms"]
    assert [] == p.written("pump.relay_on", since)


def test_a_reading_taken_before_is_looked_at_once():
    one = Rival(read=Memory(1_000, S), told=((0, 1_000.0),))
    image = Image()
    image.put(columns([Reading(POINT, 0.0, Quality.GOOD, S)], S))

    assert {POINT: one} == rivals.watched({POINT: one}, image.freeze(S), {POINT: Order(1_000, 0, "")}, S)
