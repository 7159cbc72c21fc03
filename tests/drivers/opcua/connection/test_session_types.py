"""The words of the link: none of them tells a secret."""

from quartier_drivers.opcua.connection.credentials import OwnCertificate
from quartier_drivers.opcua.connection.session_types import SessionAccess
from quartier_drivers.opcua.endpoint_choice import ENCRYPT_MODE, EndpointOffer


def test_what_we_log_in_with_is_never_shown():
    access = SessionAccess(
        EndpointOffer("Basic256Sha256", ENCRYPT_MODE, b"c"),
        OwnCertificate(b"d", b"own key", "urn:a"),
        (),
        "q",
        "s3cret",
        b"u",
        b"key",
    )

    assert "Access(Basic256Sha256, sign-and-encrypt)" == repr(access)
