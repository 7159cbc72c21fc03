import pytest

from quartier.district.wire_formats import encode_varint


@pytest.mark.parametrize(
    ("expected", "number"),
    # MQTT 5.0, table 1-1: the least and the greatest of each length
    [
        ("00", 0),
        ("7f", 127),
        ("8001", 128),
        ("ff7f", 16_383),
        ("808001", 16_384),
        ("ffff7f", 2_097_151),
        ("80808001", 2_097_152),
        ("ffffff7f", 268_435_455),
    ],
)
def test_a_number_takes_as_few_bytes_as_it_needs(expected, number):
    assert expected == encode_varint(number).hex()
