from quartier_bench.peers import meter_parsers
from quartier_bench.peers.peer_cache import PARSER_PACKAGES


def test_every_package_that_can_be_installed_can_be_asked():
    assert set(PARSER_PACKAGES) == set(meter_parsers.PARSER_FACTORIES)


def test_a_line_ends_where_a_frame_does_so_that_the_next_one_is_not_lost():
    lines = meter_parsers._LinePort([b"\x02\nA\r\x03", b"\x02\nB\r\x03"])

    assert [b"\x02\n", b"A\r", b"\x03\n", b"\x02\n"] == [lines.readline() for _ in range(4)]
