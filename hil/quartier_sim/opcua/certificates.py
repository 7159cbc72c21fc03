"""Certificates for the OPC UA servers of the rig and of the tests, some of them invalid.

Source: OPC 10000-6 clause 6.2.2 (ApplicationInstance certificate: the application's URI and its hosts as
subject alternative names, key usage, both extended usages), OPC 10000-7 (2048 bits and SHA-256 for all
three policies).
"""

import datetime as dt
import hashlib
import ipaddress
import socket
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

KEY_BITS = 2_048
_PUBLIC_EXPONENT = 65_537
_VALIDITY = dt.timedelta(days=365)


@dataclass(frozen=True, slots=True)
class Identity:
    """A certificate and its key, as DER and PEM files of one folder."""

    folder: Path

    @property
    def certificate(self) -> Path:
        """The certificate in DER."""
        return self.folder / "own.der"

    @property
    def key(self) -> Path:
        """The private key in PEM (PKCS #8)."""
        return self.folder / "own.key.pem"


def generate_key() -> rsa.RSAPrivateKey:
    """A new RSA key of ``BITS``."""
    return rsa.generate_private_key(_PUBLIC_EXPONENT, KEY_BITS)


def create_identity(
    folder: Path,
    uri: str,
    *,
    begins: dt.datetime | None = None,
    ends: dt.datetime | None = None,
    of: rsa.RSAPrivateKey | None = None,
) -> Identity:
    """Write a self-signed certificate for the application ``uri`` on this machine into ``folder``.

    ``begins`` (yesterday) and ``ends`` (in a year) bound it; ``of`` is the key, absent: a new one.
    """
    own = generate_key() if of is None else of
    now = dt.datetime.now(dt.UTC)
    begins = now - dt.timedelta(days=1) if begins is None else begins
    certificate = _sign_certificate(own, uri, begins, now + _VALIDITY if ends is None else ends)
    folder.mkdir(parents=True, exist_ok=True)
    for encoding, suffix in ((Encoding.DER, "der"), (Encoding.PEM, "pem")):
        (folder / f"own.{suffix}").write_bytes(certificate.public_bytes(encoding))
        secret = own.private_bytes(encoding, PrivateFormat.PKCS8, NoEncryption())
        (folder / f"own.key.{suffix}").write_bytes(secret)
    return Identity(folder)


def _sign_certificate(
    own: rsa.RSAPrivateKey, uri: str, begins: dt.datetime, ends: dt.datetime
) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, uri.rpartition(":")[2])])
    hosts = [
        x509.UniformResourceIdentifier(uri),
        *map(x509.DNSName, sorted({"localhost", socket.gethostname()})),
        x509.IPAddress(ipaddress.ip_address("127.0.0.1")),
    ]
    usage = x509.KeyUsage(
        digital_signature=True,
        content_commitment=True,
        key_encipherment=True,
        data_encipherment=True,
        key_agreement=False,
        key_cert_sign=True,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )
    both = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH])
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(own.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begins)
        .not_valid_after(ends)
        .add_extension(x509.SubjectAlternativeName(hosts), critical=False)
        .add_extension(usage, critical=True)
        .add_extension(both, critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(own.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(own.public_key()), critical=False)
        .sign(own, hashes.SHA256())
    )


def trust_certificate(folder: Path, certificate: Path) -> None:
    """Put a certificate among those that a gateway with its certificates in ``folder`` trusts."""
    der = certificate.read_bytes()
    trusted = folder / "trusted"
    trusted.mkdir(parents=True, exist_ok=True)
    (trusted / f"{hashlib.sha256(der).hexdigest()}.der").write_bytes(der)


PASSWORD_FILE = "plant.password"  # noqa: S105 - the name of a file
