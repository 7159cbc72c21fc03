import struct

from quartier_district.sparkplug import (
    decode_payload,
    encode_bytes,
    encode_number,
    encode_varint,
    make_rebirth,
)


def _double(field, value):
    return encode_varint(field << 3 | 1) + struct.pack("<d", value)


def test_a_message_is_read_with_key_values_and_qualities():
    stale = encode_bytes(1, b"Quality") + encode_bytes(2, encode_number(1, 3) + encode_number(3, 500))
    power = (
        encode_bytes(1, b"power_w")
        + encode_number(3, 1_000)
        + encode_number(4, 10)
        + encode_number(5, 1)
        + _double(13, -1234.5)
    )
    count = (
        encode_bytes(1, b"x_count")
        + encode_number(3, 1_001)
        + encode_number(4, 4)
        + encode_number(11, -5 & (1 << 64) - 1)
        + encode_bytes(9, stale)
    )
    payload = (
        encode_number(1, 9)
        + encode_bytes(2, power)
        + encode_bytes(2, count)
        + encode_number(3, 255)
        + encode_bytes(5, b'{"boot":1}')
    )

    found = decode_payload(payload)

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
        encode_bytes(1, b"a_on") + encode_number(4, 11) + encode_number(14, 1),
        encode_bytes(1, b"b_text") + encode_number(4, 12) + encode_bytes(15, "é".encode()),
        encode_bytes(1, b"c_w") + encode_number(4, 10) + encode_number(7, 1),
        encode_number(2, 7) + encode_number(4, 3) + encode_number(10, 0xFFFFFFFF),
    )
    found = decode_payload(b"".join(encode_bytes(2, metric) for metric in metrics)).metrics

    assert [True, "é", None, -1] == [metric.value for metric in found]
    assert 7 == found[3].alias


def test_a_rebirth_command_says_true_under_the_name_of_the_specification():
    metric = decode_payload(make_rebirth(5)).metrics[0]

    assert ("Node Control/Rebirth", True) == (metric.name, metric.value)
