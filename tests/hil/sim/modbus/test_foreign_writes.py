import pytest

from quartier_sim.modbus.energy_meters import Sdm630
from quartier_sim.modbus.foreign_writes import build_foreign_writes
from quartier_sim.modbus.keba_p30 import P30
from quartier_sim.modbus.plc import Plc
from quartier_sim.modbus.victron_gx import Gx
from quartier_sim.sunspec.battery_inverter import BatteryInverter


@pytest.mark.parametrize(
    ("device", "order", "value"),
    [
        (Gx(), "battery.setpoint_w", 4_002.0),
        (Gx(), "battery.setpoint_w", -3_000.0),
        (P30(), "current_max_a", 13.0),
        (P30(), "current_max_a", 0.0),
        (Plc("lights"), "dim_pct", 60.0),
        (Plc("chp"), "request_on", 1.0),
        (Plc("cooling"), "setpoint_shift_k", -2.5),
        (BatteryInverter("7xx"), "setpoint_w", 2_500.0),
        (BatteryInverter("1xx"), "setpoint_w", -2_500.0),
    ],
    ids=lambda item: type(item).__name__ if not isinstance(item, str | float) else str(item),
)
def test_a_stranger_orders_each_device_by_what_its_manual_says(device, order, value):
    answers = [device.answer(unit, pdu).pdu for unit, pdu in build_foreign_writes(device, value)]

    assert value == pytest.approx(device.orders()[order], abs=2)
    assert not any(answer[0] & 0x80 for answer in answers)


def test_nobody_orders_a_meter():
    with pytest.raises(TypeError, match="Sdm630"):
        build_foreign_writes(Sdm630(), 1.0)
