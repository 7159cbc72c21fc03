"""The package iec62056-21 reads what the rig's meters with an optical port say, and asks one over TCP."""

import asyncio
import datetime as dt

import pytest

from quartier_sim.devices.serial_ports import TcpPort
from quartier_sim.meters.iec62056 import readouts as draw
from quartier_sim.meters.iec62056.optical_meter import ElectricityMeter, OpticalPort

pytestmark = pytest.mark.peer
COUNT = 250


def alike(said, told):
    """Whether code, value and unit are what was said."""
    code, value, unit = told
    return (said.label, said.unit, said.value) == (code, unit, float(value) if said.is_number else value)


def test_every_data_set_of_a_readout_reads_alike_and_its_check_holds(judge):
    readouts = list(draw.generate_readouts(11, COUNT))
    told = judge("iec62056", ({"hex": one.data.hex()} for one in readouts))

    for readout, sets in zip(readouts, told, strict=True):
        assert len(readout.statements) == len(sets)
        assert [] == [pair for pair in zip(readout.statements, sets, strict=True) if not alike(*pair)]


async def test_a_client_signs_on_and_reads_what_the_meter_counts_now(judge):
    meter = ElectricityMeter(serial="30123456")
    meter.tell(
        {"power_w": -2_345.0, "energy_import_wh": 1_234_567.0, "energy_export_wh": 89_012.0},
        dt.datetime(2026, 1, 12, 13, 45, 20, tzinfo=dt.UTC),
    )
    async with OpticalPort(meter.sets, TcpPort(), address=meter.serial, react_s=0.0) as optical:
        asked = {"host": optical.port.host, "port": optical.port.port, "address": meter.serial}
        ((who, *told),) = await asyncio.to_thread(judge, "iec62056", [asked])

    assert "QRT" == who[0]
    statements = [one.says for one in meter.sets()]
    assert [] == [pair for pair in zip(statements, told, strict=True) if not alike(*pair)]
    numbers = {code: (value, unit) for code, value, unit in told}
    assert ("001234.567", "kWh") == numbers["1.8.0"]
    assert -2.345 == float(numbers["16.7.0"][0])
