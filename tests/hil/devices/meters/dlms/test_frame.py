from quartier_hil.devices.meters import checks
from quartier_hil.devices.meters.dlms import frame


def test_the_frame_of_the_standards_snrm_comes_out():
    found = frame.hdlc_frame(b"", target=(1, 1), source=(16, 1), control=0x93)

    assert "7ea0070321930f017e" == found.hex()


def test_an_hdlc_frame_counts_all_between_its_flags():
    found = frame.hdlc(b"\x0f" * 100)

    assert 1 == found[0:1].count(frame.FLAG)
    assert (0xA000 | len(found) - 2).to_bytes(2, "big") == found[1:3]
    assert checks.x25(found[1:-3]).to_bytes(2, "little") == found[-3:-1]
    assert frame.LLC + b"\x0f" * 100 == found[9:-3]


def test_segments_say_that_more_follows_and_only_the_first_has_the_llc():
    found = frame.hdlc(bytes(100), content_max=40)

    parts = found.split(b"\x7e\x7e")
    assert 3 == len(parts)
    assert found.count(frame.LLC) == 1
    assert (
        found == frame.hdlc(bytes(100), content_max=40, shares_flags=True).replace(b"\x7e", b"\x7e\x7e")[1:-1]
    )


def test_the_wrapper_tells_ports_and_length():
    assert "00010001006600020f00" == frame.wrapped(b"\x0f\x00").hex()


def test_m_bus_segments_are_numbered_and_the_last_is_marked():
    found = frame.carried(bytes(300))

    assert "68fafa6853ff000167" == found[:9].hex()
    second = found[256:]
    assert "683c3c6853ff110167" == second[:9].hex()
    assert (checks.byte_sum(second[4:-2]), 0x16) == (second[-2], second[-1])
