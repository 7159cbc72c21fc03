"""A charge point that does not tell its order: what it may take, or takes, against what it was ordered."""

from dataclasses import replace

import pytest

from quartier.control.observe.observations import LastGood
from quartier.control.orders import hidden_conflicts
from quartier.control.orders.hidden_conflicts import HiddenConflict
from quartier.control.participants import find_control_point
from quartier.control.reason import NO_REASON
from quartier.control.records import Order
from quartier.site.asset_types import ChargePointAsset, Load, Pv
from quartier.site.process_image import ProcessImage
from quartier_drivers.readings import Quality, Reading, make_readings

S = 1_000_000_000
AMPERE_W = 690.0


class Station:
    """One charge point, looked at each second; its order is refreshed every 20 s."""

    def __init__(self, house, order_a=11.0, *, tells=True):
        self.house, self.order_a, self.tells = house, order_a, tells
        self.t, self.written_t = 0, 0
        self.found = {}

    def order(self, amperes):
        self.order_a, self.written_t = amperes, self.t
        return self

    def see(self, amperes, seconds=1, **more):
        """It lets the car take, or the car takes, so much."""
        for _ in range(seconds):
            self.t += 1
            if self.t - self.written_t >= 20:
                self.written_t = self.t
            seen = {"ev1.current_limit_a": amperes} if self.tells else {"ev1.power_w": amperes * AMPERE_W}
            image = ProcessImage()
            read = [Reading(p, v, Quality.GOOD, self.t * S) for p, v in (seen | more).items()]
            image.put(make_readings(read, self.t * S))
            memories = {p: LastGood(v, self.t * S) for p, v in seen.items()}
            orders = {"ev1.current_max_a": Order(self.order_a, self.written_t * S, NO_REASON)}
            frozen = image.freeze(self.t * S)
            self.found = hidden_conflicts.update_hidden_conflicts(
                self.found, frozen, self.house, memories, orders, self.t * S
            )
        return self

    @property
    def alarms(self):
        return [
            (one.code, one.of, str(one))
            for one in hidden_conflicts.find_hidden_conflict_alarms(self.found, self.house)
        ]


TELLS = pytest.mark.parametrize("tells", [True, False])


@TELLS
def test_one_that_obeyed_and_may_take_more_after_each_of_two_writes_has_a_second_master(house, tells):
    station = Station(house, tells=tells).see(11.0, 10).see(16.0, 9)
    once = station.alarms
    station.see(16.0, 13)

    assert [] == once
    assert [
        (
            "output.second_master",
            "ev1.current_max_a",
            "ev1: somebody else lets it take 16 A where 11 A are ordered; others make room",
        )
    ] == station.alarms


@TELLS
def test_it_is_told_for_ten_minutes(house, tells):
    station = Station(house, tells=tells).see(11.0, 10).see(16.0, 33)

    assert [True, False] == [bool(station.see(11.0, seconds).alarms) for seconds in (560, 40)]


def test_a_hand_that_sets_more_once_is_no_second_master(house):
    assert [] == Station(house).see(11.0, 10).see(16.0, 12).see(11.0, 60).alarms


def test_a_station_that_never_obeyed_does_not_obey(house):
    assert [] == Station(house).see(16.0, 200).alarms


def test_a_station_that_was_never_held_may_not_obey_either(house):
    station = Station(house, order_a=16.0).see(16.0, 60).order(6.0).see(16.0, 100)

    assert [] == station.alarms


def test_what_was_ordered_until_just_now_is_no_trespass(house):
    station = Station(house, order_a=11.0).see(11.0, 10)
    for _ in range(20):
        station.order(11.0).see(11.0, 10).order(6.0).see(11.0, 10)

    assert [] == station.alarms


def test_a_reading_of_before_the_order_had_time_to_act_is_none(house):
    station = Station(house).see(11.0, 30)
    for _ in range(40):
        station.order(11.0).see(32.0, 2)  # written anew each 2 s

    assert [] == station.alarms


@pytest.mark.parametrize(("above_a", "is_told"), [(1.4, False), (1.6, True)])
def test_a_station_may_be_a_little_off(house, above_a, is_told):
    station = Station(house).see(11.0, 10).see(11.0 + above_a, 60)

    assert is_told is bool(station.alarms)


def test_a_paused_station_is_judged_by_what_the_car_takes(house):
    station = Station(house).see(11.0, 10).order(0.0)

    assert [] == station.see(16.0, 100).alarms  # its last current still stands there


def test_one_that_shows_its_order_is_no_matter_of_this(house):
    station = Station(house).see(11.0, 10).see(16.0, 100, **{"ev1.current_max_a": 16.0})

    assert {} == station.found


def test_one_that_shows_what_was_written_and_no_more_is_judged_by_what_it_lets(house):
    cars = tuple(replace(one, shows_order=False) for one in house.assets if isinstance(one, ChargePointAsset))
    house = replace(house, assets=cars)
    station = Station(house).see(11.0, 10, **{"ev1.current_max_a": 11.0})
    station.see(16.0, 40, **{"ev1.current_max_a": 11.0})

    assert [("output.second_master", "ev1.current_max_a")] == [one[:2] for one in station.alarms]


def test_one_without_an_order_is_forgotten(house):
    station = Station(house).see(11.0, 10)

    assert {} == hidden_conflicts.update_hidden_conflicts(
        station.found, ProcessImage().freeze(S), house, {}, {}, S
    )


def test_nothing_is_said_of_a_car_that_nobody_sees(house):
    orders = {"ev1.current_max_a": Order(6.0, 0, NO_REASON)}
    found = hidden_conflicts.update_hidden_conflicts(
        {}, ProcessImage().freeze(9 * S), house, {}, orders, 9 * S
    )

    assert {"ev1.current_max_a": HiddenConflict(orders=((0, 6.0),))} == found
    assert [] == list(hidden_conflicts.find_hidden_conflict_alarms(found, house))


def test_a_second_master_on_a_charger_is_told_and_its_cap_is_still_ordered(plant, with_house):
    p = plant(house=with_house("ev1"), base_w=200, ev_wants_w=11_040, silent={"ev1.current_max_a"})
    p.cap(import_max_w=6_000).run(60)
    p.deaf = {"ev1"}  # what is written no longer lasts: somebody else writes after it
    p.points["ev1.current_max_a"] = 16.0
    since = p.run(1).t
    p.run(60)

    assert "output.second_master" in [one.code for one in p.view["alarms"]]
    assert p.written("ev1.current_max_a", since)
    assert p.state.hidden_conflicts.keys() == {"ev1.current_max_a"}
    assert {} == p.state.adopt(replace(p.house, assets=())).hidden_conflicts


# Loads and PV that do not show their order


class Device:
    """A load or PV that cannot be read back, ordered anew each 20 s."""

    def __init__(self, house, asset):
        self.house, self.asset, self.t, self.found = replace(house, assets=(asset,)), asset, 0, {}

    def see(self, order, power_w, seconds):
        for _ in range(seconds):
            self.t += 1
            orders = {find_control_point(self.asset): Order(order, self.t // 20 * 20 * S, NO_REASON)}
            memories = (
                {} if power_w is None else {f"{self.asset.name}.power_w": LastGood(power_w, self.t * S)}
            )
            frozen = ProcessImage().freeze(self.t * S)
            self.found = hidden_conflicts.update_hidden_conflicts(
                self.found, frozen, self.house, memories, orders, self.t * S
            )
        return self

    @property
    def words(self):
        return [str(one) for one in hidden_conflicts.find_hidden_conflict_alarms(self.found, self.house)]


PUMP = Load(name="pump", rated_w=3_000, tier="C", switchable=True)
ROOF = Pv(name="roof", rated_w=6_000, curtail="limit")


@pytest.mark.parametrize(
    ("asset", "order", "obeys_w", "passes_w", "words"),
    [
        (
            PUMP,
            0.0,
            0.0,
            3_000.0,
            "pump: somebody else lets it run where it is ordered off; others make room",
        ),
        (
            ROOF,
            2_000.0,
            -1_900.0,
            -5_000.0,
            "roof: somebody else lets it make 5000 W where 2000 W are ordered; others make room",
        ),
        (
            replace(ROOF, curtail="relay"),
            0.0,
            0.0,
            -5_000.0,
            "roof: somebody else lets it run where it is ordered off; others make room",
        ),
    ],
)
def test_a_load_or_pv_that_obeyed_and_does_more_after_two_writes_has_a_second_master(
    house, asset, order, obeys_w, passes_w, words
):
    device = Device(house, asset).see(order, obeys_w, 40).see(order, passes_w, 15)
    assert [] == device.words

    assert [words] == device.see(order, passes_w, 40).words
    (one,) = device.found.values()
    assert one.excess == one.value
    (one,) = device.see(order, obeys_w, 20).found.values()
    assert one.excess is None


def test_a_load_that_is_ordered_on_or_that_nobody_sees_passes_nothing(house):
    assert [] == Device(house, PUMP).see(1.0, 0.0, 40).see(1.0, 3_000.0, 100).words
    assert [] == Device(house, PUMP).see(0.0, None, 100).words
