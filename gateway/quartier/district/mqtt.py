"""One MQTT 5 connection on the asyncio loop; the only file that imports paho.

paho is driven by the loop's readers and writers.  Only ``connect``, which waits for name, TCP and
TLS, runs in a thread of its own (a daemon, so that a hanging name server cannot hold up a stop).
Keep-alive and time-outs here are of the real world, whatever the house's clock.
"""

import asyncio
import contextlib
import socket
import ssl
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from paho.mqtt.client import Client, ConnectFlags, DisconnectFlags, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

RECEIVE_MAX = 20
PACKET_MAX_BYTES = 256 * 1024
# What may wait between us and the wire; more stays where it is safe, in the store.
WINDOW_BYTES = 256 * 1024
_UNSENT_MAX_BYTES = 32 * 1024
_CONNECT_S = 10.0
_ANSWER_S = 10.0
_LEAVE_S = 2.0
_INBOUND_MAX = 128
_READS_PER_WAKE = 64

BAD_CREDENTIALS = 0x86
NOT_AUTHORISED = 0x87
TAKEN_OVER = 0x8E
USE_ANOTHER_SERVER = 0x9C
SERVER_MOVED = 0x9D
WITH_WILL = 0x04
NORMAL = 0x00
LOCAL = -1


class Unreachable(Exception):  # noqa: N818 - a state of the world, named as the house names it
    """No CONNECT went out: name, TCP, TLS or one of our own files is not in order."""


class Ended(Exception):  # noqa: N818 - as above
    """The connection is over, or was refused.  ``code`` is MQTT's reason, ``LOCAL`` where we saw it."""

    def __init__(self, why: str, code: int = LOCAL) -> None:
        super().__init__(why)
        self.code = code


@dataclass(frozen=True, slots=True)
class Server:
    """Where a broker is."""

    host: str
    port: int
    tls: bool

    @classmethod
    def read(cls, url: str) -> "Server":
        """``mqtts://host[:port]``; ``mqtt://`` only to this machine.  Raises ValueError."""
        parts = urlsplit(url)
        if parts.scheme not in {"mqtt", "mqtts"} or not parts.hostname:
            raise ValueError(f"{url!r}; expected mqtts://host or mqtts://host:port")
        tls = parts.scheme == "mqtts"
        if not tls and parts.hostname not in {"localhost", "127.0.0.1", "::1"}:
            raise ValueError(f"{url!r} is not encrypted; expected mqtts:// (mqtt:// only to this machine)")
        return cls(parts.hostname, parts.port or (8883 if tls else 1883), tls)


class _TlsSocket(ssl.SSLSocket):
    """Closes itself when the handshake fails; paho leaves it open."""

    def do_handshake(self, block: bool = False) -> None:  # noqa: FBT001, FBT002 - ssl's own signature
        try:
            super().do_handshake(block)
        except OSError:
            self.close()
            raise


@dataclass(frozen=True, slots=True)
class Credentials:
    """Who we are to the broker; files are read at each connect, secrets are never kept."""

    user: str | None = None
    password_file: Path | None = None
    ca_file: Path | None = None
    cert_file: Path | None = None
    key_file: Path | None = None

    @property
    def files(self) -> tuple[Path, ...]:
        """Every file that, when it changes, asks for a new connection."""
        named = (self.password_file, self.ca_file, self.cert_file, self.key_file)
        return tuple(path for path in named if path is not None)

    def context(self) -> ssl.SSLContext:
        """TLS 1.2 at least, the server's name checked, our certificate if there is one.

        Raises OSError (``ssl.SSLError`` among them) when a file cannot be used.
        """
        context = ssl.create_default_context(cafile=self.ca_file)
        context.sslsocket_class = _TlsSocket
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        if self.cert_file is not None:
            context.load_cert_chain(self.cert_file, self.key_file)
        return context

    def password(self) -> str | None:
        """What stands in the password file, without the last line's end.  Raises OSError."""
        return None if self.password_file is None else self.password_file.read_text("utf-8").rstrip("\r\n")


@dataclass(frozen=True, slots=True)
class Message:
    """What came in; ``user`` are its MQTT 5 user properties, the last of a name counts."""

    topic: str
    payload: bytes
    user: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Outgoing:
    """What goes out.  ``tag`` comes back when it is written (QoS 0) or acknowledged (QoS 1)."""

    topic: str
    payload: bytes
    qos: int = 0
    expiry_s: int | None = None
    tag: Any = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """How a connection is made."""

    client_id: str
    clean_start: bool
    session_expiry_s: int
    will: Outgoing | None = None
    keepalive_s: int = 30


class Connection:
    """From CONNECT to the end, once; a new one is made for each attempt.

    ``done`` is called on the loop with each finished message's tag and MQTT reason code.
    """

    def __init__(
        self,
        server: Server,
        credentials: Credentials,
        profile: Profile,
        done: Callable[[Any, int], None] | None = None,
    ) -> None:
        self._server = server
        self._credentials = credentials
        self._profile = profile
        self._done = done or (lambda _tag, _code: None)
        self._inbound: deque[Message] = deque()
        self._wake = asyncio.Event()
        self._flying: dict[int, tuple[int, Any]] = {}
        self._flying_bytes = 0
        self._ended: Ended | None = None
        self._opened: asyncio.Future[None] | None = None
        self._granted: dict[int, asyncio.Future[list[int]]] = {}
        self._socket: socket.socket | None = None
        self._reading = False
        self._tick: asyncio.TimerHandle | None = None
        self.packet_max_bytes = PACKET_MAX_BYTES
        self._client = self._make_client()

    def _make_client(self) -> Client:
        client = Client(
            CallbackAPIVersion.VERSION2,
            client_id=self._profile.client_id,
            protocol=MQTTProtocolVersion.MQTTv5,
            reconnect_on_failure=False,
        )
        client.connect_timeout = _CONNECT_S
        client.max_inflight_messages_set(RECEIVE_MAX)
        client.max_queued_messages_set(RECEIVE_MAX)
        client.on_connect = self._on_connect
        client.on_disconnect = self._on_disconnect
        client.on_subscribe = self._on_subscribe
        client.on_publish = self._on_publish
        client.on_message = self._on_message
        client.on_socket_close = self._on_socket_close
        client.on_socket_register_write = self._on_register_write
        client.on_socket_unregister_write = self._on_unregister_write
        if (will := self._profile.will) is not None:
            client.will_set(will.topic, will.payload, will.qos, retain=False)
        return client

    # Opening

    async def open(self) -> None:
        """Connect and wait for CONNACK.

        Raises Unreachable when no CONNECT went out, Ended when it did and led nowhere.
        """
        loop = asyncio.get_running_loop()
        self._opened = loop.create_future()
        await self._connect(loop)
        sock = self._client.socket()
        if sock is None:
            raise Ended("the socket closed at once")
        self._adopt(loop, sock)
        try:
            async with asyncio.timeout(_ANSWER_S):
                await self._opened
        except TimeoutError:
            self.drop("no CONNACK")
            raise Ended("no CONNACK") from None
        except (Ended, asyncio.CancelledError) as error:
            self.drop(str(error))
            raise

    async def _connect(self, loop: asyncio.AbstractEventLoop) -> None:
        connected: asyncio.Future[str | None] = loop.create_future()

        def finish(fault: str | None) -> None:
            if connected.cancelled():
                self._close_socket()
            else:
                connected.set_result(fault)

        def work() -> None:
            fault: str | None = "the connecting thread failed"
            try:
                self._connect_and_wait()
                fault = None
            except (OSError, ValueError) as error:
                fault = f"{type(error).__name__}: {error}"
            finally:
                try:
                    loop.call_soon_threadsafe(finish, fault)
                except RuntimeError:  # the loop is gone, and with it whoever waited
                    self._close_socket()

        threading.Thread(target=work, name=f"connect {self._profile.client_id}", daemon=True).start()
        fault = await connected
        if fault is not None:
            raise Unreachable(fault)

    def _connect_and_wait(self) -> None:
        """In the thread: everything that waits for a disk, a name server or the other end."""
        if self._server.tls:
            self._client.tls_set_context(self._credentials.context())
        if self._credentials.user is not None:
            self._client.username_pw_set(self._credentials.user, self._credentials.password())
        properties = _properties(PacketTypes.CONNECT)
        properties.SessionExpiryInterval = self._profile.session_expiry_s
        properties.ReceiveMaximum = RECEIVE_MAX
        properties.MaximumPacketSize = PACKET_MAX_BYTES
        self._client.connect(
            self._server.host,
            self._server.port,
            keepalive=self._profile.keepalive_s,
            clean_start=self._profile.clean_start,
            properties=properties,
        )

    def _close_socket(self) -> None:
        sock = self._client.socket()
        if sock is not None:
            sock.close()

    def _adopt(self, loop: asyncio.AbstractEventLoop, sock: Any) -> None:
        """The thread is done: from here on the loop alone touches the client."""
        self._socket = sock
        with contextlib.suppress(OSError):
            # What the kernel holds cannot be overtaken by newer data: let it hold little.
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, _UNSENT_MAX_BYTES)
        loop.add_reader(sock, self._readable)
        self._reading = True
        if self._client.want_write():
            loop.add_writer(sock, self._writable)
        self._tick = loop.call_later(1.0, self._misc)

    # The loop's wake-ups

    def _readable(self) -> None:
        for _ in range(_READS_PER_WAKE):
            if self._socket is None or not self._reading:
                return
            self._client.loop_read()
            if len(self._inbound) >= _INBOUND_MAX:
                self._pause()
                return
            # Under TLS the wake-up covers a whole record: what is decrypted already must be read now.
            if self._socket is None or not getattr(self._socket, "pending", int)():
                return
        asyncio.get_running_loop().call_soon(self._readable)

    def _pause(self) -> None:
        if self._socket is not None and self._reading:
            self._reading = False
            asyncio.get_running_loop().remove_reader(self._socket)

    def _resume(self) -> None:
        if self._socket is not None and not self._reading:
            self._reading = True
            loop = asyncio.get_running_loop()
            loop.add_reader(self._socket, self._readable)
            loop.call_soon(self._readable)

    def _writable(self) -> None:
        self._client.loop_write()

    def _misc(self) -> None:
        self._client.loop_misc()
        if self._ended is None:
            self._tick = asyncio.get_running_loop().call_later(1.0, self._misc)

    # paho's callbacks: each only notes what happened

    def _on_connect(
        self,
        _client: Client,
        _data: Any,
        _flags: ConnectFlags,
        code: ReasonCode,
        properties: Properties | None,
    ) -> None:
        if code.is_failure:
            self._end(f"refused: {code}", code.value)
            return
        told = getattr(properties, "MaximumPacketSize", None)
        if told:
            self.packet_max_bytes = min(PACKET_MAX_BYTES, int(told))
        if self._opened is not None and not self._opened.done():
            self._opened.set_result(None)

    def _on_disconnect(
        self,
        _client: Client,
        _data: Any,
        flags: DisconnectFlags,
        code: ReasonCode,
        _properties: Properties | None,
    ) -> None:
        told = flags.is_disconnect_packet_from_server
        self._end(f"disconnected: {code}", code.value if told else LOCAL)

    def _on_subscribe(
        self, _client: Client, _data: Any, mid: int, codes: list[ReasonCode], _properties: Properties | None
    ) -> None:
        future = self._granted.pop(mid, None)
        if future is not None and not future.done():
            future.set_result([code.value for code in codes])

    def _on_publish(
        self, _client: Client, _data: Any, mid: int, code: ReasonCode, _properties: Properties | None
    ) -> None:
        size_bytes, tag = self._flying.pop(mid, (0, None))
        self._flying_bytes -= size_bytes
        if tag is not None:
            self._done(tag, code.value)

    def _on_message(self, _client: Client, _data: Any, message: MQTTMessage) -> None:
        pairs = getattr(message.properties, "UserProperty", None) or ()
        self._inbound.append(Message(message.topic, bytes(message.payload), dict(pairs)))
        self._wake.set()

    def _on_socket_close(self, _client: Client, _data: Any, sock: Any) -> None:
        if self._socket is not None:
            loop = asyncio.get_running_loop()
            loop.remove_reader(sock)
            loop.remove_writer(sock)
            self._socket = None

    def _on_register_write(self, _client: Client, _data: Any, sock: Any) -> None:
        if self._socket is not None:  # not in the connecting thread
            asyncio.get_running_loop().add_writer(sock, self._writable)

    def _on_unregister_write(self, _client: Client, _data: Any, sock: Any) -> None:
        if self._socket is not None:
            asyncio.get_running_loop().remove_writer(sock)

    def _end(self, why: str, code: int) -> None:
        if self._ended is None:
            self._ended = Ended(why, code)
        if self._tick is not None:
            self._tick.cancel()
        waiting = [*self._granted.values(), self._opened]
        for future in waiting:
            if future is not None and not future.done():
                future.set_exception(self._ended)
        self._granted.clear()
        self._wake.set()

    # What the link does with it

    @property
    def ended(self) -> Ended | None:
        """Why it is over; None while it stands."""
        return self._ended

    @property
    def is_open(self) -> bool:
        """Whether there is a socket to say something on."""
        return self._socket is not None

    @property
    def room_bytes(self) -> int:
        """How much more may be published now; what does not fit waits in the store."""
        return WINDOW_BYTES - self._flying_bytes

    @property
    def flying_count(self) -> int:
        """Messages on their way: not yet written, or not yet acknowledged."""
        return len(self._flying)

    def unfinished(self) -> list[Any]:
        """The tags of what was never confirmed, oldest first."""
        return [tag for _, tag in self._flying.values() if tag is not None]

    async def subscribe(self, filters: Sequence[tuple[str, int]]) -> list[str]:
        """Subscribe and wait for SUBACK; returns the filters that the server refused.  Raises Ended."""
        if self._ended is not None:
            raise self._ended
        wanted = [(topic, SubscribeOptions(qos=qos)) for topic, qos in filters]
        _, mid = self._client.subscribe(wanted)
        if mid is None:
            raise Ended("not connected")
        future: asyncio.Future[list[int]] = asyncio.get_running_loop().create_future()
        self._granted[mid] = future
        try:
            async with asyncio.timeout(_ANSWER_S):
                codes = await future
        except TimeoutError:
            self.drop("no SUBACK")
            raise Ended("no SUBACK") from None
        return [topic for (topic, _), code in zip(filters, codes, strict=False) if code >= 0x80]

    def publish(self, message: Outgoing) -> None:
        """Hand one message to the socket's queue; nothing happens on a connection that is closed."""
        if self._socket is None:
            return
        properties = None
        if message.expiry_s is not None:
            properties = _properties(PacketTypes.PUBLISH)
            properties.MessageExpiryInterval = message.expiry_s
        info = self._client.publish(
            message.topic, message.payload, message.qos, retain=False, properties=properties
        )
        if info.rc == MQTTErrorCode.MQTT_ERR_SUCCESS:
            size_bytes = len(message.payload) + len(message.topic)
            self._flying[info.mid] = (size_bytes, message.tag)
            self._flying_bytes += size_bytes

    async def receive(self) -> Message:
        """The next message.  Raises Ended when the connection is over."""
        while not self._inbound:
            if self._ended is not None:
                raise self._ended
            self._wake.clear()
            await self._wake.wait()
        message = self._inbound.popleft()
        if len(self._inbound) < _INBOUND_MAX // 2:
            self._resume()
        return message

    def interrupt(self, why: str) -> None:
        """Make ``receive`` raise, so that the owner leaves in good order."""
        if self._ended is None:
            self._inbound.clear()
            self._ended = Ended(why)
            self._wake.set()

    async def leave(self, code: int) -> None:
        """DISCONNECT with ``code`` after everything queued, at most two seconds, then close."""
        if self._socket is None:
            return
        gone = asyncio.Event()
        self._client.on_disconnect = lambda *_: gone.set()
        self._client.disconnect(ReasonCode(PacketTypes.DISCONNECT, identifier=code))
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_LEAVE_S):
                await gone.wait()
        self.drop("left")

    def drop(self, why: str) -> None:
        """Close at once, without a word: the server publishes the Will."""
        sock = self._socket
        if sock is not None:
            self._on_socket_close(self._client, None, sock)
            sock.close()
        self._end(why, LOCAL)


def _properties(packet: int) -> Properties:
    return Properties(packet)  # type: ignore[no-untyped-call]  # paho leaves it untyped
