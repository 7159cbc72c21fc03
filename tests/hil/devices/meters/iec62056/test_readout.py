from quartier_hil.devices.meters import checks
from quartier_hil.devices.meters.iec62056.readout import Identification, block, mode_c, mode_d, number, text

SETS = [text("0.0.0", "12345678"), number("1.8.0", 1234.5, (9, 3), "kWh")]


def test_data_sets_are_code_value_and_unit():
    assert "1.8.0(001234.500*kWh)" == SETS[1].text
    assert "14.7.0(50.02)" == number("14.7.0", 50.02, (4, 2)).text
    assert b"0.0.0(12345678)1.8.0(001234.500*kWh)\r\n" == block(SETS, per_line=2)


def test_mode_c_is_checked_from_after_stx_to_etx():
    found = mode_c(SETS, "12345678").data

    assert b"\x020.0.0(12345678)\r\n1.8.0(001234.500*kWh)\r\n!\r\n\x03" == found[:-1]
    assert checks.block_check(found[1:-1]) == found[-1]


def test_mode_d_begins_with_who_it_is():
    found = mode_d(Identification(speed="3"), SETS).data

    assert b"/QRT3\\2E300\r\n\r\n0.0.0(12345678)\r\n1.8.0(001234.500*kWh)\r\n!\r\n" == found
