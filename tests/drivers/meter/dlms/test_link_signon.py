"""A meter behind an optical head is woken as IEC 62056-21 says, and spoken to at its own speed."""

import pytest
from tests.drivers.meter.dlms.test_link import held

from quartier_drivers.errors import NoReply
from quartier_drivers.meter.dlms.link import sign_on
from quartier_drivers.meter.telegrams import LineRequest


@pytest.mark.parametrize("size", [0, 1])
@pytest.mark.parametrize("echo", [b"", b"/?!\r\n"])
@pytest.mark.parametrize(
    ("baud", "identity"),
    [(9600, b"/LGZ5\\2ZMD3104407\r\n"), (300, b"/ISk0ME162\r\n"), (19200, b"/ELS6\\@V10.04\r\n")],
)
def test_the_speed_that_the_meter_proposes_is_taken(
    baud: int, identity: bytes, echo: bytes, size: int
) -> None:
    sent: list[bytes] = []

    def hear(data: bytes) -> bytes:
        sent.append(data)
        return echo + identity if data.startswith(b"/") else b""

    assert baud == held(sign_on(), hear, size)
    assert [b"/?!\r\n", b"\x062" + identity[4:5] + b"2\r\n"] == sent


def test_it_begins_at_300_baud_and_goes_on_in_eight_bits() -> None:
    talk = sign_on()
    first = next(talk)
    acknowledged = talk.send(b"/LGZ5ZMD\r\n")
    changed = talk.send(b"")

    assert (300, "7E1") == (first.baud, first.framing)
    assert (0, "") == (acknowledged.baud, acknowledged.framing)
    assert LineRequest(b"", changed.wait_s, 9600, "8N1", fresh=True) == changed


def test_parity_bits_do_not_matter() -> None:
    identity = bytes(byte | (0x80 if byte.bit_count() % 2 else 0) for byte in b"/LGZ5ZMD\r\n")

    assert 9600 == held(sign_on(), lambda data: identity if data.startswith(b"/") else b"")


@pytest.mark.parametrize(
    ("why", "said"),
    [("nothing answers", b""), ("nothing answers", b"noise" * 100), ("proposes", b"/LGZAX\r\n")],
)
def test_what_does_not_answer_is_no_reply(why: str, said: bytes) -> None:
    with pytest.raises(NoReply, match=why):
        held(sign_on(), lambda _: said)
