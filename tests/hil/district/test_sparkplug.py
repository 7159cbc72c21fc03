import struct

from quartier_hil.district.protowire import blob, number, varint
from quartier_hil.district.sparkplug import decode, rebirth


def _double(field, value):
    return varint(field << 3 | 1) + struct.pack("<d", value)


def test_a_message_is_read_with_key_values_and_qualities():
    stale = blob(1, b"Quality") + blob(2, number(1, 3) + number(3, 500))
    power = blob(1, b"power_w") + number(3, 1_000) + number(4, 10) + number(5, 1) + _double(13, -1234.5)
    count = (
        blob(1, b"x_count")
        + number(3, 1_001)
        + number(4, 4)
        + number(11, -5 & (1 << 64) - 1)
        + blob(9, stale)
    )
    payload = number(1, 9) + blob(2, power) + blob(2, count) + number(3, 255) + blob(5, b'{"boot":1}')

    found = decode(payload)

    assert (9, 255, b'{"boot":1}') == (found.timestamp_ms, found.seq, found.body)
    assert ("power_w", -1234.5, True, 192) == (
        found.metrics[0].name,
        found.metrics[0].value,
        found.metrics[0].historical,
        found.metrics[0].quality,
    )
    assert (-5, 500) == (found.metrics[1].value, found.metrics[1].quality)


def test_booleans_texts_and_nulls_are_told_apart():
    metrics = (
        blob(1, b"a_on") + number(4, 11) + number(14, 1),
        blob(1, b"b_text") + number(4, 12) + blob(15, "é".encode()),
        blob(1, b"c_w") + number(4, 10) + number(7, 1),
        number(2, 7) + number(4, 3) + number(10, 0xFFFFFFFF),
    )
    found = decode(b"".join(blob(2, metric) for metric in metrics)).metrics

    assert [True, "é", None, -1] == [metric.value for metric in found]
    assert 7 == found[3].alias


def test_a_rebirth_command_says_true_under_the_name_of_the_specification():
    metric = decode(rebirth(5)).metrics[0]

    assert ("Node Control/Rebirth", True) == (metric.name, metric.value)
