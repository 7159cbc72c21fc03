"""The one user of the library: what it raises is sorted by what the caller does next."""

import subprocess
import sys
from contextlib import nullcontext

import pytest
from asyncua import ua

from quartier_drivers.errors import LinkLost, NoReply
from quartier_drivers.opcua.connection import session as connection_session
from quartier_drivers.opcua.connection.credentials import OwnCertificate
from quartier_drivers.opcua.connection.session_types import (
    LoginRefused,
    ServerSilent,
    SessionAccess,
    TooLarge,
)
from quartier_drivers.opcua.endpoint_choice import ENCRYPT_MODE, NO_SECURITY_MODE, EndpointOffer


@pytest.mark.parametrize(
    ("error", "kind", "says"),
    [
        (ua.UaStatusCodeError(ua.StatusCodes.BadTooManyOperations), TooLarge, "BadTooManyOperations"),
        (
            ua.UaStatusCodeError(ua.StatusCodes.BadSecurityChecksFailed),
            LoginRefused,
            "refuses our certificate",
        ),
        (ua.UaStatusCodeError(ua.StatusCodes.BadSessionIdInvalid), LinkLost, "BadSessionIdInvalid"),
        (ua.UaStatusCodeError(ua.StatusCodes.BadServiceUnsupported), NoReply, "BadServiceUnsupported"),
        (TimeoutError(), ServerSilent, "is silent"),
        (ConnectionResetError(104, "x"), LinkLost, "Connection reset by peer"),
        (ConnectionError("Connection is closed"), LinkLost, "Connection is closed"),
        (ua.UaError("odd"), NoReply, "answered rubbish: odd"),
        (ValueError("odd"), NoReply, "answered rubbish: odd"),
    ],
)
def test_what_the_library_raises_is_told_by_what_to_do_next(error, kind, says):
    with pytest.raises(kind, match=says), connection_session._translate_errors("opc.tcp://plant"):
        raise error


def test_the_library_s_own_log_is_silent():
    code = (
        "import logging; from quartier_drivers.opcua.connection import session;"
        "print(logging.getLogger('asyncua.client').isEnabledFor(logging.CRITICAL))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    assert "False" == done.stdout.strip()


async def test_an_offer_says_policy_mode_and_certificate(plant):
    found = await connection_session.fetch_server_offers(plant.url, "127.0.0.1", 5.0)

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
        ([("Basic256Sha256", ENCRYPT_MODE)], True),
        ([("Basic256Sha256", ENCRYPT_MODE), ("None", NO_SECURITY_MODE)], True),
        ([("Basic256Sha256", ENCRYPT_MODE), ("Aes256_Sha256_RsaPss", ENCRYPT_MODE)], False),
        ([], True),
    ],
)
def test_a_better_offer_that_was_kept_from_us_is_found(signed, is_well):
    allowed = (("Aes256_Sha256_RsaPss", ENCRYPT_MODE), ("Basic256Sha256", ENCRYPT_MODE))
    access = SessionAccess(
        EndpointOffer("Basic256Sha256", ENCRYPT_MODE, b""), OwnCertificate(b"", b"", "urn:a"), allowed
    )
    session = connection_session.OpcuaSession("opc.tcp://plant", 1.0)
    offers = [EndpointOffer(policy, mode, b"") for policy, mode in signed]

    with nullcontext() if is_well else pytest.raises(LoginRefused, match="somebody may be in between"):
        session._as_offered(access, offers)
