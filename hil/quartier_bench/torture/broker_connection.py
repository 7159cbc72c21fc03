"""The connection between a gateway and its broker: a relay that shapes or cuts it, certificates, and name
resolution.

A link that loses packets is one that delivers late: TCP sends a lost segment again after a time-out that
doubles (RFC 6298: 200 ms at first on Linux), and all behind it waits.
"""

import asyncio
import datetime as dt
import os
import random
import shutil
import socket
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

SEGMENT_BYTES = 1_460
_RESEND_S, _RESENDS_MAX = 0.2, 6
# Small buffers: the sender must notice a slow link.
_BUFFER_BYTES = 16_384
# A busy machine wakes us late: so much of it is made good, else its links were slower than they are shaped.
_LATE_MAX_S = 0.5


@dataclass(frozen=True, slots=True)
class LinkShape:
    """``bytes_per_s`` each way; ``loss`` is the share of segments that are lost once, or again."""

    bytes_per_s: float
    loss: float = 0.0


class Relay:
    """Listens on ``port`` for the gateway and calls the broker for it.

    ``shape`` holds for what comes from now on.  While ``swallows`` whatever comes is gone without a
    sign, both ways, as on a link whose other end vanished.  ``late_s`` is for how long this machine, and not
    the shape, held the wire up.
    """

    def __init__(self, target: int, seed: int = 1) -> None:
        self.port = 0
        self.shape: LinkShape | None = None
        self.drops_data = False
        self.forwarded_bytes = self.dropped_bytes = 0
        self.connections_count = 0
        self.late_s = 0.0
        self._target = target
        self._random = random.Random(seed)  # noqa: S311 - which segments are lost, no secret
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Listen; on the same port again after ``stop``."""
        sock = socket.socket()
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER_BYTES)
        sock.bind(("127.0.0.1", self.port))
        self.port = int(sock.getsockname()[1])
        self._server = await asyncio.start_server(self._serve, sock=sock, limit=_BUFFER_BYTES)

    async def stop(self) -> None:
        """Refuse connections and cut those that are."""
        if self._server is not None:
            self._server.close()
            self._server = None
        self.cut()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def cut(self) -> None:
        """End every connection at once, with a reset to both sides."""
        for writer in tuple(self._writers):
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections_count += 1
        self._writers.add(writer)
        if (task := asyncio.current_task()) is not None:
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        try:
            there, back = await asyncio.open_connection("127.0.0.1", self._target, limit=_BUFFER_BYTES)
        except OSError:
            writer.transport.abort()
            self._writers.discard(writer)
            return
        self._writers.add(back)
        up = asyncio.create_task(self._pipe(reader, back))
        await self._pipe(there, writer)
        await up
        for one in (writer, back):
            self._writers.discard(one)
            one.close()

    async def _pipe(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        loop = asyncio.get_running_loop()
        due_s = 0.0
        with suppress(ConnectionError):
            while data := await reader.read(SEGMENT_BYTES):
                if self.drops_data:
                    self.dropped_bytes += len(data)
                    continue
                if self.shape is not None:
                    now_s = loop.time()
                    due_s = compute_start_s(due_s, now_s) + self.delay_s(len(data), self.shape)
                    await asyncio.sleep(due_s - now_s)
                    if (late_s := loop.time() - due_s) >= _LATE_MAX_S:
                        self.late_s += late_s
                self.forwarded_bytes += len(data)
                writer.write(data)
                await writer.drain()
        writer.close()

    def delay_s(self, size_bytes: int, shape: LinkShape) -> float:
        """Return the delay of a segment in s: its bytes, and every time-out until it passed."""
        delay_s, resend_s = size_bytes / shape.bytes_per_s, _RESEND_S
        for _ in range(_RESENDS_MAX):
            if self._random.random() >= shape.loss:
                break
            delay_s += resend_s + size_bytes / shape.bytes_per_s
            resend_s *= 2
        return delay_s


def compute_start_s(before_s: float, now_s: float) -> float:
    """Return the start of a segment on the wire: the end of the one before, or ``now_s`` after a pause."""
    return before_s if now_s - before_s < _LATE_MAX_S else now_s


BROKER_NAME = "district.test"
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
        _replace_file(key_file, secret)
        _replace_file(
            cert_file, made.sign(self._key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
        )
        return cert_file, key_file

    def issue_expired(self, name: str) -> tuple[Path, Path]:
        """The same, over since yesterday."""
        return self.issue(name, ends_in=-_DAY)

    def listener(self, port: int) -> str:
        """Return lines for mosquitto: TLS on ``port``, no client without a certificate of ours."""
        cert_file, key_file = self.issue(BROKER_NAME)
        return (
            f"listener {port} 127.0.0.1\ncafile {self.ca_file}\ncertfile {cert_file}\nkeyfile {key_file}\n"
            "require_certificate true\nuse_identity_as_username true\nuser root\n"
        )


def _replace_file(path: Path, content: bytes) -> None:
    part_file = path.with_name(f"{path.name}.new")
    part_file.write_bytes(content)
    part_file.chmod(0o600)
    part_file.replace(path)


_BIND_HOSTS_COMMAND = 'mount --bind "$0" /etc/hosts && exec "$@"'


class HostsFile:
    """``known``: the name leads to this machine now.  Needs root, for a mount of its own."""

    def __init__(self, folder: Path, name: str) -> None:
        self._file = folder / "hosts"
        self._name = name
        self.set_known(True)

    def set_known(self, is_known: bool) -> None:  # noqa: FBT001 - a fact, told as it is
        """Written in place: a bound file that is replaced is no longer the one that is seen."""
        line = f"127.0.0.1 {self._name}\n" if is_known else ""
        self._file.write_text(f"127.0.0.1 localhost\n{line}")

    def argv(self, argv: Sequence[str]) -> list[str]:
        """The same command where it sees this file."""
        return [
            "unshare",
            "--mount",
            "--propagation",
            "private",
            "sh",
            "-c",
            _BIND_HOSTS_COMMAND,
            str(self._file),
            *argv,
        ]


def can_bind_hosts() -> bool:
    """Return whether this machine permits it."""
    return os.geteuid() == 0 and shutil.which("unshare") is not None
