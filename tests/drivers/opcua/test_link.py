"""The one user of the library: what it raises is sorted by what the caller does next."""

import subprocess
import sys
from contextlib import nullcontext

import pytest
from asyncua import ua

from quartier_drivers.errors import LinkLost, NoReply
from quartier_drivers.opcua import link
from quartier_drivers.opcua.certificate import Own
from quartier_drivers.opcua.offer import ENCRYPT, NONE, Offer
from quartier_drivers.opcua.told import Access, Login, Silent, TooMuch


@pytest.mark.parametrize(
    ("error", "kind", "says"),
    [
        (ua.UaStatusCodeError(ua.StatusCodes.BadTooManyOperations), TooMuch, "BadTooManyOperations"),
        (ua.UaStatusCodeError(ua.StatusCodes.BadSecurityChecksFailed), Login, "refuses our certificate"),
        (ua.UaStatusCodeError(ua.StatusCodes.BadSessionIdInvalid), LinkLost, "BadSessionIdInvalid"),
        (ua.UaStatusCodeError(ua.StatusCodes.BadServiceUnsupported), NoReply, "BadServiceUnsupported"),
        (TimeoutError(), Silent, "is silent"),
        (ConnectionResetError(104, "x"), LinkLost, "Connection reset by peer"),
        (ConnectionError("Connection is closed"), LinkLost, "Connection is closed"),
        (ua.UaError("odd"), NoReply, "answered rubbish: odd"),
        (ValueError("odd"), NoReply, "answered rubbish: odd"),
    ],
)
def test_what_the_library_raises_is_told_by_what_to_do_next(error, kind, says):
    with pytest.raises(kind, match=says), link._told("opc.tcp://plant"):
        raise error


def test_the_library_s_own_log_is_silent():
    code = (
        "import logging; from quartier_drivers.opcua import link;"
        "print(logging.getLogger('asyncua.client').isEnabledFor(logging.CRITICAL))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    assert "False" == done.stdout.strip()


async def test_an_offer_says_policy_mode_and_certificate(plant):
    found = await link.offers(plant.url, "127.0.0.1", 5.0)

    der = (plant.folder / "cert.der").read_bytes()
    assert {("Basic256Sha256", "sign"), ("Basic256Sha256", "sign-and-encrypt")} <= {
        (one.policy, one.mode) for one in found
    }
    assert {der} == {one.certificate for one in found if one.policy != "None"}


async def test_what_is_below_a_node_is_listed(line):
    below = await line.children((0, 85))

    assert {"Server", "Plant"} <= {child.name for child in below}
    (plant_,) = [child for child in below if child.name == "Plant"]
    assert "Power" in {child.name for child in await line.children(plant_.place)}
    assert "Object" == plant_.kind


@pytest.mark.parametrize(
    ("signed", "is_well"),
    [
        ([("Basic256Sha256", ENCRYPT)], True),
        ([("Basic256Sha256", ENCRYPT), ("None", NONE)], True),
        ([("Basic256Sha256", ENCRYPT), ("Aes256_Sha256_RsaPss", ENCRYPT)], False),
        ([], True),
    ],
)
def test_a_better_offer_that_was_kept_from_us_is_found(signed, is_well):
    allowed = (("Aes256_Sha256_RsaPss", ENCRYPT), ("Basic256Sha256", ENCRYPT))
    access = Access(Offer("Basic256Sha256", ENCRYPT, b""), Own(b"", b"", "urn:a"), allowed)
    session = link.Session("opc.tcp://plant", 1.0)
    offers = [Offer(policy, mode, b"") for policy, mode in signed]

    with nullcontext() if is_well else pytest.raises(Login, match="somebody may be in between"):
        session._as_offered(access, offers)
