"""The text form tells both clocks, the direction, every byte, and what a person can read of it."""

from tests.gateway.commissioning.wire_record.conftest import of

from quartier.commissioning.wire_record import record_file


def test_each_row_has_both_times_its_direction_hex_and_ascii_without_parity():
    taken = of("tic", ("opened", "/dev/ttyUSB0 1200 7E1"), ("in", "0ac14453c3"), ("closed", "/dev/ttyUSB0"))

    assert [
        "# quartier record 1",
        "# bus: lan",
        "2026-11-28T13:45:17.250000000Z 8417.000000123 = opened /dev/ttyUSB0 1200 7E1",
        "2026-11-28T13:45:17.255000000Z 8417.005000123 < 0ac14453c3 |.ADSC|",
        "2026-11-28T13:45:17.260000000Z 8417.010000123 = closed /dev/ttyUSB0",
    ] == record_file.make_text_file(taken, "bus: lan").decode().splitlines()


def test_a_long_piece_goes_on_in_rows_of_the_same_time():
    rows = record_file.make_text_file(of("sml", ("in", "00" * 70)), "").decode().splitlines()[1:]

    assert [64, 64, 12] == [len(row.split()[3]) for row in rows]
    assert 1 == len({row.split()[1] for row in rows})
