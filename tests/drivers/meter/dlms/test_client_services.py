"""Associations are asked for as the standard writes them, and only what the meter proves counts."""

import pytest
from tests.drivers.meter.dlms.conftest import AUTHENTICATION, KEY, TITLE
from tests.drivers.meter.dlms.server import CHALLENGE, SERVER_TITLE, Meter, gmac

from quartier_drivers.errors import Refused
from quartier_drivers.meter.dlms.axdr import MalformedData
from quartier_drivers.meter.dlms.ciphering import CipherKeys
from quartier_drivers.meter.dlms.client_services import (
    HIGH_SECURITY_GMAC,
    LOW_SECURITY,
    NO_SECURITY,
    is_proof_valid,
    make_associate_request,
    make_proof,
    parse_grant,
)

KEYS = CipherKeys(KEY, AUTHENTICATION)


def test_without_authentication_it_is_the_standards_shortest_request() -> None:
    expected = "601d a109060760857405080101 be10 040e 01000000065f1f04 00001215 1000"

    assert bytes.fromhex(expected) == make_associate_request(NO_SECURITY, b"")


def test_a_password_is_sent_as_it_is() -> None:
    made = make_associate_request(LOW_SECURITY, b"12345678")

    assert bytes.fromhex("8a0207808b0760857405080201ac0a80083132333435363738") in made


def test_a_meter_grants_what_it_is_asked_for() -> None:
    grant = parse_grant(
        Meter(mechanism=1, password=b"12345678").answer(make_associate_request(LOW_SECURITY, b"12345678"))
    )

    assert (0x1215, 0x0400, True) == (grant.conformance, grant.pdu_max, grant.is_listing)


@pytest.mark.parametrize(
    ("why", "asked"),
    [
        ("password or keys", make_associate_request(LOW_SECURITY, b"wrong")),
        ("not recognised", make_associate_request(HIGH_SECURITY_GMAC, b"x" * 16, title=TITLE)),
    ],
)
def test_a_refusal_says_why(why: str, asked: bytes) -> None:
    with pytest.raises(Refused, match=why):
        parse_grant(Meter(mechanism=1, password=b"12345678").answer(asked))


@pytest.mark.parametrize(
    "answer", ["", "60", "6105a203020100", "6103be0101", "610abe0804060800065f1f04", "61ff"]
)
def test_what_is_no_answer_is_malformed(answer: str) -> None:
    with pytest.raises(MalformedData):
        parse_grant(bytes.fromhex(answer))


def test_a_proof_is_what_another_library_computes() -> None:
    assert gmac(TITLE, b"\0\0\0\x07", CHALLENGE) == make_proof(KEYS, TITLE, 7, CHALLENGE)


def test_only_the_right_proof_counts() -> None:
    right = gmac(SERVER_TITLE, b"\0\0\0\x09", b"ours")

    assert is_proof_valid(KEYS, SERVER_TITLE, right, b"ours")
    assert not is_proof_valid(KEYS, SERVER_TITLE, right, b"other")
    assert not is_proof_valid(KEYS, TITLE, right, b"ours")
    assert not is_proof_valid(KEYS, SERVER_TITLE, right[:-1], b"ours")
    assert not is_proof_valid(KEYS, SERVER_TITLE, b"\0" + right[1:], b"ours")
    assert not is_proof_valid(CipherKeys(KEY), SERVER_TITLE, right, b"ours")
