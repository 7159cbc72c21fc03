"""A meter is read whole: with each security, in blocks and lists, with its load curve, and when it refuses."""

from collections.abc import Sequence
from typing import Any

import pytest
from tests.drivers.meter.dlms.conftest import (
    AUTHENTICATION,
    KEY,
    TITLE,
    array,
    clock,
    i8,
    length,
    named,
    octets,
    said,
    sealed,
    structure,
    u16,
    u32,
    unit,
)
from tests.drivers.meter.dlms.server import CHALLENGE, SERVER_TITLE, Meter, Station
from tests.drivers.meter.dlms.test_link import held

from quartier_drivers.errors import NoReply, Refused
from quartier_drivers.meter.dlms.ciphering import CipherKeys
from quartier_drivers.meter.dlms.client import ClientAccess, DlmsClient
from quartier_drivers.meter.dlms.client_services import HIGH_SECURITY_GMAC, LOW_SECURITY
from quartier_drivers.meter.dlms.hdlc import make_server_address
from quartier_drivers.meter.dlms.link import HdlcLink, WrapperLink
from quartier_drivers.meter.dlms.objects import make_wanted
from quartier_drivers.meter.dlms.values import parse_obis
from quartier_drivers.meter.telegrams import Telegram

LABELS = ("0-0:96.1.0", "0-0:1.0.0", "1-0:1.8.0", "1-0:32.7.0", "1-0:1.6.0", "0-0:96.14.0")
CURVE = parse_obis("1-0:99.1.0")


def objects() -> dict[tuple[int, bytes, int], bytes]:
    return {
        (1, parse_obis("0-0:96.1.0"), 2): octets(b"LGZ1030655933512"),
        (8, parse_obis("0-0:1.0.0"), 2): octets(clock()),
        (3, parse_obis("1-0:1.8.0"), 2): u32(477),
        (3, parse_obis("1-0:1.8.0"), 3): unit(1, 30),
        (3, parse_obis("1-0:32.7.0"), 2): u16(2361),
        (3, parse_obis("1-0:32.7.0"), 3): unit(-1, 35),
        (4, parse_obis("1-0:1.6.0"), 2): u32(5),
        (4, parse_obis("1-0:1.6.0"), 3): unit(3, 27),
        (4, parse_obis("1-0:1.6.0"), 5): octets(clock(hour=7)),
        (3, parse_obis("0-0:96.14.0"), 2): u16(2),
        (7, CURVE, 3): array(
            structure(u16(8), named("0-0:1.0.0"), i8(2), u16(0)),
            structure(u16(3), named("1-0:1.8.0"), i8(2), u16(0)),
        ),
        (7, CURVE, 4): u32(900),
        (1, parse_obis("0-0:43.1.0"), 2): u32(41),
    }


EXPECTED = {
    "0-0:96.1.0": ("LGZ1030655933512", ""),
    "0-0:1.0.0": ("2026-11-25T20:10:05+01:00", ""),
    "1-0:1.8.0": (4770, "Wh"),
    "1-0:32.7.0": (236.1, "V"),
    "1-0:1.6.0": (5000, "W"),
    "0-0:96.14.0": (2, ""),
}


def rows(*minutes: int) -> list[tuple[bytes, bytes]]:
    stamps = [clock(minute=minute, second=0) for minute in minutes]
    return [
        (stamp, structure(octets(stamp), u32(minute))) for stamp, minute in zip(stamps, minutes, strict=True)
    ]


def client(
    access: ClientAccess = ClientAccess(),  # noqa: B008 - it is frozen
    labels: Sequence[str] = LABELS,
    **settings: Any,
) -> DlmsClient:
    return DlmsClient(
        lambda number: HdlcLink(number, make_server_address(1, 17), wait_s=1.0),
        access,
        [make_wanted(label) for label in labels],
        lambda: b"challengechallen",
        **settings,
    )


class MeterLine:
    """A station for each client that may come."""

    def __init__(self, meter: Meter, size: int = 128) -> None:
        self.meter = meter
        self._size = size
        self._stations: dict[bytes, Station] = {}

    def hear(self, data: bytes) -> bytes:
        address = data[5:6]
        station = self._stations.setdefault(address, Station(self.meter, client=address, size=self._size))
        return station.hear(data)


def reading(made: DlmsClient, meter: Meter, size: int = 0) -> list[Telegram]:
    return held(made.read(), MeterLine(meter).hear, size)


@pytest.mark.parametrize("size", [0, 1])
@pytest.mark.parametrize(("lists", "block_size"), [(1, 0), (0, 0), (1, 20), (0, 7)])
def test_objects_are_read_one_by_one_in_lists_and_in_blocks(lists: int, block_size: int, size: int) -> None:
    meter = Meter(objects(), lists=bool(lists), block_size=block_size)
    (telegram,) = reading(client(), meter, size)

    assert "LGZ1030655933512" == telegram.meter
    assert EXPECTED == said([telegram])[0]
    assert "2026-11-25T07:10:05+01:00" == next(
        group.time for group in telegram.groups if group.label == "1-0:1.6.0"
    )


ACCESS = {
    "low": (
        ClientAccess(client=32, mechanism=LOW_SECURITY, secret=b"12345678"),
        {"mechanism": 1, "password": b"12345678"},
    ),
    "gmac": (
        ClientAccess(
            client=1, mechanism=HIGH_SECURITY_GMAC, keys=CipherKeys(KEY, AUTHENTICATION), title=TITLE
        ),
        {"mechanism": 5},
    ),
    "ciphered": (
        ClientAccess(
            client=1,
            mechanism=HIGH_SECURITY_GMAC,
            keys=CipherKeys(KEY, AUTHENTICATION),
            title=TITLE,
            is_ciphered=True,
        ),
        {"mechanism": 5, "is_ciphered": True},
    ),
    "counted": (
        ClientAccess(
            client=1,
            mechanism=HIGH_SECURITY_GMAC,
            keys=CipherKeys(KEY, AUTHENTICATION),
            title=TITLE,
            is_ciphered=True,
            counter_name=parse_obis("0-0:43.1.0"),
        ),
        {"mechanism": 5, "is_ciphered": True, "seen_counter": 41},
    ),
    "ciphered without proof": (
        ClientAccess(
            client=1,
            mechanism=LOW_SECURITY,
            secret=b"12345678",
            keys=CipherKeys(KEY, AUTHENTICATION),
            title=TITLE,
            is_ciphered=True,
        ),
        {"mechanism": 1, "password": b"12345678", "is_ciphered": True},
    ),
}


@pytest.mark.parametrize("security", ACCESS)
@pytest.mark.parametrize("block_size", [0, 30])
def test_each_security_reads_the_same_again_and_again(security: str, block_size: int) -> None:
    access, settings = ACCESS[security]
    meter, made = Meter(objects(), block_size=block_size, **settings), client(access)

    for _ in range(3):
        assert [EXPECTED] == said(reading(made, meter))


def test_scalers_are_read_once() -> None:
    meter, made = Meter(objects(), lists=False), client()
    reading(made, meter)
    first = len(meter.log)
    reading(made, meter)

    assert any(request[11:12] == b"\x03" for request in meter.log[:first])
    assert not any(request[0] == 0xC0 and request[11:12] == b"\x03" for request in meter.log[first:])


def test_a_load_curve_is_read_from_its_last_rows_on() -> None:
    meter = Meter(objects(), buffers={CURVE: rows(0, 15, 30, 45)}, block_size=40)
    made = client(labels=("0-0:96.1.0", "1-0:99.1.0"), rows=3)

    *curve, present = reading(made, meter)
    assert [(minute * 10, "Wh") for minute in (15, 30, 45)] == [
        entry["1-0:99.1.0/1-0:1.8.0"] for entry in said(curve)
    ]
    assert "2026-11-25T20:45:00+01:00" == curve[-1].groups[0].time
    assert {"0-0:96.1.0": EXPECTED["0-0:96.1.0"]} == said([present])[0]

    meter.buffers[CURVE] += rows(50, 55)
    *curve, _ = reading(made, meter)
    assert [500, 550] == [telegram.groups[0].value for telegram in curve]
    *curve, _ = reading(made, meter)
    assert [] == curve


def test_the_wrapper_serves_as_well() -> None:
    meter = Meter(objects(), block_size=50)
    made = DlmsClient(
        lambda number: WrapperLink(number, 1),
        ClientAccess(),
        [make_wanted(label) for label in LABELS],
        lambda: b"",
    )

    def hear(data: bytes) -> bytes:
        answer = meter.answer(data[8:])
        return b"\0\x01\0\x01\0\x10" + len(answer).to_bytes(2, "big") + answer

    assert [EXPECTED] == said(held(made.read(), hear, 3))


def test_what_the_meter_does_not_have_is_left_out() -> None:
    assert ["0-0:96.1.0"] == list(
        said(reading(client(labels=("0-0:96.1.0", "1-0:2.8.0", "1-0:98.9.9")), Meter(objects())))[0]
    )
    with pytest.raises(Refused, match="none of what is wanted"):
        reading(client(labels=("1-0:2.8.0",)), Meter(objects()))


def test_what_the_meter_does_not_have_is_asked_for_once() -> None:
    meter, made = Meter(objects(), lists=False), client(labels=("0-0:96.1.0", "1-0:2.8.0"))
    reading(made, meter)
    first = len(meter.log)
    reading(made, meter)

    absent = parse_obis("1-0:2.8.0")
    assert any(absent in request for request in meter.log[:first])
    assert not any(absent in request for request in meter.log[first:])


def test_a_load_curve_that_is_refused_costs_nothing_else() -> None:
    class Shy(Meter):
        def _service(self, apdu: bytes) -> bytes:
            return b"\xd8\x01\x02" if CURVE in apdu else super()._service(apdu)

    made = client(labels=("0-0:96.1.0", "1-0:99.1.0"))
    assert [{"0-0:96.1.0": EXPECTED["0-0:96.1.0"]}] == said(
        reading(made, Shy(objects(), buffers={CURVE: rows(0)}))
    )


def test_after_nonsense_the_meter_is_let_go() -> None:
    class Odd(Meter):
        def _service(self, apdu: bytes) -> bytes:
            return b"\xc4\x07\xc1\x00\x00" if apdu else b""

    meter = Odd(objects())
    made = DlmsClient(
        lambda number: WrapperLink(number, 1), ClientAccess(), [make_wanted("1-0:1.8.0")], lambda: b""
    )

    def hear(data: bytes) -> bytes:
        answer = meter.answer(data[8:])
        return b"\0\x01\0\x01\0\x10" + len(answer).to_bytes(2, "big") + answer

    with pytest.raises(NoReply):
        held(made.read(), hear)
    assert b"\x62" == meter.log[-1][:1]


def test_a_wrong_password_is_refused() -> None:
    with pytest.raises(Refused, match="password"):
        reading(
            client(ClientAccess(mechanism=LOW_SECURITY, secret=b"wrong")),
            Meter(objects(), mechanism=1, password=b"12345678"),
        )


def test_a_meter_that_does_not_prove_itself_is_refused() -> None:
    class Liar(Meter):
        def _service(self, apdu: bytes) -> bytes:
            answer = super()._service(apdu)
            return answer[:-1] + b"\0" if apdu[0] == 0xC3 else answer

    access, settings = ACCESS["gmac"]
    with pytest.raises(Refused, match="prove"):
        reading(client(access), Liar(objects(), **settings))


def test_our_own_proof_sent_back_proves_nothing() -> None:
    class Mirror(Meter):
        def answer(self, apdu: bytes) -> bytes:
            if apdu[0] == 0xC3:
                return b"\xc7\x01\xc1\x00\x01\x00" + apdu[13:]
            whole = super().answer(apdu)
            return whole.replace(SERVER_TITLE, TITLE).replace(CHALLENGE, b"challengechallen")

    access, settings = ACCESS["gmac"]
    with pytest.raises(Refused, match="our own title"):
        reading(client(access), Mirror(objects(), **settings))


def test_a_challenge_that_proves_nothing_is_refused() -> None:
    class Lazy(Meter):
        def answer(self, apdu: bytes) -> bytes:
            aare = super().answer(apdu)
            at = aare.index(b"\xaa\x12\x80\x10")
            return b"\x61" + bytes([aare[1] - 16]) + aare[2:at] + b"\xaa\x02\x80\x00" + aare[at + 20 :]

    access, settings = ACCESS["gmac"]
    with pytest.raises(Refused, match="too short"):
        reading(client(access), Lazy(objects(), **settings))


@pytest.mark.parametrize("told", [u32(2**32 - 1), b"\x15" + bytes([255] * 8), b"\x05\xff\xff\xff\xf0"])
def test_a_counter_that_is_used_up_is_refused(told: bytes) -> None:
    access, settings = ACCESS["counted"]
    meter = Meter({**objects(), (1, parse_obis("0-0:43.1.0"), 2): told}, **settings)

    with pytest.raises(Refused, match="used up"):
        reading(client(access), meter)


def test_an_answer_in_clear_to_a_ciphered_request_counts_for_nothing() -> None:
    class Naked(Meter):
        def answer(self, apdu: bytes) -> bytes:
            whole = super().answer(apdu)
            return b"\xc4\x01\xc1\x00" + u32(7) if apdu[0] == 0xC8 else whole

    access, settings = ACCESS["ciphered"]
    with pytest.raises(NoReply, match="in clear"):
        reading(client(access), Naked(objects(), **settings))


def test_an_answer_that_is_encrypted_and_not_authenticated_counts_for_nothing() -> None:
    class Loose(Meter):
        def _sealed(self, apdu: bytes) -> bytes:
            self.counter += 1
            return sealed(apdu, self.counter, 0x20, title=SERVER_TITLE)[10:]

    access, settings = ACCESS["ciphered"]
    with pytest.raises((NoReply, Refused), match="nothing authenticates"):
        reading(client(access), Loose(objects(), **settings))


@pytest.mark.parametrize(
    "answer",
    [
        b"\xc4\x02\xc1\x00\x00\x00\x00\x02\x00\x01\x00",
        b"\xc4\x01\xc1\x00\x06",
        b"\xc4",
        b"\xc4\x03\xc1\x05\x00",
        b"\x61\x00",
    ],
)
def test_answers_that_make_no_sense_are_no_reply(answer: bytes) -> None:
    class Odd(Meter):
        def _service(self, apdu: bytes) -> bytes:
            return answer if apdu else b""

    with pytest.raises(NoReply, match="makes no sense"):
        reading(client(), Odd(objects()))


def test_blocks_without_end_are_given_up() -> None:
    class Endless(Meter):
        def _service(self, apdu: bytes) -> bytes:
            number = int.from_bytes(apdu[3:7], "big") + 1 if apdu[1] == 2 else 1
            return b"\xc4\x02\xc1\x00" + number.to_bytes(4, "big") + b"\x00" + length(1000) + bytes(1000)

    with pytest.raises(NoReply, match="more than"):
        reading(client(), Endless(objects()))


def test_nothing_of_a_key_or_password_is_shown() -> None:
    shown = repr(ACCESS["ciphered"][0]) + repr(ACCESS["low"][0])

    assert KEY.hex() not in shown
    assert "12345678" not in shown
