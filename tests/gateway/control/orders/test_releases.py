"""A release value is written until the device shows it or its power follows (spec/failsafe.md#rule-11)."""

from dataclasses import replace
from itertools import pairwise

import pytest
from tests.gateway.control.conftest import HOUSE

from quartier.control import records
from quartier.control.observe.observations import LastGood
from quartier.control.orders import book as orders_book
from quartier.control.orders import conflicts, releases
from quartier.control.participants import find_control_point
from quartier.control.reason import NO_REASON, make_text_reason
from quartier.control.records import Order, OrderBook
from quartier.control.state import ControlState
from quartier.site.asset_types import OperationMode, VentilationUnit
from quartier.site.process_image import ProcessImage
from quartier_drivers.contract import Origin
from quartier_drivers.readings import Quality, Reading, make_readings

S = 1_000_000_000
POINT = "bat1.setpoint_w"
LOST = {POINT: make_text_reason("grid meter implausible")}
BEGIN_S = 100
WINDOW = [5, 10, 15, 20, 25]
"""After the first write at 0."""


def nothing(_t):
    """What nobody reads."""


@pytest.fixture
def released(make_inputs, house):
    """``released(600, shows=…, power_w=…)``: the seconds after the first write at which it is written again.

    ``shows`` and ``power_w`` give what is read at a second, None where nothing is.
    """

    def run(until_s, *, shows=nothing, power_w=nothing, soc_pct=nothing, lost=LOST, **more):
        told = []
        of = replace(house, **more)
        values = {"bat1.setpoint_w": 0.0}
        book, (first,), _ = orders_book.find_release_commands(OrderBook(), lost, values, BEGIN_S * S)
        image, memories, alarms = ProcessImage(), {"bat1.soc_pct": LastGood(50.0, 0)}, []
        reads = {"bat1.power_w": power_w, "bat1.soc_pct": soc_pct}
        for t in range(1, until_s):
            ns = (BEGIN_S + t) * S
            if (shown := shows(t)) is not None:
                image.put(make_readings([Reading(POINT, shown, Quality.GOOD, ns)], ns))
            memories |= {
                name: LastGood(value, ns) for name, read in reads.items() if (value := read(t)) is not None
            }
            now = make_inputs(
                of, t=BEGIN_S + t, state=replace(ControlState.fresh(of), last_good=dict(memories), book=book)
            )
            if list(releases.find_release_alarms(now, lost)):
                alarms.append(t)
            book, commands, _ = releases.repeat_releases(now, book, lost, image.freeze(ns))
            assert {(POINT, first.value, first.reason)} >= {(c.point, c.value, c.reason) for c in commands}
            told += [t] * len(commands)
        run.alarms, run.book = alarms, book
        return told

    return run


def test_value_that_is_read_back_is_written_once(released):
    assert [] == released(900, shows=lambda _: 0.0)
    assert [] == released.alarms


def test_device_that_ignores_it_is_told_for_30_s_and_then_ever_later(released):
    told = released(7_200, shows=lambda _: 3_000.0)

    assert [*WINDOW, 85, 145, 205, 265, 325, 385] == told[:11]
    gaps_s = [later - sooner for sooner, later in pairwise(told[5:])]
    assert gaps_s == sorted(gaps_s)
    assert 60 == gaps_s[0]
    assert 300 == gaps_s[-1]
    assert list(range(30, 7_200)) == released.alarms


def test_alarm_names_the_device_its_point_and_what_it_was_told(released, make_inputs, house):
    released(60, shows=lambda _: 3_000.0)
    now = make_inputs(house, t=BEGIN_S + 60, state=replace(ControlState.fresh(house), book=released.book))
    (alarm,) = releases.find_release_alarms(now, LOST)

    words = "does not take its release value: it was written 0 for 30 s and does otherwise"
    assert ("output.not_taken_back", POINT, f"{POINT} {words}") == (alarm.code, alarm.of, str(alarm))


def test_device_that_takes_the_third_write_is_left_alone_and_there_is_no_alarm(released):
    assert [5, 10] == released(900, shows=lambda t: 3_000.0 if t <= 11 else 0.0)
    assert [] == released.alarms


def test_alarm_ends_when_the_device_takes_it_at_last(released):
    released(300, shows=lambda t: 3_000.0 if t < 100 else 0.0)

    assert list(range(30, 101)) == released.alarms


def test_power_that_follows_is_as_good_as_a_value_read_back(released):
    assert [] == released(900, power_w=lambda t: 0.0 if t > 2 else 3_000.0)
    assert [] == released.alarms


def test_power_that_does_not_follow_counts_once_the_battery_had_its_time(released):
    told = released(200, shows=lambda _: 0.0, power_w=lambda _: 3_000.0)

    assert [10, 15, 20, 25, 85, 145] == told, "what it shows says that it took it: its power had 10 s"
    assert 30 == released.alarms[0]


def test_battery_that_cannot_be_judged_is_told_for_30_s_and_nobody_is_alarmed(released):
    assert WINDOW == released(900, soc_pct=lambda _: 50.0)
    assert [] == released.alarms


def test_device_that_starts_anew_with_another_value_is_told_at_once(released):
    told = released(600, shows=lambda t: 5_000.0 if 200 <= t < 203 else 0.0)

    assert [200] == told
    assert [] == released.alarms


def test_device_that_goes_on_starting_anew_is_told_six_times_in_ten_minutes_and_then_each_minute(released):
    told = released(600, shows=lambda t: 5_000.0 if t % 8 == 7 else 0.0)

    assert 6 == len([t for t in told if t < 55])
    assert all(later - sooner >= 60 for sooner, later in pairwise(told[5:]))


def test_silent_device_is_not_told_again_before_it_is_heard(released):
    """Its bus keeps the value until it answers."""
    told = released(900, shows=lambda t: 3_000.0 if t >= 500 else None)

    assert [500, 505, 510, 515, 520] == told[:5]
    assert 529 == released.alarms[0]


@pytest.mark.parametrize(
    ("fallback", "shown_w", "told"),
    [
        ((None, 60.0), 2_500.0, []),
        ((2_500.0, 60.0), 2_500.0, []),
        ((0.0, 60.0), 2_500.0, [100]),
        ((2_500.0, 60.0), None, []),
    ],
)
def test_fallback_of_the_device_itself_is_not_written_over(released, fallback, shown_w, told):
    def shows(t):
        return 0.0 if t < 100 else shown_w

    assert told == released(105, shows=shows, fallbacks={POINT: fallback})


def test_step_of_the_register_counts_as_read_back(released):
    assert [] == released(100, shows=lambda _: 400.0, steps={POINT: 500.0})


@pytest.mark.parametrize(
    "why",
    [
        conflicts.CONFLICT_REASON,
        make_text_reason("maintenance", Origin("person", "anna")),
        make_text_reason("paused", Origin("document", "dso")),
    ],
)
def test_nothing_is_insisted_on_where_somebody_else_has_the_battery(released, why):
    assert [] == released(200, shows=lambda _: 3_000.0, lost={POINT: why})
    assert [] == released.alarms


def test_battery_that_is_ordered_again_has_no_release_value_any_more(released):
    released(20, shows=lambda _: 3_000.0)
    want = records.DesiredValue(POINT, 1_000.0, NO_REASON)
    book, _ = orders_book.find_due_commands(released.book, [want], ProcessImage().freeze(0), 200 * S)

    assert ({}, frozenset()) == (book.returns, book.released)


@pytest.mark.parametrize("lost", [{}, {"pv1.generation_max_w": make_text_reason("x")}])
def test_nothing_is_written_for_a_point_that_is_not_lost(make_inputs, house, lost):
    book, _, _ = orders_book.find_release_commands(OrderBook(), LOST, {POINT: 0.0}, 0)
    now = make_inputs(house, state=replace(ControlState.fresh(house), book=book))

    assert (book, [], {}) == releases.repeat_releases(now, book, lost, ProcessImage().freeze(60 * S))


# To the device's own control, and modes


NOTHING = object()
"""A point that is read and has no value: no order is in force."""
BATTERY = HOUSE.assets[0]
MODES = (OperationMode("normal", 2.0, 1_000.0), OperationMode("slow", 1.0, 500.0))
FAN = VentilationUnit(
    name="air", rated_w=1_000, quantity="speed_pct", modes=MODES, co2_max_ppm=1_200, own_normal=True
)


@pytest.fixture
def taken_back(make_inputs, house):
    """``taken_back(600, asset, own=…, shows=…)``: the seconds after the first time at which it is given back again.

    ``own``: the point goes back to its device's own control, and whether that shows; None: it has a value.
    ``shows`` is what is read at a second: a value, ``NOTHING`` where the point is read and has none, else None.
    """

    def run(until_s, asset, *, own=True, ordered=None, value=None, shows=nothing, power_w=nothing, **more):
        point = find_control_point(asset)
        lost = (
            {}
            if more.pop("normal_again", False)
            else {point: more.pop("why", make_text_reason("grid meter lost"))}
        )
        given = lost or {point: make_text_reason("normal mode")}
        owns = {} if own is None else {point: own}
        of = replace(house, assets=(asset,), own_controls=owns)
        orders_ = {} if ordered is None else {point: Order(ordered, 0, NO_REASON)}
        book, first, _ = orders_book.find_release_commands(
            OrderBook(orders_), given, {point: value}, BEGIN_S * S, owns
        )
        rest, image, told, alarms = more.pop("conflicts", {}), ProcessImage(), [], []
        memories = {f"{asset.name}.soc_pct": LastGood(50.0, 0)}
        for t in range(1, until_s):
            ns = (BEGIN_S + t) * S
            if (seen := shows(t)) is not None:
                quality = Quality.BAD if seen is NOTHING else Quality.GOOD
                image.put(make_readings([Reading(point, 0.0 if seen is NOTHING else seen, quality, ns)], ns))
            if (seen := power_w(t)) is not None:
                memories[f"{asset.name}.power_w"] = LastGood(seen, ns)
            state = replace(ControlState.fresh(of), last_good=dict(memories), book=book, conflicts=rest)
            now = make_inputs(of, t=BEGIN_S + t, state=state)
            if list(releases.find_release_alarms(now, lost)):
                alarms.append(t)
            book, commands, again = releases.repeat_releases(now, book, lost, image.freeze(ns))
            assert {(one.point, one.value) for one in commands} <= {(one.point, one.value) for one in first}
            assert set(again.items()) <= set(given.items())
            told += [t] * (len(commands) + len(again))
        run.alarms, run.book, run.last = alarms, book, now
        return told

    return run


def test_battery_under_its_own_control_shows_no_order_any_more(taken_back):
    assert [] == taken_back(900, BATTERY, ordered=3_000.0, shows=lambda _: NOTHING, power_w=lambda _: 3_000.0)
    assert [] == taken_back.alarms


def test_battery_that_keeps_its_last_order_is_given_back_for_30_s_and_then_named(taken_back):
    told = taken_back(700, BATTERY, ordered=3_000.0, shows=lambda _: 3_000.0)

    assert [*WINDOW, 85, 145] == told[:7]
    assert list(range(30, 700)) == taken_back.alarms
    (alarm,) = releases.find_release_alarms(
        taken_back.last, {"bat1.setpoint_w": make_text_reason("grid meter lost")}
    )
    words = "bat1.setpoint_w is not taken back by its device: it was given back for 30 s and still shows 3000"
    assert ("output.not_taken_back", words) == (alarm.code, str(alarm))


def test_battery_that_is_taken_back_at_the_third_time_is_left_alone(taken_back):
    assert [5, 10] == taken_back(300, BATTERY, ordered=3_000.0, shows=lambda t: 3_000.0 if t < 13 else 500.0)
    assert [] == taken_back.alarms


@pytest.mark.parametrize(
    ("ordered", "own", "power_w", "told"),
    [
        (3_000.0, False, -800.0, []),  # it surely does something else
        (3_000.0, False, 1_000.0, WINDOW),  # its own control may do that as well as our order
        (None, True, 1_000.0, WINDOW),
        (0.0, True, 0.0, WINDOW),
        (0.0, True, -2_000.0, []),
    ],
)
def test_where_the_point_says_nothing_the_power_of_a_battery_may(taken_back, ordered, own, power_w, told):
    shown = 3_000.0 if ordered is None else ordered

    assert told == taken_back(
        400, BATTERY, own=own, ordered=ordered, shows=lambda _: shown, power_w=lambda _: power_w
    )
    assert [] == taken_back.alarms


def test_device_that_is_silent_gets_its_point_back_when_it_is_heard(taken_back):
    told = taken_back(700, BATTERY, ordered=3_000.0, shows=lambda t: 3_000.0 if t > 500 else None)

    assert [501, 506, 511, 516, 521, 526, 586] == told[:7]
    assert 530 == taken_back.alarms[0]


@pytest.mark.parametrize("own", [True, None])
def test_mode_that_is_read_back_is_left_alone_for_good(taken_back, own):
    """Its device, or a person at it, may change it afterwards."""
    value = None if own else 2.0
    told = taken_back(600, FAN, own=own, ordered=1.0, value=value, shows=lambda t: 2.0 if t < 99 else 1.0)

    assert [] == told
    assert [] == taken_back.alarms


@pytest.mark.parametrize("own", [True, None])
def test_mode_that_is_not_taken_back_is_given_back_for_30_s_and_then_named(taken_back, own):
    value = None if own else 2.0
    told = taken_back(200, FAN, own=own, ordered=1.0, value=value, normal_again=True, shows=lambda _: 1.0)

    assert [*WINDOW, 85, 145] == told
    assert list(range(30, 200)) == taken_back.alarms


def test_mode_of_a_device_that_shows_nothing_is_given_back_for_30_s_and_nobody_is_alarmed(taken_back):
    assert WINDOW == taken_back(600, FAN, own=False, ordered=1.0, shows=lambda _: 1.0)
    assert [] == taken_back.alarms


@pytest.mark.parametrize(
    "more",
    [
        {"why": make_text_reason("maintenance", Origin("person", "anna"))},
        {"conflicts": {find_control_point(FAN): conflicts.PointConflict(rests_ns=10**15)}},
    ],
)
def test_mode_that_somebody_else_has_is_left_to_them(taken_back, more):
    assert [] == taken_back(200, FAN, ordered=1.0, shows=lambda _: 1.0, **more)
    assert [] == taken_back.alarms


# Over the whole cycle


@pytest.mark.parametrize("cause", ["lost", "implausible"])
def test_battery_that_ignores_the_first_release_values_stops_within_30_s(plant, cause):
    p = plant(base_w=2_500, soc_pct=80).run(60)
    assert p.bat_w < -2_000
    p.deaf = {"bat1"}
    if cause == "lost":
        p.silent = {"grid"}
    else:
        _distrust(p)
    p.run(12)
    begun_s = next(t for t, c in p.log if c.reason == f"given back: grid meter {cause}")
    while p.t < begun_s + 18:
        p.step()
    p.deaf = set()
    p.run(10)

    assert 0.0 == p.bat_w
    assert [0, 5, 10, 15, 20] == [t - begun_s for t, _ in p.written("bat1.setpoint_w", since=begun_s)]


def test_battery_that_never_takes_its_release_value_is_named(plant):
    p = plant(base_w=2_500, soc_pct=80).run(60)
    p.deaf = {"bat1"}
    _distrust(p)
    p.run(45)

    (alarm,) = {one for one in p.view["alarms"] if one.code == "output.not_taken_back"}
    assert "bat1.setpoint_w" in alarm
    assert p.written("bat1.setpoint_w", since=100) == []


def test_mode_that_its_device_does_not_take_back_is_given_back_again_and_named(plant, house):
    """The device shows its last order on; then it takes it back."""
    air = replace(FAN, tier="C", min_on_s=60, min_off_s=60)
    of = replace(house, assets=(air,), own_controls={air.point: True})
    p = plant(house=of, base_w=4_500).run(30)
    p.cap(import_max_w=5_000).run(100)
    assert 1.0 == p.points[air.point]
    p.cap(import_max_w=10_000)
    while air.point not in p.step().releases:
        pass
    lost = [dict(p.step().lost) for _ in range(40)]

    assert WINDOW == [s for s, of_cycle in enumerate(lost, 1) if air.point in of_cycle]
    why = {str(one) for of_cycle in lost for one in of_cycle.values()}
    assert {"normal mode: the device controls itself"} == why
    assert ["output.not_taken_back"] == [one.code for one in p.view["alarms"]]
    p.points.pop(air.point)
    p.run(400)
    assert air.point not in {one for _ in range(400) for one in p.step().releases}


def _distrust(p):
    judge = replace(p.state.meter, verdict=p.state.meter.verdict.IMPLAUSIBLE, contradicted_ns=p.t * S)
    p.state = replace(p.state, meter=judge)
