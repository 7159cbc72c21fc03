"""Whose the certificates in a file are, and until when they hold (pure)."""

from collections.abc import Iterator

from cryptography import x509
from cryptography.x509.oid import NameOID

from quartier.district.expiry import Paper


def papers(pem: bytes, what: str) -> Iterator[Paper]:
    """Each certificate of a PEM file, named by ``what`` it is for and its subject.

    Raises ValueError where the file holds none.
    """
    for cert in x509.load_pem_x509_certificates(pem):
        name = _common_name(cert) or f"number {cert.serial_number:x}"
        yield Paper(f"{what} {name}", int(cert.not_valid_after_utc.timestamp() * 1000))


def subject(pem: bytes) -> str:
    """The common name of the first certificate, by which brokers know us; empty where it has none.

    Raises ValueError where the file holds no certificate.
    """
    return _common_name(x509.load_pem_x509_certificates(pem)[0])


def _common_name(cert: x509.Certificate) -> str:
    names = cert.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(names[0].value) if names else ""
