import pytest

from quartier_sim.meters import line_noise

TEXT = b"\nPAPP 02840 /\r\nIINST 012 Z\r"


def test_a_character_is_start_data_parity_and_stop():
    assert [0, 1, 0, 0, 0, 0, 0, 1, 0, 1] == line_noise.compute_levels(b"A")
    assert [0, 1, 0, 0, 0, 0, 0, 1, 0, 1] == line_noise.compute_levels(b"A", bits=8, parity="none")
    assert [0, 1, 0, 0, 0, 0, 0, 1, 1, 1] == line_noise.compute_levels(b"A", parity="odd")


@pytest.mark.parametrize(("bits", "parity"), [(7, "even"), (8, "none"), (8, "even")])
def test_at_the_same_speed_all_is_heard(bits, parity):
    line = [1, *line_noise.compute_levels(TEXT, bits=bits, parity=parity), *[1] * 12]

    assert TEXT == bytes(line_noise._sample_bytes(line, 1.0, bits, parity))


def test_at_another_speed_little_is_understood():
    fast = line_noise.receive_at_baud(TEXT, 1200, 9600)
    slow = line_noise.receive_at_baud(TEXT * 20, 9600, 1200)

    assert len(fast) > len(TEXT)
    assert len(slow) < len(TEXT) * 20 / 4
    assert b"PAPP" not in fast + slow


def test_with_swapped_wires_nothing_is_understood():
    assert b"PAPP" not in line_noise.receive_at_baud(TEXT, 9600, 9600, inverted=True)


def test_eight_bits_without_parity_see_the_parity_bit_as_the_eighth():
    heard = line_noise.receive_at_baud(b"C", 9600, 9600, heard_bits=8, heard_parity="none")

    assert bytes([ord("C") | 0x80]) == heard  # three ones: the parity bit is set
    assert b"A" == line_noise.add_parity(b"A")


def test_two_equal_senders_at_once_sound_as_one():
    assert b"\xe5" == line_noise.mix_senders([(0, b"\xe5"), (0, b"\xe5")])


def test_two_different_senders_are_understood_by_nobody():
    one, two = b"\x68\x03\x03\x68\x08\x01\x72\x7b\x16", b"\x68\x03\x03\x68\x08\x02\x72\x7c\x16"
    heard = line_noise.mix_senders([(0, one), (7, two)])

    assert heard not in (one, two)
    assert heard
