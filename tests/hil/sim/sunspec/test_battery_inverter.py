import pytest

from quartier_sim.sunspec.battery_inverter import BatteryInverter


def put(device, **values):
    number = "124" if "124.InWRte" in device.image.cells else "704"
    paths = {f"{number}.{name}": value for name, value in values.items()}
    for path, value in paths.items():
        device.image.put(path, value)
    device.handle_write(list(paths))


def set_w(device, watts, **more):
    put(device, WSet=watts, WSetEna=1, **more)


def order(device):
    return device.orders()["setpoint_w"]


def test_a_setpoint_of_the_second_generation_generates_with_plus():
    device = BatteryInverter("7xx")
    set_w(device, 1500)

    assert -1500.0 == order(device)


def test_a_setpoint_in_percent_is_of_the_rating():
    device = BatteryInverter("7xx", rated_w=4000)
    put(device, WSetMod=0, WSetPct=-2500, WSetEna=1)

    assert 1000.0 == order(device)


def test_a_setpoint_beyond_the_rating_is_cut():
    device = BatteryInverter("7xx", rated_w=4000)
    set_w(device, -9000)

    assert 4000.0 == order(device)


def test_it_reverts_to_its_own_value_in_its_own_time_and_stays_there():
    device = BatteryInverter("7xx")
    device.tick(10.0)
    set_w(device, -3000, WSetRvrt=0, WSetEnaRvrt=1, WSetRvrtTms=60)

    device.tick(69.0)
    assert 3000.0 == order(device)
    device.tick(70.0)
    assert 0.0 == order(device)
    device.tick(1e6)
    assert (0.0, 1) == (order(device), device.image.get("704.WSetEna"))


def test_its_own_control_takes_over_where_the_enable_reverts_to_off():
    device = BatteryInverter("7xx")
    set_w(device, -3000, WSetRvrt=-2000, WSetEnaRvrt=0, WSetRvrtTms=60)
    device.tick(60.0)

    assert (0.0, 0) == (order(device), device.image.get("704.WSetEna"))


def test_each_function_has_a_timer_of_its_own():
    device = BatteryInverter("7xx")
    set_w(device, 3000, WSetEnaRvrt=1, WSetRvrtTms=60)
    put(
        device,
        WMaxLimPct=2000,
        WMaxLimPctRvrt=1000,
        WMaxLimPctEnaRvrt=1,
        WMaxLimPctRvrtTms=30,
        WMaxLimPctEna=1,
    )
    assert -1000.0 == order(device)

    device.tick(30.0)
    assert -500.0 == order(device)
    device.tick(60.0)
    assert 0.0 == order(device)


def test_limits_of_the_first_generation_force_where_they_are_negative():
    device = BatteryInverter("1xx")
    put(device, InWRte=4000, OutWRte=-4000, StorCtl_Mod=3)
    assert 2000.0 == order(device)

    put(device, InWRte=-2000, OutWRte=2000)
    assert -1000.0 == order(device)


def test_limits_that_are_not_switched_on_do_not_count():
    device = BatteryInverter("1xx")
    put(device, InWRte=-4000, OutWRte=4000, StorCtl_Mod=2)

    assert 0.0 == order(device)


def test_the_first_generation_reverts_to_its_own_control():
    device = BatteryInverter("1xx")
    put(device, InWRte=4000, OutWRte=-4000, InOutWRte_RvrtTms=60, StorCtl_Mod=3)
    device.tick(40.0)
    put(device, InWRte=4000)

    device.tick(99.0)
    assert 2000.0 == order(device)
    device.tick(100.0)
    assert (0.0, 0) == (order(device), device.image.get("124.StorCtl_Mod"))


@pytest.mark.parametrize("habit", ["inverted-setpoint", "ignores-setpoint"])
def test_its_habits_about_setpoints(habit):
    device = BatteryInverter("7xx", habits=[habit])
    set_w(device, 1500)

    assert {"inverted-setpoint": 1500.0, "ignores-setpoint": 0.0}[habit] == order(device)


def test_without_the_controllers_heartbeat_it_reverts_and_reading_is_no_heartbeat():
    device = BatteryInverter("7xx", heartbeat_s=60)
    set_w(device, -3000, WSetRvrt=0, WSetEnaRvrt=1)
    beat = device.image.cells["715.ControllerHb"].address
    for now_s, count in ((30.0, 1), (60.0, 2), (90.0, 2)):  # the last does not move
        device.tick(now_s)
        device.answer(1, bytes([16]) + beat.to_bytes(2, "big") + bytes([0, 2, 4, 0, 0, 0, count]))
    device.answer(1, bytes([3]) + beat.to_bytes(2, "big") + bytes([0, 2]))

    device.tick(119.0)
    assert 3000.0 == order(device)
    device.tick(120.0)
    assert (0.0, 0) == (order(device), device.image.get("704.WSet"))


def test_an_order_without_a_heartbeat_behind_it_is_given_up_at_once():
    device = BatteryInverter("7xx", heartbeat_s=60)
    device.tick(1000.0)
    set_w(device, -3000, WSetRvrt=0, WSetEnaRvrt=1)

    device.tick(1004.0)
    assert 3000.0 == order(device)
    device.tick(1005.0)
    assert 0.0 == order(device)


def test_a_battery_without_heartbeat_is_in_standby_until_it_hears_one():
    device = BatteryInverter("1xx", heartbeat_s=60)
    device.tick(60.0)
    device.publish({})
    assert 4 == device.image.get("802.State")

    device.image.put("802.CtrlHb", 1)
    device.handle_write(["802.CtrlHb"])
    device.publish({})
    assert 3 == device.image.get("802.State")


def test_it_shows_what_the_plant_does_in_both_generations():
    values = {"power_w": 1200.0, "soc_pct": 61.5, "voltage_v": 52.0, "energy_import_wh": 7.0}
    old, new = BatteryInverter("1xx"), BatteryInverter("7xx")
    old.publish(values)
    new.publish(values)

    assert (-1200.0, 61.5, 4) == (
        old.image.number("103.W"),
        old.image.number("124.ChaState"),
        old.image.get("124.ChaSt"),
    )
    assert (-1200.0, 61.5, 7.0) == tuple(
        new.image.number(path) for path in ("701.W", "713.SoC", "701.TotWhAbs")
    )
    assert 61.5 == new.image.number("802.SoC")
    with pytest.raises(KeyError, match="tank_c"):
        old.publish({"tank_c": 1.0})
