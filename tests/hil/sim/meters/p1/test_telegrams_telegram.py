from quartier_sim.meters import telegrams
from quartier_sim.meters.p1.telegrams import build_telegram, make_octets_entry, make_text_entry

ENTRIES = [make_text_entry("1-3:0.2.8", "50"), make_octets_entry("0-0:96.1.1", "K8")]
BODY = b"/ISK5\\2M550T-1012\r\n\r\n1-3:0.2.8(50)\r\n0-0:96.1.1(4B38)\r\n!"


def test_the_check_covers_slash_to_exclamation_mark():
    found = build_telegram("ISK5\\2M550T-1012", ENTRIES)

    assert BODY + f"{telegrams.compute_crc_arc(BODY):04X}\r\n".encode() == found.data
    assert "4B38" == found.meter


def test_older_ones_have_none_and_some_leave_its_zeros_out():
    assert BODY + b"\r\n" == build_telegram("ISK5\\2M550T-1012", ENTRIES, "none").data
    for number in range(10_000):
        entries = [make_text_entry("0-0:96.14.0", f"{number:04d}")]
        crc = build_telegram("X", entries).data[-6:-2]
        if crc.startswith(b"0"):
            assert crc.lstrip(b"0") == build_telegram("X", entries, "short").data.split(b"!")[1].strip()
            assert crc.lower() == build_telegram("X", entries, "small").data[-6:-2]
            return
