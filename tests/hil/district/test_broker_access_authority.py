"""Certificates of the trial authority, judged by a TLS handshake of the standard library."""

import datetime as dt
import ssl
import stat

import pytest

from quartier_district.broker_access import CertificateAuthority

DAY = dt.timedelta(days=1)


@pytest.fixture
def authority(tmp_path):
    return CertificateAuthority(tmp_path / "ca", dt.datetime.now(dt.UTC))


def shaken(authority, pair, broker, name="localhost"):
    """A handshake in memory; returns the client's common name as the broker sees it."""
    server, client = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH), ssl.create_default_context()
    server.load_cert_chain(broker.cert_file, broker.key_file)
    server.verify_mode = ssl.CERT_REQUIRED
    server.load_verify_locations(authority.ca_file)
    client.load_verify_locations(authority.ca_file)
    client.load_cert_chain(pair.cert_file, pair.key_file)
    up, down = ssl.MemoryBIO(), ssl.MemoryBIO()
    theirs = server.wrap_bio(up, down, server_side=True)
    ours = client.wrap_bio(down, up, server_hostname=name)
    for _ in range(4):
        for side in (ours, theirs):
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                continue
    return dict(pair for (pair,) in theirs.getpeercert()["subject"])["commonName"]


def test_a_gateway_is_known_by_its_certificates_common_name(authority):
    pair, broker = authority.gateway("issy", "b012", DAY), authority.broker("localhost", DAY)
    assert "issy.b012" == shaken(authority, pair, broker)


def test_a_gateways_certificate_is_no_brokers(authority):
    pair = authority.gateway("issy", "b012", DAY)
    with pytest.raises(ssl.SSLError):
        shaken(authority, pair, pair, name="issy.b012")


def test_an_authority_is_found_again_and_goes_on(authority):
    again = CertificateAuthority(authority.folder, dt.datetime.now(dt.UTC))
    assert authority.ca_file.read_bytes() == again.ca_file.read_bytes()
    pair, broker = again.client("optimiser", DAY), authority.broker("localhost", DAY)
    assert "optimiser" == shaken(authority, pair, broker)


def test_keys_are_their_owners_alone(authority):
    pair = authority.gateway("issy", "b012", DAY)
    assert 0o600 == stat.S_IMODE(pair.key_file.stat().st_mode)


def test_a_key_of_another_kind_is_named(authority):
    from cryptography.hazmat.primitives import serialization  # noqa: PLC0415 - here alone
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey  # noqa: PLC0415 - as above

    (authority.folder / "ca.key").write_bytes(
        Ed25519PrivateKey.generate().private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    with pytest.raises(TypeError, match="no EC key"):
        CertificateAuthority(authority.folder, dt.datetime.now(dt.UTC))
