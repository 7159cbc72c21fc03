import pytest

from quartier_sim.modbus.endpoints import serve_pty
from quartier_sim.modbus.energy_meters import Sdm630


@pytest.mark.peer
async def test_mbpoll_reads_the_manuals_registers(tmp_path, poll):
    meter = Sdm630()
    meter.publish(
        {"power_w": -1234.5, "power_l2_w": -1336.0, "frequency_hz": 49.5, "energy_import_wh": 1_551_500.0}
    )
    async with await serve_pty(meter, tmp_path / "meter") as line:
        assert {52: "-1234.5"} == (await poll(line, 1, "3:float", 52)).values
        assert {14: "-1336"} == (await poll(line, 1, "3:float", 14)).values
        assert {70: "49.5", 72: "1551.5"} == (await poll(line, 1, "3:float", 70, count=2)).values


@pytest.mark.parametrize(
    ("asked", "answered"),
    [
        ("04 0001 0002", "84 02"),  # odd place
        ("04 0000 0003", "84 03"),  # odd count
        ("04 0000 0052", "84 03"),  # more than 80 registers
        ("01 0000 0001", "81 01"),
        ("10 0012 0002 04 00000000", "90 02"),
    ],
)
def test_refuses_as_the_manual_says(asked, answered):
    assert bytes.fromhex(answered) == Sdm630().answer(1, bytes.fromhex(asked)).pdu


def test_eighty_registers_are_one_read():
    assert 2 + 160 == len(Sdm630().answer(1, bytes.fromhex("04 0000 0050")).pdu)


def test_says_its_serial_number():
    assert (
        bytes.fromhex("03 04 01330F40")
        == Sdm630(serial=0x01330F40).answer(1, bytes.fromhex("03 FC00 0002")).pdu
    )
