import datetime as dt

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_der_private_key, load_pem_private_key

from quartier_sim.opcua import certificates

URI = "urn:quartier:rig:somebody"
PAST = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)


@pytest.fixture(scope="module")
def key():
    return certificates.generate_key()


def test_a_certificate_names_its_application_and_may_do_what_the_standard_asks(tmp_path, key):
    certificates.create_identity(tmp_path, URI, of=key)
    found = x509.load_der_x509_certificate((tmp_path / "own.der").read_bytes())
    names = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    usage = found.extensions.get_extension_for_class(x509.KeyUsage).value

    assert [URI] == names.get_values_for_type(x509.UniformResourceIdentifier)
    assert usage.digital_signature
    assert usage.content_commitment
    assert usage.key_encipherment
    assert usage.data_encipherment


def test_its_files_hold_one_key_and_one_certificate_in_both_forms(tmp_path, key):
    certificates.create_identity(tmp_path, URI, of=key)
    der = x509.load_der_x509_certificate((tmp_path / "own.der").read_bytes())
    pem = x509.load_pem_x509_certificate((tmp_path / "own.pem").read_bytes())
    keys = (
        load_der_private_key((tmp_path / "own.key.der").read_bytes(), None),
        load_pem_private_key((tmp_path / "own.key.pem").read_bytes(), None),
    )

    assert der == pem
    assert [der.public_key()] * 2 == [one.public_key() for one in keys]


def test_it_can_be_over_already(tmp_path, key):
    identity = certificates.create_identity(
        tmp_path, URI, begins=PAST, ends=PAST + dt.timedelta(days=30), of=key
    )
    found = x509.load_der_x509_certificate(identity.certificate.read_bytes())

    assert dt.datetime(2020, 1, 31, tzinfo=dt.UTC) == found.not_valid_after_utc
