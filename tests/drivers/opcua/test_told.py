"""The words of the link: none of them tells a secret."""

from quartier_drivers.opcua.certificate import Own
from quartier_drivers.opcua.offer import ENCRYPT, Offer
from quartier_drivers.opcua.told import Access


def test_what_we_log_in_with_is_never_shown():
    access = Access(
        Offer("Basic256Sha256", ENCRYPT, b"c"),
        Own(b"d", b"own key", "urn:a"),
        (),
        "q",
        "s3cret",
        b"u",
        b"key",
    )

    assert "Access(Basic256Sha256, sign-and-encrypt)" == repr(access)
