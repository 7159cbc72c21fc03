import datetime as dt
import struct
from zoneinfo import ZoneInfo

import pytest

from quartier_sim.meters.dlms import encoding


def test_kinds_have_their_tags():
    assert "0600000118" == encoding.encode_number("uint32", 280).hex()
    assert "10ffff" == encoding.encode_number("int16", -1).hex()
    assert (
        "020209020102161b"
        == encoding.encode_structure([encoding.encode_octets(b"\x01\x02"), encoding.encode_enum(27)]).hex()
    )
    assert "010103ff"[:6] == encoding.encode_array([encoding.encode_boolean(True)]).hex()[:6]
    assert "0a024142" == encoding.encode_visible_string("AB").hex()


def test_lengths_above_127_tell_their_size_first():
    assert ("7f", "8180", "820100") == tuple(encoding.encode_length(count).hex() for count in (127, 128, 256))


def test_a_moment_is_that_of_a_real_push():
    when = dt.datetime(2020, 1, 25, 13, 9, 30)  # noqa: DTZ001 - the meter tells no offset

    assert "07e40119060d091eff800000" == encoding.encode_date_time(when, deviates=False).hex()


def test_an_offset_is_minutes_to_utc():
    when = dt.datetime(2021, 6, 27, 15, 23, 0, tzinfo=ZoneInfo("Europe/Vienna"))

    assert "07e5061b070f1700ffff8880" == encoding.encode_date_time(when).hex()


def test_what_does_not_fit_is_refused():
    with pytest.raises(struct.error):
        encoding.encode_number("uint8", 256)
