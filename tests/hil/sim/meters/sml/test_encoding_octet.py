import pytest

from quartier_sim.meters.sml import encoding


def test_heads_hold_type_and_length():
    assert "0b0a0149534b0004325ec5" == encoding.encode_octets(bytes.fromhex("0a0149534b0004325ec5")).hex()
    assert "01" == encoding.encode_octets(None).hex()
    assert "621b" == encoding.encode_unsigned(27, 1).hex()
    assert "52ff" == encoding.encode_signed(-1, 1).hex()
    assert "56fffffffe00" == encoding.encode_signed(-512, 5).hex()
    assert ("42ff", "4200") == (encoding.encode_boolean(True).hex(), encoding.encode_boolean(False).hex())
    assert "720102" == encoding.encode_list([b"\x01", b"\x02"]).hex()


@pytest.mark.parametrize(
    ("size", "head"), [(14, "0f"), (15, "8101"), (48, "8302"), (253, "8f0f"), (254, "818001")]
)
def test_long_ones_count_all_bytes_of_their_head(size, head):
    found = encoding.encode_octets(bytes(size))

    assert head == found[: len(found) - size].hex()


def test_long_lists_count_elements_alone():
    assert "f101" == encoding.encode_list([b""] * 17).hex()


def test_what_does_not_fit_is_refused():
    with pytest.raises(OverflowError):
        encoding.encode_unsigned(256, 1)
