"""A record is called by its bus and begin, and says what it is of."""

from dataclasses import replace

import pytest
from tests.gateway.commissioning.wire_record.conftest import of
from tests.gateway.commissioning.wire_record.judge import fields

from quartier.commissioning.wire_record import record_file
from quartier.commissioning.wire_record.record_file import find_capture, find_link_type, join_frames


def test_its_name_says_bus_begin_and_form(exchange):
    assert "lan-20261128T134517Z.pcapng" == record_file.make_file_name(exchange)
    assert "lan-20261128T134517Z.txt" == record_file.make_file_name(of("p1"))


def test_its_name_is_the_time_of_the_event_or_of_the_oldest_recent_frame(exchange):
    opened, *rest = exchange.frames
    hour_ns = 3600 * 10**9
    later = [replace(one, number=one.number + 90, ns=one.ns + hour_ns) for one in rest]
    taken = replace(exchange, ns=exchange.ns + hour_ns, utc_ms=exchange.utc_ms + hour_ns // 10**6)
    taken = replace(taken, frames=(opened, *later))

    assert tuple(later) == tuple(taken.recent)
    assert "lan-20261128T144517Z.pcapng" == record_file.make_file_name(taken)
    assert "lan-20261128T144013Z.pcapng" == record_file.make_file_name(taken, taken.utc_ms - 304_000)


def test_it_says_which_bus_where_and_how_its_clocks_stood(exchange):
    told = record_file.describe_record(exchange)

    assert "kind: modbus-tcp" in told
    assert "where: 10.0.0.3:502" in told
    assert "monotonic 8417.000 s was 2026-11-28T13:45:17.250000000Z" in told


def test_opc_ua_says_that_it_may_be_encrypted():
    assert "encrypted" in record_file.describe_record(of("opcua"))


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


QUESTION, ANSWER = "0104003400023005", "01040444bb8000fe91"


def write(path, taken):
    path.write_bytes(record_file.make_file(taken))
    return path


@pytest.mark.peer
def test_modbus_tcp_at_any_port_is_dissected(tmp_path, exchange):
    path = write(tmp_path / "a.pcapng", exchange)
    names = ("mbtcp.trans_id", "mbtcp.unit_id", "modbus.func_code", "frame.packet_flags_direction")

    rows = fields(path, *names, wanted="modbus")
    assert [("7", "1", "4"), ("7", "1", "4")] == [row[:3] for row in rows]
    assert [2, 1] == [int(row[3], 0) for row in rows]
    assert [("52", "2")] == fields(path, "modbus.reference_num", "modbus.word_cnt", wanted="modbus.word_cnt")


@pytest.mark.peer
def test_the_true_ends_and_the_monotonic_clock_are_in_comments(tmp_path, exchange):
    path = write(tmp_path / "a.pcapng", exchange)

    assert (
        "monotonic 8417.000000123 s; connected; 10.0.0.2:40000 to 10.0.0.3:1502"
        == fields(path, "frame.comment")[0][0]
    )


@pytest.mark.peer
@pytest.mark.parametrize(("kind", "framing"), [("modbus-rtu", ""), ("modbus-tcp", "rtu")])
def test_modbus_rtu_is_dissected_without_a_table_set_by_hand(tmp_path, kind, framing):
    taken = of(kind, ("out", QUESTION), ("in", ANSWER[:8]), ("in", ANSWER[8:]), framing=framing)
    path = write(tmp_path / "a.pcapng", taken)

    assert [("1", "4"), ("1", "4")] == fields(path, "mbrtu.unit_id", "modbus.func_code")
    assert 2 == len(fields(path, "frame.number", wanted="mbrtu.crc16"))


@pytest.mark.peer
def test_bacnet_is_dissected_with_its_peers(tmp_path):
    who_is = "810b000c0120ffff00ff1008"
    taken = of("bacnet-ip", ("opened", "bound", "10.0.0.2:47809", ""), ("out", who_is, "10.0.0.255:47808"))
    path = write(tmp_path / "a.pcapng", taken)

    assert [("10.0.0.2", "10.0.0.255", "8")] == fields(path, "ip.src", "ip.dst", "bacapp.unconfirmed_service")


def test_an_answer_in_pieces_is_one_frame_and_a_late_rest_another():
    whole = of("modbus-rtu", ("in", ANSWER[:6]), ("in", ANSWER[6:]))
    torn = of("modbus-rtu", ("in", ANSWER[:6]), ("out", QUESTION), ("in", ANSWER))

    assert [ANSWER] == [frame.data.hex() for frame in join_frames(whole.frames, find_capture(whole).is_whole)]
    assert [ANSWER[:6], QUESTION, ANSWER] == [
        frame.data.hex() for frame in join_frames(torn.frames, find_capture(torn).is_whole)
    ]


def test_what_no_analyser_knows_is_written_as_text():
    assert [True, True, True, True] == [
        find_link_type(of(kind)) is None for kind in ("tic", "p1", "mbus", "dlms")
    ]
