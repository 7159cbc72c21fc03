import pytest

from quartier_drivers.contract import Command, Fallback, PointInfo
from quartier_drivers.readings import Quality
from quartier_hil.synthetic.simulated_devices import SimulatedDevices

S = 1_000_000_000


def _info(point, **more):
    return PointInfo(point, "float", "", 1.0, **more)


LEASE = Fallback(value=0.0, after_s=60.0)
DEVICES = {
    "meter": {
        "grid.power_w": _info("grid.power_w"),
        "grid.frequency_hz": PointInfo("grid.frequency_hz", "float", "", 5.0),
    },
    "inverter": {
        "bat1.power_w": _info("bat1.power_w"),
        "bat1.setpoint_w": _info("bat1.setpoint_w", writable=True, on_release=0.0, fallback=LEASE),
        "pv1.generation_max_w": _info(
            "pv1.generation_max_w",
            writable=True,
            on_release="cap",
            fallback=Fallback(value=3_000.0, after_s=60.0),
        ),
    },
}
VALUES = {"grid.power_w": 700.0, "grid.frequency_hz": 50.0, "bat1.power_w": -300.0}


@pytest.fixture
def devices():
    return SimulatedDevices(DEVICES, {"bat1.setpoint_w": 0.0, "pv1.generation_max_w": 6_000.0})


def _read(devices, now_s, values=VALUES):
    told = devices.read(values, now_s, round(now_s * S))
    return {one.point: (one.value, one.quality) for readings in told for one in readings}


def _told(devices, now_s, **values):
    return {point: value for point, (value, _) in _read(devices, now_s, VALUES | values).items()}


def _order(devices, now_s, point, value):
    devices.write([Command(point, value, round((now_s + 20) * S), "test")], now_s)


def test_each_point_is_read_at_the_period_of_its_profile(devices):
    assert {"grid.power_w", "grid.frequency_hz"} <= set(_read(devices, 0))
    assert "grid.frequency_hz" not in _read(devices, 1)
    assert "grid.frequency_hz" in _read(devices, 5)


@pytest.mark.parametrize(("back_s", "value"), [(29, -2_000), (31, 0)])
def test_an_order_that_found_no_device_waits_until_it_expires(devices, back_s, value):
    devices.fault("inverter", "off", 8)
    _order(devices, 9, "bat1.setpoint_w", -1_000)
    _order(devices, 10, "bat1.setpoint_w", -2_000)
    devices.clear("inverter")
    _read(devices, back_s)

    assert value == devices.orders(back_s)["bat1.setpoint_w"]


@pytest.mark.parametrize(
    "ends", [SimulatedDevices.drop_waiting_orders, lambda devices: devices.give_back(["bat1.setpoint_w"], 11)]
)
def test_an_order_waits_no_longer_once_its_point_is_given_back_or_the_gateway_ends(devices, ends):
    devices.fault("inverter", "off", 8)
    _order(devices, 10, "bat1.setpoint_w", -2_000)
    ends(devices)
    devices.clear("inverter")
    _read(devices, 12)

    assert 0 == devices.orders(12)["bat1.setpoint_w"]


def test_an_order_acts_until_the_devices_timer_ends_it(devices):
    _order(devices, 10, "bat1.setpoint_w", -2_000)

    assert (-2_000, -2_000) == (devices.orders(70)["bat1.setpoint_w"], _told(devices, 70)["bat1.setpoint_w"])
    assert 0 == devices.orders(70.5)["bat1.setpoint_w"]


def test_a_cap_is_never_lifted_by_its_timer_nor_by_leaving(devices):
    _order(devices, 10, "pv1.generation_max_w", 1_500)

    assert 1_500 == devices.orders(100)["pv1.generation_max_w"]
    devices.release({"pv1.generation_max_w": 3_000}, 101)
    assert 1_500 == devices.orders(102)["pv1.generation_max_w"]


def test_a_release_writes_what_each_point_declares(devices):
    _order(devices, 10, "bat1.setpoint_w", -2_000)
    devices.release({"pv1.generation_max_w": 3_000}, 11)

    assert {"bat1.setpoint_w": 0, "pv1.generation_max_w": 3_000} == devices.orders(11)


@pytest.mark.parametrize("kind", ["off", "unplugged", "silent"])
def test_who_is_not_there_says_and_hears_nothing(devices, kind):
    devices.fault("inverter", kind, 1)
    _order(devices, 2, "bat1.setpoint_w", -2_000)

    assert {"grid.power_w", "grid.frequency_hz"} == set(_read(devices, 2))
    assert 0 == devices.orders(2)["bat1.setpoint_w"]


def test_a_loss_of_power_forgets_the_order_and_a_pulled_cable_does_not(devices):
    _order(devices, 1, "bat1.setpoint_w", -2_000)
    devices.fault("inverter", "unplugged", 2)
    assert -2_000 == devices.orders(3)["bat1.setpoint_w"]

    devices.fault("inverter", "off", 4)
    devices.clear("inverter")
    assert 0 == devices.orders(5)["bat1.setpoint_w"]


def test_garbage_is_no_good_reading(devices):
    devices.fault("meter", "garbage", 1)

    assert Quality.BAD == _read(devices, 1)["grid.power_w"][1]


def test_stuck_values_stay_and_orders_still_act(devices):
    devices.fault("inverter", "stuck", 1)
    _read(devices, 1)
    _order(devices, 2, "bat1.setpoint_w", -2_000)

    assert -300 == _told(devices, 2, **{"bat1.power_w": 900.0})["bat1.power_w"]
    assert -2_000 == devices.orders(2)["bat1.setpoint_w"]


def test_a_meter_stands_at_a_given_power_and_what_else_it_measures_goes_on(devices):
    devices.fault("meter", "stuck", 1, value=3_000.0, points="power_w")

    assert 3_000 == _told(devices, 1)["grid.power_w"]
    assert 49 == _told(devices, 6, **{"grid.frequency_hz": 49.0})["grid.frequency_hz"]
    devices.clear("meter")
    assert 700 == _told(devices, 7)["grid.power_w"]


def test_reversed_clamps_turn_what_their_own_meter_says_and_nothing_else(devices):
    devices.fault("meter", "clamps", 1, factor=-1.0)
    told = _told(devices, 1)

    assert (-700, -300) == (told["grid.power_w"], told["bat1.power_w"])


def test_wrong_changes_powers_alone(devices):
    devices.fault("meter", "wrong", 1, factor=-1)

    assert (-700, 50) == (_told(devices, 1)["grid.power_w"], _told(devices, 9)["grid.frequency_hz"])


def test_bent_orders_act_bent(devices):
    _order(devices, 1, "bat1.setpoint_w", -2_000)
    devices.fault("inverter", "bent", 2, factor=0.5)

    assert -1_000 == devices.orders(3)["bat1.setpoint_w"]


def test_delayed_tells_in_time_what_was_some_seconds_ago(devices):
    devices.fault("meter", "delayed", 1, seconds=3)
    seen = [_told(devices, now_s, **{"grid.power_w": 100.0 * now_s})["grid.power_w"] for now_s in range(1, 7)]

    assert [100, 100, 100, 100, 200, 300] == seen


def test_who_is_slower_than_the_timeout_is_not_heard(devices):
    devices.fault("meter", "slow", 1, seconds=0.5)
    assert "grid.power_w" in _read(devices, 1)

    devices.fault("meter", "slow", 2, seconds=2)
    assert "grid.power_w" not in _read(devices, 3)


def test_a_loose_contact_comes_and_goes(devices):
    devices.fault("meter", "intermittent", 10, seconds=4)

    assert [False] * 4 + [True] * 4 + [False] == [
        "grid.power_w" in _read(devices, now_s) for now_s in range(10, 19)
    ]


def test_writes_are_counted_where_they_arrive(devices):
    _order(devices, 1, "bat1.setpoint_w", -2_000)
    devices.fault("inverter", "silent", 2)
    _order(devices, 3, "bat1.setpoint_w", -2_000)

    assert 1 == devices.writes_count
    assert not devices.is_healthy("bat1.setpoint_w")


def test_what_is_given_back_is_the_devices_own_again(devices):
    _order(devices, 1, "pv1.generation_max_w", 1_500)
    devices.give_back(["pv1.generation_max_w"], 2)

    assert 6_000 == devices.orders(2)["pv1.generation_max_w"]


def test_a_second_master_has_the_last_word_until_the_next_order(devices):
    _order(devices, 1, "bat1.setpoint_w", -2_000)
    devices.overwrite("bat1.setpoint_w", 4_000, 2)
    assert 4_000 == devices.orders(2)["bat1.setpoint_w"]

    _order(devices, 3, "bat1.setpoint_w", -2_000)
    assert -2_000 == devices.orders(3)["bat1.setpoint_w"]


def test_a_cut_bus_takes_all_its_devices():
    devices = SimulatedDevices(
        DEVICES, {"bat1.setpoint_w": 0.0, "pv1.generation_max_w": 6_000.0}, {"line": tuple(DEVICES)}
    )
    devices.fault("line", "unplugged", 1)
    assert {} == _read(devices, 2)

    devices.clear("line")
    assert "grid.power_w" in _read(devices, 3)


def test_one_of_several_faults_can_end_alone(devices):
    for kind in ("off", "stuck"):
        devices.fault("meter", kind, 1)
    devices.clear("meter", "off")

    assert not devices.is_healthy("grid.power_w")
    assert "grid.power_w" in _read(devices, 2)
    assert ("inverter", "meter") == tuple(sorted(devices.names))
