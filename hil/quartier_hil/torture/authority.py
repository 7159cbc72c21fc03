"""A certificate authority for one lot: the broker's certificate, and the gateway's, sound or expired."""

import datetime as dt
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

BROKER = "district.test"
_DAY = dt.timedelta(days=1)


class Authority:
    """Files in ``folder``: ``ca.pem``, and ``NAME.pem`` with ``NAME.key`` for each that was issued."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"torture {id(self)}")])
        made = self._builder(self._name, self._key, 30 * _DAY, ca=True).sign(self._key, hashes.SHA256())
        self.ca_file = folder / "ca.pem"
        self.ca_file.write_bytes(made.public_bytes(serialization.Encoding.PEM))

    def _builder(
        self,
        subject: x509.Name,
        key: ec.EllipticCurvePrivateKey,
        ends_in: dt.timedelta,
        begins_in: dt.timedelta = -3 * _DAY,
        *,
        ca: bool,
    ) -> x509.CertificateBuilder:
        now = dt.datetime.now(dt.UTC)
        own = x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key())
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now + begins_in)
            .not_valid_after(now + ends_in)
            .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
            .add_extension(
                x509.KeyUsage(True, False, False, False, False, ca, ca, False, False),
                critical=True,
            )
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .add_extension(own, critical=False)
        )

    def issue(
        self, name: str, *, ends_in: dt.timedelta = _DAY, begins_in: dt.timedelta = -3 * _DAY
    ) -> tuple[Path, Path]:
        """A certificate and its key for ``name``, each replaced as a whole."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        named = x509.SubjectAlternativeName([x509.DNSName(name)])
        made = self._builder(subject, key, ends_in, begins_in, ca=False).add_extension(named, critical=False)
        cert_file, key_file = self.folder / f"{name}.pem", self.folder / f"{name}.key"
        secret = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        _replace(key_file, secret)
        _replace(cert_file, made.sign(self._key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
        return cert_file, key_file

    def expired(self, name: str) -> tuple[Path, Path]:
        """The same, over since yesterday."""
        return self.issue(name, ends_in=-_DAY)

    def listener(self, port: int) -> str:
        """Return lines for mosquitto: TLS on ``port``, no client without a certificate of ours."""
        cert_file, key_file = self.issue(BROKER)
        return (
            f"listener {port} 127.0.0.1\ncafile {self.ca_file}\ncertfile {cert_file}\nkeyfile {key_file}\n"
            "require_certificate true\nuse_identity_as_username true\nuser root\n"
        )


def _replace(path: Path, content: bytes) -> None:
    beside = path.with_name(f"{path.name}.new")
    beside.write_bytes(content)
    beside.chmod(0o600)
    beside.replace(path)
