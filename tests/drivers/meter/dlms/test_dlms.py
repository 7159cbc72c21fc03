"""What the room gives to the others: a decoder and a reader, each made of plain settings."""

from typing import Any

import pytest
from tests.drivers.meter.dlms.conftest import (
    AUTHENTICATION,
    KEY,
    TITLE,
    kamstrup,
    mbus,
    notification,
    said,
    sealed,
)
from tests.drivers.meter.dlms.server import Meter, Station
from tests.drivers.meter.dlms.test_client import EXPECTED, LABELS, objects
from tests.drivers.meter.dlms.test_link import held

from quartier_drivers.meter.dlms import decoder, reader
from quartier_drivers.meter.telegrams import Group


def test_a_decoder_takes_keys_and_defects() -> None:
    made = decoder(defects=["energy-in-wh"], encryption_key=KEY, authentication_key=AUTHENTICATION)
    (telegram,) = made.feed(mbus(sealed(notification(kamstrup()), 1)))

    assert Group("1-1:1.8.0", 6307498, "Wh") in telegram.groups


def test_an_authentication_key_alone_proves_nothing() -> None:
    with pytest.raises(ValueError, match="needs the encryption_key"):
        decoder(authentication_key=AUTHENTICATION)


def test_a_decoder_needs_nothing() -> None:
    assert 1 == len(decoder().feed(mbus(notification(kamstrup()))))


SECURITIES: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "none": ({}, {}),
    "low": ({"client": 32, "password": b"12345678"}, {"mechanism": 1, "password": b"12345678"}),
    "high": (
        {"client": 1, "title": TITLE.hex(), "encryption_key": KEY, "authentication_key": AUTHENTICATION},
        {"mechanism": 5},
    ),
}


@pytest.mark.parametrize("security", SECURITIES)
def test_a_reader_takes_what_the_bus_and_the_profile_say(security: str) -> None:
    ours, theirs = SECURITIES[security]
    client = bytes([ours.get("client", 16) << 1 | 1])
    station = Station(Meter(objects(), **theirs), client=client, server=b"\x00\x02\x00\x23")
    made = reader(unit=17, wanted=LABELS, security=security, address_size=4, **ours)

    assert [EXPECTED] == said(held(made.read(), station.hear))


@pytest.mark.parametrize("settings", [{"over_tcp": True}, {"transport": "wrapper"}])
def test_over_tcp_there_is_a_wrapper(settings: dict[str, Any]) -> None:
    meter = Meter(objects())
    made = reader(unit=1, wanted=LABELS, logical=3, **settings)

    def hear(data: bytes) -> bytes:
        assert b"\0\x01\0\x10\0\x03" == data[:6]
        answer = meter.answer(data[8:])
        return b"\0\x01\0\x03\0\x10" + len(answer).to_bytes(2, "big") + answer

    assert [EXPECTED] == said(held(made.read(), hear))


def test_columns_of_a_load_curve_want_the_curve_once() -> None:
    made = reader(unit=1, wanted=["1-0:99.1.0/1-0:1.29.0", "1-0:99.1.0/1-0:2.29.0"], classes={})

    assert 1 == len(made._wanted)


@pytest.mark.parametrize("settings", [{"security": "high"}, {"is_ciphered": True, "encryption_key": KEY}])
def test_missing_keys_are_named(settings: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="want an encryption_key and an authentication_key"):
        reader(unit=1, wanted=LABELS, **settings)
