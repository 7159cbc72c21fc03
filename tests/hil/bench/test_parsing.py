from quartier_hil.bench import parsing
from quartier_hil.bench.cache import PARSERS


def test_every_package_that_can_be_installed_can_be_asked():
    assert set(PARSERS) == set(parsing.PACKAGES)


def test_a_line_ends_where_a_frame_does_so_that_the_next_one_is_not_lost():
    lines = parsing._Lines([b"\x02\nA\r\x03", b"\x02\nB\r\x03"])

    assert [b"\x02\n", b"A\r", b"\x03\n", b"\x02\n"] == [lines.readline() for _ in range(4)]
