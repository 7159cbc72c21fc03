from quartier_hil.devices.meters import checks
from quartier_hil.devices.meters.p1.entry import octets, text
from quartier_hil.devices.meters.p1.telegram import telegram

ENTRIES = [text("1-3:0.2.8", "50"), octets("0-0:96.1.1", "K8")]
BODY = b"/ISK5\\2M550T-1012\r\n\r\n1-3:0.2.8(50)\r\n0-0:96.1.1(4B38)\r\n!"


def test_the_check_covers_slash_to_exclamation_mark():
    found = telegram("ISK5\\2M550T-1012", ENTRIES)

    assert BODY + f"{checks.arc(BODY):04X}\r\n".encode() == found.data
    assert "4B38" == found.meter


def test_older_ones_have_none_and_some_leave_its_zeros_out():
    assert BODY + b"\r\n" == telegram("ISK5\\2M550T-1012", ENTRIES, "none").data
    for number in range(10_000):
        entries = [text("0-0:96.14.0", f"{number:04d}")]
        crc = telegram("X", entries).data[-6:-2]
        if crc.startswith(b"0"):
            assert crc.lstrip(b"0") == telegram("X", entries, "short").data.split(b"!")[1].strip()
            assert crc.lower() == telegram("X", entries, "small").data[-6:-2]
            return
