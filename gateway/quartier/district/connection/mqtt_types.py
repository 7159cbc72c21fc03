"""Records of an MQTT connection: server, credentials, profile, messages and how it ended.

Files of certificates and passwords are read at each connect; secrets are never stored.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from ssl import SSLContext

RECEIVE_MAX = 20
PACKET_MAX_BYTES = 256 * 1024
# Largest amount that may wait for the network; more stays safe in the store.
SEND_WINDOW_BYTES = 256 * 1024

PROTOCOL_ERROR = 0x82
BAD_CREDENTIALS = 0x86
NOT_AUTHORISED = 0x87
TAKEN_OVER = 0x8E
USE_ANOTHER_SERVER = 0x9C
SERVER_MOVED = 0x9D
DISCONNECT_WITH_WILL = 0x04
NORMAL_DISCONNECT = 0x00
LOCAL_REASON = -1


class BrokerUnreachable(Exception):  # noqa: N818 - a state of the world, named as the house names it
    """No CONNECT was sent: name, TCP, TLS or one of the own files failed."""


class ConnectionEnded(Exception):  # noqa: N818 - as above
    """The connection is over, or was refused.

    ``code`` is the MQTT reason code, or ``LOCAL_REASON`` if the gateway ended it.
    """

    def __init__(self, why: str, code: int = LOCAL_REASON) -> None:
        super().__init__(why)
        self.code = code


class NoConnack(ConnectionEnded):
    """CONNECT was sent and the connection was up, but no CONNACK came in time."""


@dataclass(frozen=True, slots=True)
class BrokerServer:
    """Address of a broker."""

    host: str
    port: int
    tls: bool

    @property
    def address(self) -> str:
        """Return ``host:port`` for display."""
        return f"{self.host}:{self.port}"

    @classmethod
    def read(cls, url: str) -> "BrokerServer":
        """Parse ``mqtts://host[:port]``; ``mqtt://`` only to this machine. Raises ValueError."""
        parts = urlsplit(url)
        if parts.scheme not in {"mqtt", "mqtts"} or not parts.hostname:
            raise ValueError(f"{url!r}; expected mqtts://host or mqtts://host:port")
        tls = parts.scheme == "mqtts"
        if not tls and parts.hostname not in {"localhost", "127.0.0.1", "::1"}:
            raise ValueError(f"{url!r} is not encrypted; expected mqtts:// (mqtt:// only to this machine)")
        return cls(parts.hostname, parts.port or (8883 if tls else 1883), tls)


@dataclass(frozen=True, slots=True)
class BrokerCredentials:
    """Credentials of the gateway at the broker; files are read at each connect, secrets are never stored."""

    user: str | None = None
    password_file: Path | None = None
    ca_file: Path | None = None
    cert_file: Path | None = None
    key_file: Path | None = None

    @property
    def files(self) -> tuple[Path, ...]:
        """Return every file whose change requires a new connection."""
        named = (self.password_file, self.ca_file, self.cert_file, self.key_file)
        return tuple(path for path in named if path is not None)

    def context(self, moments: Sequence[int] = ()) -> "SSLContext":
        """Return a TLS context: at least TLS 1.2, the server name checked, our certificate if there is one.

        ``moments`` as in ``ConnectionProfile``. Raises OSError (``ssl.SSLError`` among them) if a file cannot
        be used.
        """
        from quartier.district.connection import tls  # noqa: PLC0415 - a broker on this machine needs none

        return tls.make_context(self.ca_file, self.cert_file, self.key_file, moments)

    def password(self) -> str | None:
        """Return the content of the password file without the final line end. Raises OSError."""
        return None if self.password_file is None else self.password_file.read_text("utf-8").rstrip("\r\n")


@dataclass(frozen=True, slots=True)
class IncomingMessage:
    """A received message; ``user`` are its MQTT 5 user properties, the last of a name counts.

    ``retained``: the broker stored it and sent it because of the subscription.
    """

    topic: str
    payload: bytes
    user: Mapping[str, str] = field(default_factory=dict)
    retained: bool = False


@dataclass(frozen=True, slots=True)
class OutgoingMessage:
    """A message to send. ``tag`` is returned when it is written (QoS 0) or acknowledged (QoS 1)."""

    topic: str
    payload: bytes
    qos: int = 0
    expiry_s: int | None = None
    tag: Any = None
    retain: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionProfile:
    """Settings of a connection.

    ``will`` is called once TCP and TLS are up, in the thread that connects: it may wait, and may raise
    OSError. ``moments``: the broker's certificates are checked at these times (UTC ms), not by the machine's
    clock.
    """

    client_id: str
    clean_start: bool
    session_expiry_s: int
    will: Callable[[], OutgoingMessage] | None = None
    keepalive_s: int = 30
    moments: Sequence[int] = ()
