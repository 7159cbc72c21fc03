import pytest

from quartier_sim.modbus.endpoints import serve_tcp
from quartier_sim.modbus.energy_meters import Em24


@pytest.mark.peer
async def test_mbpoll_reads_the_manuals_registers(poll):
    meter = Em24()
    meter.publish(
        {"power_w": -1234.5, "frequency_hz": 49.9, "voltage_l1_v": 230.1, "energy_export_wh": 700.0}
    )
    async with await serve_tcp(meter) as endpoint:
        assert {40: "0xCFC7", 41: "0xFFFF"} == (await poll(endpoint, 1, "3:hex", 0x28, count=2)).values
        assert {0x33: "499"} == (await poll(endpoint, 1, "4", 0x33)).values
        assert {0: "2301", 1: "0"} == (await poll(endpoint, 1, "4", 0, count=2)).values
        assert {0x4E: "7", 0x4F: "0"} == (await poll(endpoint, 1, "3", 0x4E, count=2)).values


def test_the_word_of_the_model_stands_alone_or_is_half_a_voltage():
    meter = Em24()

    assert bytes.fromhex("04 02 0670") == meter.answer(1, bytes.fromhex("04 000B 0001")).pdu
    assert bytes.fromhex("04 04 00000000") == meter.answer(1, bytes.fromhex("04 000A 0002")).pdu


def test_says_its_serial_number():
    assert b"BX0300021234X\0" == Em24().answer(1, bytes.fromhex("04 5000 0007")).pdu[2:]
