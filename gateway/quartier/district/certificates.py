"""Until when the certificates in a file hold (pure)."""

from collections.abc import Iterator

from cryptography import x509
from cryptography.x509.oid import NameOID

from quartier.district.expiry import Paper


def papers(pem: bytes, what: str) -> Iterator[Paper]:
    """Each certificate of a PEM file, named by ``what`` it is for and its subject.

    Raises ValueError where the file holds none.
    """
    for cert in x509.load_pem_x509_certificates(pem):
        names = cert.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
        name = str(names[0].value) if names else f"number {cert.serial_number:x}"
        yield Paper(f"{what} {name}", int(cert.not_valid_after_utc.timestamp() * 1000))
