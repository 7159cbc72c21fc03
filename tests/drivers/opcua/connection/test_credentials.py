"""Certificates: ours is made once and as servers want it; of any a person sees what there is to compare."""

import hashlib
import os
import stat

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.x509.oid import ExtendedKeyUsageOID

from quartier_drivers.errors import LinkLost
from quartier_drivers.opcua.connection import credentials


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pki")
    return folder, credentials.load_own_certificate(folder)


def test_ours_is_made_once(made):
    folder, own = made

    assert own == credentials.load_own_certificate(folder)
    assert (
        folder / "own/cert.der",
        credentials.describe_certificate(own.der),
    ) == credentials.find_own_certificate(folder)


def test_before_it_is_made_there_is_none(tmp_path):
    assert credentials.find_own_certificate(tmp_path) is None


def test_its_key_is_readable_by_nobody_else(made):
    folder, _ = made

    assert 0o600 == stat.S_IMODE((folder / "own/key.pem").stat().st_mode)


def test_it_is_what_an_application_s_certificate_must_be(made):
    _, own = made
    one = x509.load_der_x509_certificate(own.der)
    extensions = {type(found.value): found.value for found in one.extensions}
    names = extensions[x509.SubjectAlternativeName]
    usage = extensions[x509.KeyUsage]

    assert [own.uri] == names.get_values_for_type(x509.UniformResourceIdentifier)
    assert own.uri.startswith("urn:")
    assert own.uri.endswith(":quartier")
    assert usage.digital_signature
    assert usage.content_commitment
    assert usage.key_encipherment
    assert usage.data_encipherment
    assert [ExtendedKeyUsageOID.CLIENT_AUTH] == list(extensions[x509.ExtendedKeyUsage])
    assert 2048 == one.public_key().key_size
    assert 2056 == one.not_valid_after_utc.year


def test_what_is_shown_can_be_compared_with_what_others_show(made):
    _, own = made
    shown = credentials.describe_certificate(own.der)

    assert hashlib.sha256(own.der).hexdigest() == shown.fingerprint
    assert hashlib.sha1(own.der, usedforsecurity=False).hexdigest() == shown.thumbprint
    assert "AB:CD" == credentials.group_digits("abcd")
    assert own.uri == shown.uri


def test_of_a_chain_the_first_is_the_server_s(made):
    _, own = made

    assert own.der == credentials.find_first_certificate(own.der + own.der)


@pytest.mark.parametrize(
    ("chain", "says"), [(b"", "is no certificate"), (b"\x30\x82\xff\xff123", "is cut off")]
)
def test_what_is_no_certificate_says_so(chain, says):
    with pytest.raises(ValueError, match=says):
        credentials.find_first_certificate(chain)


def test_a_user_s_certificate_may_be_either_form(made):
    _, own = made
    pem = x509.load_der_x509_certificate(own.der).public_bytes(serialization.Encoding.PEM)

    assert own.der == credentials.convert_to_der(pem)
    assert own.der == credentials.convert_to_der(own.der)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_what_root_accepts_belongs_to_whom_the_folder_belongs(tmp_path):
    state = tmp_path / "state"
    (state / "opcua/trusted").mkdir(parents=True)
    os.chown(state, 1234, 1234)
    file = state / "opcua/trusted/one.der"
    file.write_bytes(b"x")

    credentials.match_owner(file)

    assert [1234, 1234, 1234] == [one.stat().st_uid for one in (file, file.parent, file.parent.parent)]


def test_a_password_is_the_first_line_of_its_file(tmp_path):
    (tmp_path / "pw").write_text("s3cret\nmore\n", encoding="utf-8")

    assert "s3cret" == credentials.read_password(str(tmp_path / "pw"))


def test_a_credential_lies_where_systemd_says(tmp_path):
    (tmp_path / "plant").write_bytes(b"key")

    assert b"key" == credentials.read_secret("credential:plant", {"CREDENTIALS_DIRECTORY": str(tmp_path)})


@pytest.mark.parametrize(
    ("reference", "says"),
    [("credential:plant", "expected LoadCredential="), ("/no/such/file", "No such file")],
)
def test_what_cannot_be_read_says_why(reference, says):
    with pytest.raises(LinkLost, match=says):
        credentials.read_secret(reference, {})


@pytest.mark.parametrize("content", [b"", b"\xff\xfe"])
def test_what_is_no_password_is_not_repeated(tmp_path, content):
    (tmp_path / "pw").write_bytes(content)

    with pytest.raises(LinkLost, match="holds no password"):
        credentials.read_password(str(tmp_path / "pw"))
