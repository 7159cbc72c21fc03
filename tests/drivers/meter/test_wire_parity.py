"""Seven bits and parity out of eight: damage shows, and who sends plain seven bits is understood."""

import random

from quartier_drivers.meter.wire import DAMAGED_CHARACTER, ParityBits

TEXT = b"\x02\nEAST\t003519702\t*\r" * 20


def test_what_is_sent_is_taken():
    for kind in "EON":
        assert TEXT == ParityBits(kind).taken(ParityBits(kind).sent(TEXT))


def test_a_flipped_bit_shows_once_the_parity_is_known():
    parity = ParityBits("E")
    coded = bytearray(parity.sent(TEXT))
    parity.taken(bytes(coded))
    coded[5] ^= 0x10

    expected = bytearray(TEXT)
    expected[5] = DAMAGED_CHARACTER
    assert expected == parity.taken(bytes(coded))


def test_plain_seven_bits_stay_as_they_are():
    parity = ParityBits("E")
    for _ in range(10):
        assert TEXT == parity.taken(TEXT)


def test_rubbish_of_another_speed_does_not_confuse_it_for_good():
    parity = ParityBits("E")
    parity.taken(random.Random(1).randbytes(5000))
    for _ in range(2):
        parity.taken(parity.sent(TEXT))

    assert TEXT == parity.taken(parity.sent(TEXT))


def test_odd_and_even_are_not_the_same():
    assert ParityBits("E").sent(b"A") == b"A"
    assert ParityBits("O").sent(b"A") == bytes([ord("A") | 0x80])
