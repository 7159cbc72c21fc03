from quartier_sim.meters import telegrams
from quartier_sim.meters.iec62056.readouts import (
    Identification,
    build_block,
    build_mode_c,
    build_mode_d,
    make_number_set,
    make_text_set,
)

SETS = [make_text_set("0.0.0", "12345678"), make_number_set("1.8.0", 1234.5, (9, 3), "kWh")]


def test_data_sets_are_code_value_and_unit():
    assert "1.8.0(001234.500*kWh)" == SETS[1].text
    assert "14.7.0(50.02)" == make_number_set("14.7.0", 50.02, (4, 2)).text
    assert b"0.0.0(12345678)1.8.0(001234.500*kWh)\r\n" == build_block(SETS, per_line=2)


def test_mode_c_is_checked_from_after_stx_to_etx():
    found = build_mode_c(SETS, "12345678").data

    assert b"\x020.0.0(12345678)\r\n1.8.0(001234.500*kWh)\r\n!\r\n\x03" == found[:-1]
    assert telegrams.compute_block_check(found[1:-1]) == found[-1]


def test_mode_d_begins_with_who_it_is():
    found = build_mode_d(Identification(speed="3"), SETS).data

    assert b"/QRT3\\2E300\r\n\r\n0.0.0(12345678)\r\n1.8.0(001234.500*kWh)\r\n!\r\n" == found
