from quartier_sim.meters import telegrams
from quartier_sim.meters.dlms import encoding


def test_the_frame_of_the_standards_snrm_comes_out():
    found = encoding.build_hdlc_frame(b"", target=(1, 1), source=(16, 1), control=0x93)

    assert "7ea0070321930f017e" == found.hex()


def test_an_hdlc_frame_counts_all_between_its_flags():
    found = encoding.build_hdlc_frames(b"\x0f" * 100)

    assert 1 == found[0:1].count(encoding.FLAG)
    assert (0xA000 | len(found) - 2).to_bytes(2, "big") == found[1:3]
    assert telegrams.compute_crc_x25(found[1:-3]).to_bytes(2, "little") == found[-3:-1]
    assert encoding.LLC + b"\x0f" * 100 == found[9:-3]


def test_segments_say_that_more_follows_and_only_the_first_has_the_llc():
    found = encoding.build_hdlc_frames(bytes(100), content_max=40)

    parts = found.split(b"\x7e\x7e")
    assert 3 == len(parts)
    assert found.count(encoding.LLC) == 1
    assert (
        found
        == encoding.build_hdlc_frames(bytes(100), content_max=40, shares_flags=True).replace(
            b"\x7e", b"\x7e\x7e"
        )[1:-1]
    )


def test_the_wrapper_tells_ports_and_length():
    assert "00010001006600020f00" == encoding.build_wrapper(b"\x0f\x00").hex()


def test_m_bus_segments_are_numbered_and_the_last_is_marked():
    found = encoding.build_mbus_frames(bytes(300))

    assert "68fafa6853ff000167" == found[:9].hex()
    second = found[256:]
    assert "683c3c6853ff110167" == second[:9].hex()
    assert (telegrams.compute_byte_sum(second[4:-2]), 0x16) == (second[-2], second[-1])
