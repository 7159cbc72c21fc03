"""Associations are asked for as the standard writes them, and only what the meter proves counts."""

import pytest
from tests.drivers.meter.dlms.conftest import AUTHENTICATION, KEY, TITLE
from tests.drivers.meter.dlms.server import CHALLENGE, SERVER_TITLE, Meter, gmac

from quartier_drivers.errors import Refused
from quartier_drivers.meter.dlms.association import (
    GMAC,
    LOW,
    NONE,
    granted,
    is_proven,
    proof,
    request,
)
from quartier_drivers.meter.dlms.axdr import Malformed
from quartier_drivers.meter.dlms.ciphering import Keys

KEYS = Keys(KEY, AUTHENTICATION)


def test_without_authentication_it_is_the_standards_shortest_request() -> None:
    expected = "601d a109060760857405080101 be10 040e 01000000065f1f04 00001215 1000"

    assert bytes.fromhex(expected) == request(NONE, b"")


def test_a_password_is_sent_as_it_is() -> None:
    made = request(LOW, b"12345678")

    assert bytes.fromhex("8a0207808b0760857405080201ac0a80083132333435363738") in made


def test_a_meter_grants_what_it_is_asked_for() -> None:
    grant = granted(Meter(mechanism=1, password=b"12345678").answer(request(LOW, b"12345678")))

    assert (0x1215, 0x0400, True) == (grant.conformance, grant.pdu_max, grant.is_listing)


@pytest.mark.parametrize(
    ("why", "asked"),
    [("password or keys", request(LOW, b"wrong")), ("not recognised", request(GMAC, b"x" * 16, title=TITLE))],
)
def test_a_refusal_says_why(why: str, asked: bytes) -> None:
    with pytest.raises(Refused, match=why):
        granted(Meter(mechanism=1, password=b"12345678").answer(asked))


@pytest.mark.parametrize(
    "answer", ["", "60", "6105a203020100", "6103be0101", "610abe0804060800065f1f04", "61ff"]
)
def test_what_is_no_answer_is_malformed(answer: str) -> None:
    with pytest.raises(Malformed):
        granted(bytes.fromhex(answer))


def test_a_proof_is_what_another_library_computes() -> None:
    assert gmac(TITLE, b"\0\0\0\x07", CHALLENGE) == proof(KEYS, TITLE, 7, CHALLENGE)


def test_only_the_right_proof_counts() -> None:
    right = gmac(SERVER_TITLE, b"\0\0\0\x09", b"ours")

    assert is_proven(KEYS, SERVER_TITLE, right, b"ours")
    assert not is_proven(KEYS, SERVER_TITLE, right, b"other")
    assert not is_proven(KEYS, TITLE, right, b"ours")
    assert not is_proven(KEYS, SERVER_TITLE, right[:-1], b"ours")
    assert not is_proven(KEYS, SERVER_TITLE, b"\0" + right[1:], b"ours")
    assert not is_proven(Keys(KEY), SERVER_TITLE, right, b"ours")
