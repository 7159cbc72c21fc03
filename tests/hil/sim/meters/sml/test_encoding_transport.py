from quartier_sim.meters import telegrams
from quartier_sim.meters.sml.encoding import frame_messages


def test_a_file_is_filled_to_four_bytes_and_checked():
    found = frame_messages(b"abcde", telegrams.compute_crc_x25)

    body = bytes.fromhex("1b1b1b1b01010101") + b"abcde\0\0\0" + bytes.fromhex("1b1b1b1b1a03")
    assert body + telegrams.compute_crc_x25(body).to_bytes(2, "little") == found


def test_escapes_inside_are_doubled():
    assert (
        b"\x01\x01\x01\x01" + b"\x1b" * 8 + b"\x1b" * 4 + b"\x1a\x00"
        == frame_messages(b"\x1b" * 4, telegrams.compute_crc_x25)[4:-2]
    )
