from quartier_drivers.meter.tic.groups import DAMAGED_CHARACTER, strip_parity


def with_parity(text: bytes) -> bytes:
    return bytes(byte | 0x80 if byte.bit_count() % 2 else byte for byte in text)


def test_seven_bits_come_back_from_bytes_of_even_parity():
    every = bytes(range(128))

    assert every == strip_parity(with_parity(every))


def test_a_single_flipped_bit_is_damage():
    for byte in with_parity(bytes(range(128))):
        for bit in range(8):
            assert bytes((DAMAGED_CHARACTER,)) == strip_parity(bytes((byte ^ 1 << bit,)))
