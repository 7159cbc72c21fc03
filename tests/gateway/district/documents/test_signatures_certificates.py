"""The end of each certificate in a file."""

import datetime as dt

import pytest

from quartier.district.documents.signatures import find_certificate_subject, iterate_certificates
from quartier_hil.district.authority import Authority

START = dt.datetime(2026, 11, 28, tzinfo=dt.UTC)


def test_each_certificate_of_a_file_is_named_by_its_subject_with_its_end(tmp_path):
    authority = Authority(tmp_path, START)
    own = authority.gateway("issy", "b012", dt.timedelta(days=30)).cert_file.read_bytes()
    leaf, ca = iterate_certificates(own + authority.ca_file.read_bytes(), "certificate")
    assert ("certificate issy.b012", int((START + dt.timedelta(days=30)).timestamp() * 1000)) == (
        leaf.name,
        leaf.exp_utc_ms,
    )
    assert ca.exp_utc_ms > leaf.exp_utc_ms
    assert "issy.b012" == find_certificate_subject(own)


@pytest.mark.parametrize("pem", [b"", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"])
def test_a_file_without_a_certificate_is_a_fault(pem):
    with pytest.raises(ValueError):  # noqa: PT011 - the library's words
        list(iterate_certificates(pem, "certificate"))
    with pytest.raises(ValueError):  # noqa: PT011 - as above
        find_certificate_subject(pem)
