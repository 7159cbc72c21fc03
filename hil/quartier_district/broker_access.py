"""Certificates of broker, host and gateways as PEM files, and mosquitto's access list.

Source of the rights: spec/sync.md#section-6.  With ``use_identity_as_username true`` the common name of a
gateway's certificate, ``G.E``, is its user name.
"""

import datetime as dt
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

_SKEW = dt.timedelta(hours=1)
_YEARS_CA = 10


@dataclass(frozen=True, slots=True)
class CertificatePair:
    """A certificate and its private key, on disk."""

    cert_file: Path
    key_file: Path


class CertificateAuthority:
    """A folder with ``ca.pem``, ``ca.key`` and what it issued; made when it is not there."""

    def __init__(self, folder: Path, now: dt.datetime) -> None:
        self.folder = folder
        self.ca_file = folder / "ca.pem"
        self._now = now
        folder.mkdir(parents=True, exist_ok=True)
        if not self.ca_file.exists():
            self._found()
        self._cert = x509.load_pem_x509_certificate(self.ca_file.read_bytes())
        key = serialization.load_pem_private_key((folder / "ca.key").read_bytes(), password=None)
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            raise TypeError(f"{folder}/ca.key is no EC key")
        self._key = key

    def gateway(self, group: str, edge: str, valid: dt.timedelta) -> CertificatePair:
        """The certificate of a gateway: its common name is ``G.E``."""
        return self._issue(f"{group}.{edge}", [], ExtendedKeyUsageOID.CLIENT_AUTH, valid)

    def client(self, name: str, valid: dt.timedelta) -> CertificatePair:
        """The certificate of another client, as the district's host."""
        return self._issue(name, [], ExtendedKeyUsageOID.CLIENT_AUTH, valid)

    def broker(self, name: str, valid: dt.timedelta) -> CertificatePair:
        """The certificate of the broker, for its name in the network."""
        return self._issue(name, [x509.DNSName(name)], ExtendedKeyUsageOID.SERVER_AUTH, valid)

    def _found(self) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Quartier trial authority")])
        public, valid = key.public_key(), dt.timedelta(days=366 * _YEARS_CA)
        builder = self._builder(name, name, public, public, valid)
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        builder = builder.add_extension(_make_key_usage(ca=True), critical=True)
        cert = builder.sign(key, hashes.SHA256())
        self.ca_file.write_bytes(cert.public_bytes(serialization.Encoding.PEM))
        _write_key(self.folder / "ca.key", key)

    def _issue(
        self, name: str, names: list[x509.GeneralName], usage: x509.ObjectIdentifier, valid: dt.timedelta
    ) -> CertificatePair:
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        builder = self._builder(subject, self._cert.subject, key.public_key(), self._key.public_key(), valid)
        builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        builder = builder.add_extension(_make_key_usage(ca=False), critical=True)
        builder = builder.add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
        if names:
            builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
        cert = builder.sign(self._key, hashes.SHA256())
        pair = CertificatePair(self.folder / f"{name}.pem", self.folder / f"{name}.key")
        pair.cert_file.write_bytes(cert.public_bytes(serialization.Encoding.PEM))
        _write_key(pair.key_file, key)
        return pair

    def _builder(
        self,
        subject: x509.Name,
        issuer: x509.Name,
        key: ec.EllipticCurvePublicKey,
        by: ec.EllipticCurvePublicKey,
        valid: dt.timedelta,
    ) -> x509.CertificateBuilder:
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(issuer)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(self._now - _SKEW)
            .not_valid_after(self._now + valid)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(by), critical=False)
        )


def _make_key_usage(*, ca: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=ca,
        crl_sign=ca,
        encipher_only=False,
        decipher_only=False,
    )


def _write_key(path: Path, key: ec.EllipticCurvePrivateKey) -> None:
    path.touch(mode=0o600)
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )


WRITE_TOPICS = (
    "spBv1.0/{group}/NBIRTH/{edge}",
    "spBv1.0/{group}/NDATA/{edge}",
    "spBv1.0/{group}/NDEATH/{edge}",
    "spBv1.0/{group}/DBIRTH/{edge}/+",
    "spBv1.0/{group}/DDATA/{edge}/+",
    "spBv1.0/{group}/DDEATH/{edge}/+",
    "quartier/v1/{group}/{edge}/ack",
    "quartier/v1/{group}/{edge}/event",
    "quartier/v1/{group}/{edge}/flexibility",
)
READ_TOPICS = (
    "spBv1.0/STATE/{host}",
    "spBv1/0/STATE/{host}",  # as RabbitMQ spells a retained one
    "spBv1.0/{group}/NCMD/{edge}",
    "spBv1.0/{group}/DCMD/{edge}/+",
    "quartier/v1/{group}/{edge}/watermark",
    "quartier/v1/{group}/{edge}/envelope/+",
    "quartier/v1/{group}/{edge}/schedule/+",
    "quartier/v1/{group}/{edge}/failsafe",
    "quartier/v1/{group}/{edge}/command",
    "quartier/v1/{group}/{edge}/job",
    "quartier/v1/{group}/heartbeat",
    "quartier/v1/{group}/signal/+",
)


def format_access_list(group: str, edges: Iterable[str], host: str) -> str:
    """The whole file: the district's host, which may do everything in its group, then each gateway."""
    lines = [
        *_list_host_rights(group, host),
        *(line for edge in edges for line in _list_gateway_rights(group, edge, host)),
    ]
    return "\n".join(lines) + "\n"


def _list_host_rights(group: str, host: str) -> Iterator[str]:
    yield f"# The host of {group}; its certificate's common name is {host}."
    yield f"user {host}"
    yield f"topic readwrite spBv1.0/{group}/#"
    yield f"topic readwrite spBv1.0/STATE/{host}"
    yield f"topic readwrite spBv1/0/STATE/{host}"
    yield f"topic readwrite quartier/v1/{group}/#"


def _list_gateway_rights(group: str, edge: str, host: str) -> Iterator[str]:
    words = {"group": group, "edge": edge, "host": host}
    yield ""
    yield f"user {group}.{edge}"
    yield from (f"topic write {topic.format_map(words)}" for topic in WRITE_TOPICS)
    yield from (f"topic read {topic.format_map(words)}" for topic in READ_TOPICS)
