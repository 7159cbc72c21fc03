"""Certificates, keys and passwords of the application.

Form of an application instance certificate: OPC 10000-6, 6.2.2 (self-signed, the application's URI as a
subject alternative name, key usages).
"""

import hashlib
import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from quartier_drivers.errors import LinkLost

OWN_FOLDER = "own"
CERTIFICATE_FILE, KEY_FILE = "cert.der", "key.pem"
# All policies that count take 2048; twice the bits would hold a small machine's loop for tens of ms.
_KEY_BITS = 2048
# Fixed, for a gateway that was never switched on before may not know the year; and long, for who accepted it
# by hand on every server must not do so each year.
_SINCE, _UNTIL = datetime(2026, 1, 1, tzinfo=UTC), datetime(2056, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class CertificateReport:
    """A certificate for people; ``fingerprint`` is its SHA-256 in hex, ``thumbprint`` its SHA-1."""

    fingerprint: str
    thumbprint: str
    subject: str
    uri: str
    since: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class OwnCertificate:
    """Our certificate (DER), its key (PEM) and the URI of the application in it."""

    der: bytes
    key: bytes
    uri: str


def find_fingerprint(der: bytes) -> str:
    """Return the SHA-256 of a certificate, in hex."""
    return hashlib.sha256(der).hexdigest()


def group_digits(print_: str) -> str:
    """Return a fingerprint in pairs of digits, as people compare it."""
    return ":".join(print_[at : at + 2] for at in range(0, len(print_), 2)).upper()


def find_first_certificate(chain: bytes) -> bytes:
    """Return the first certificate of a chain of DER certificates: the server's own.  Raises ValueError."""
    if len(chain) < 4 or chain[0] != 0x30 or chain[1] != 0x82:
        raise ValueError("is no certificate")
    end = 4 + int.from_bytes(chain[2:4], "big")
    if end > len(chain):
        raise ValueError("is cut off")
    return chain[:end]


def describe_certificate(der: bytes) -> CertificateReport:
    """Return the report of a certificate.  Raises ValueError if it is none."""
    one = x509.load_der_x509_certificate(der)
    return CertificateReport(
        find_fingerprint(der),
        hashlib.sha1(der, usedforsecurity=False).hexdigest(),
        one.subject.rfc4514_string(),
        _find_uri(one),
        one.not_valid_before_utc,
        one.not_valid_after_utc,
    )


def load_own_certificate(folder: Path) -> OwnCertificate:
    """Return our certificate in ``folder/own``; the first call makes it.

    Raises OSError if the folder cannot be used, ValueError if its content is no certificate.
    """
    place = folder / OWN_FOLDER
    try:
        der, key = (place / CERTIFICATE_FILE).read_bytes(), (place / KEY_FILE).read_bytes()
    except FileNotFoundError:
        der, key = _make_certificate(socket.gethostname())
        _save_certificate(place, der, key)
    return OwnCertificate(der, key, _find_uri(x509.load_der_x509_certificate(der)))


def find_own_certificate(folder: Path) -> tuple[Path, CertificateReport] | None:
    """Return the file and the report of our certificate; None before it is made.

    Raises OSError.
    """
    file = folder / OWN_FOLDER / CERTIFICATE_FILE
    try:
        return file, describe_certificate(file.read_bytes())
    except FileNotFoundError:
        return None


def convert_to_der(data: bytes) -> bytes:
    """Return a PEM or DER certificate as DER.  Raises ValueError."""
    if not data.lstrip().startswith(b"-----BEGIN"):
        return find_first_certificate(data)
    return x509.load_pem_x509_certificate(data).public_bytes(serialization.Encoding.DER)


def _find_uri(one: x509.Certificate) -> str:
    try:
        names = one.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return ""
    return next(iter(names.get_values_for_type(x509.UniformResourceIdentifier)), "")


def _make_certificate(host: str) -> tuple[bytes, bytes]:
    key = rsa.generate_private_key(public_exponent=65537, key_size=_KEY_BITS)
    name = x509.Name(
        [
            x509.NameAttribute(NameOID.COMMON_NAME, "Quartier"),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Quartier"),
            x509.NameAttribute(NameOID.DOMAIN_COMPONENT, host[:63]),
        ]
    )
    public = key.public_key()
    known_as = [x509.UniformResourceIdentifier(f"urn:{host}:quartier"), _make_host_name(host)]
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(_SINCE)
        .not_valid_after(_UNTIL)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(public), critical=False)
        .add_extension(x509.SubjectAlternativeName(known_as), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_make_key_usage(), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
        .sign(key, hashes.SHA256())
    )
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return made.public_bytes(serialization.Encoding.DER), secret


def _make_host_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _make_key_usage() -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=True,
        key_encipherment=True,
        data_encipherment=True,
        key_agreement=False,
        key_cert_sign=True,  # OPC 10000-6, 6.2.2: of a self-signed certificate
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )


def _save_certificate(place: Path, der: bytes, key: bytes) -> None:
    """Write the key, then the certificate, each atomically; only we can read the key."""
    place.mkdir(mode=0o750, parents=True, exist_ok=True)
    for name, data, mode in ((KEY_FILE, key, 0o600), (CERTIFICATE_FILE, der, 0o644)):
        fresh = place / f"{name}.new"
        fresh.unlink(missing_ok=True)
        handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        fresh.replace(place / name)
        match_owner(place / name)


def match_owner(path: Path) -> None:
    """Give a file of root, and the folders made for it, to the owner of the folder above them.

    A person who accepts a certificate by hand may be root; the daemon is not.
    """
    if os.geteuid() != 0:
        return
    mine: list[Path] = []
    for one in (path, *list(path.parents)[:_LEVELS]):
        stat = one.stat()
        if stat.st_uid != 0:
            for below in mine:
                os.chown(below, stat.st_uid, stat.st_gid)
            return
        mine.append(one)


# From a certificate up to the state directory: own or trusted, the folder of them all, the directory.
_LEVELS = 3
CREDENTIAL_PREFIX = "credential:"


def read_secret(reference: str, environ: Mapping[str, str] = os.environ) -> bytes:
    """Return the content of a file, given by its path or as ``credential:NAME`` of systemd.

    Raises LinkLost with the problem, never with the content.
    """
    path = Path(reference)
    if reference.startswith(CREDENTIAL_PREFIX):
        folder = environ.get("CREDENTIALS_DIRECTORY")
        if not folder:
            raise LinkLost(
                f"{reference}: systemd gave no credentials; expected LoadCredential= in the unit, or a path"
            )
        path = Path(folder) / reference.removeprefix(CREDENTIAL_PREFIX)
    try:
        return path.read_bytes()
    except OSError as error:
        raise LinkLost(f"{reference} cannot be read: {error.strerror}") from None


def read_password(reference: str, environ: Mapping[str, str] = os.environ) -> str:
    """Return a password: the first line of its file.  Raises LinkLost as ``read_secret`` does."""
    try:
        return read_secret(reference, environ).decode("utf-8").splitlines()[0]
    except (UnicodeDecodeError, IndexError):
        raise LinkLost(f"{reference} holds no password: it is empty, or not UTF-8") from None
