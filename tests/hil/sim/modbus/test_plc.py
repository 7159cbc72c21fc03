import struct

import pytest

from quartier_sim.modbus.plc import PLANT_MAPS, Plc


def _words(device, function, address, count):
    answer = device.answer(1, struct.pack(">BHH", function, address, count)).pdu
    assert not answer[0] & 0x80
    return struct.unpack(f">{count}H", answer[2:])


def _write(device, address, value):
    return device.answer(1, struct.pack(">BHH", 6, address, value)).pdu


@pytest.mark.parametrize("kind", PLANT_MAPS)
def test_every_plant_shows_its_power_and_rests_at_its_own(kind):
    device = Plc(kind)
    device.publish({"power_w": -70_000.0 if kind == "chp" else 70_000.0})

    assert (1, 70_000 - 65_536) == _words(device, 4, 0, 2)
    assert {PLANT_MAPS[kind].order: PLANT_MAPS[kind].own} == device.orders()


def test_it_says_what_plant_it_is():
    assert (0x5154, 4) == _words(Plc("heat"), 3, 0, 2)


def test_temperatures_are_tenths_and_may_be_below_zero():
    device = Plc("substation")
    device.publish({"supply_c": 11.5, "return_c": -0.5})

    assert (115, 0x10000 - 5) == _words(device, 4, 4, 2)


def test_an_order_ends_by_the_timer_that_came_with_it():
    device = Plc("lights")
    _write(device, 11, 600)
    _write(device, 10, 60)

    device.tick(599)
    assert {"dim_pct": 60} == device.orders()
    device.tick(600)
    assert {"dim_pct": 100} == device.orders()


def test_without_a_timer_register_it_is_a_minute():
    device = Plc("cooling")
    _write(device, 0, 20)

    assert {"setpoint_shift_k": 2} == device.orders()
    device.tick(60)
    assert {"setpoint_shift_k": 0} == device.orders()


def test_a_shift_may_be_colder():
    device = Plc("cooling")
    _write(device, 0, 0x10000 - 15)

    assert {"setpoint_shift_k": -1.5} == device.orders()


def test_what_is_out_of_range_or_nowhere_is_refused():
    device = Plc("lights")

    assert bytes([0x86, 3]) == _write(device, 10, 40)
    assert bytes([0x86, 2]) == _write(device, 12, 1)
    assert {"dim_pct": 100} == device.orders()


def test_a_coil_lets_a_batch_run_or_wait():
    device = Plc("waste")
    assert {"run_on": 1} == device.orders()

    device.answer(1, struct.pack(">BHH", 5, 0, 0))
    assert {"run_on": 0} == device.orders()


def test_a_loss_of_power_forgets_the_order():
    device = Plc("heat")
    _write(device, 10, 1)
    device.fault("off")

    assert {"sg_ready_state": 2} == device.orders()


def test_hot_water_shows_its_temperature_and_lets_its_rod_run_or_not():
    device = Plc("boiler")
    device.publish({"power_w": 3_000.0, "tank_c": 53.46})

    assert [0, 3_000, 535] == device.units[1].get("input", 0, 3)
    assert {"relay_on": 1} == device.orders()
