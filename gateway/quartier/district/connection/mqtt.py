"""One MQTT 5 connection on the asyncio loop; the only importer of paho.

The readers and writers of the loop drive paho. Messages of QoS 0 bypass it, because it makes a lock for each
and writes each alone. Only ``connect``, which waits for name, TCP and TLS, runs in a thread of its own (a
daemon, so that a hanging name server cannot delay a stop). Keep-alive and time-outs here use real time,
whatever the clock of the site.

States:

- *Connecting*: ``open`` runs, the thread uses paho. CONNECT is written -> *awaiting CONNACK*.
- *Awaiting CONNACK*: the loop uses paho (``_adopt``). Success -> *up*; refusal or 10 s -> *over*.
- *Up* (socket, no ``end_reason``). ``interrupt`` -> *leaving*; DISCONNECT, a lost socket, ``drop`` -> *over*.
- *Leaving* (socket and ``end_reason``): ``receive`` raises, so that the owner calls ``leave`` -> *over*.
- *Over* (``end_reason``, no socket): final; the next attempt makes a new object.

Invariants:

- ``end_reason`` is set once and never changes.
- Before ``_adopt`` only the thread uses paho, after it only the loop.
- The loop reads the socket only while ``_reading``, and waits to write it only while ``_writing``.
- ``_in_flight_bytes`` is the size of the messages not yet written (QoS 0) or acknowledged (QoS 1).
- A message of QoS 1 is written after all of QoS 0 that were published before it.
"""

import asyncio
import contextlib
from collections.abc import Callable, Iterator, Sequence
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from paho.mqtt import client as paho
from paho.mqtt.client import Client, DisconnectFlags, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from quartier.district.connection import mqtt_types
from quartier.district.connection.dialing import find_unsent_bytes, prepare_socket, run_in_thread
from quartier.district.connection.message_queues import BackfillAllowance, IncomingQueue, OutgoingQueue
from quartier.district.connection.mqtt_types import (
    BrokerCredentials,
    BrokerServer,
    ConnectionEnded,
    ConnectionProfile,
    IncomingMessage,
    OutgoingMessage,
)

if TYPE_CHECKING:
    import socket

_CONNECT_S, _ANSWER_S, _LEAVE_S = 10.0, 10.0, 2.0
_LANDING_S = 1.0  # part of it: closing a socket with unread bytes resets it and loses the last message
_READS_PER_WAKE = 64
_Done = Callable[[Any, int], None]

if getattr(paho, "ssl", None) is None:
    # The ssl module is hidden (see ``hide_modules``). paho names these two whenever a socket reads or writes
    # less than all: catch nothing.
    vars(paho)["ssl"] = SimpleNamespace(SSLWantReadError=(), SSLWantWriteError=())


class _Client(Client):
    """Refuses packets larger than the announced maximum; paho would accept up to 256 MB."""

    def _sock_recv(self, bufsize: int) -> bytes:
        if bufsize > mqtt_types.PACKET_MAX_BYTES:
            raise ValueError(f"a packet of more than {mqtt_types.PACKET_MAX_BYTES} bytes")
        return super()._sock_recv(bufsize)

    def _send_pubrec(self, mid: int) -> MQTTErrorCode:
        raise ValueError(f"message {mid} is of QoS 2, which was not asked for and would be held for ever")


class MqttConnection:
    """One connection from CONNECT to its end; each attempt makes a new one.

    ``done`` is called on the loop with the tag and the MQTT reason code of each finished message.
    """

    def __init__(
        self,
        server: BrokerServer,
        credentials: BrokerCredentials,
        profile: ConnectionProfile,
        done: _Done | None = None,
    ) -> None:
        self._server = server
        self._credentials = credentials
        self._profile = profile
        self._done = done or (lambda _tag, _code: None)
        self._inbound = IncomingQueue()
        self._wake = asyncio.Event()
        self._pipe = OutgoingQueue()  # QoS 0, not yet written
        self._backfill_allowance = BackfillAllowance()
        self._in_flight: dict[int, tuple[int, Any]] = {}  # QoS 1, not yet acknowledged
        self._in_flight_bytes = 0
        self._end_reason: ConnectionEnded | None = None
        self._opened: asyncio.Future[None] | None = None
        self._granted: dict[int, asyncio.Future[list[int]]] = {}
        self._socket: socket.socket | None = None
        self._reading = self._writing = self._gathers = False
        self._gone, self._landed = asyncio.Event(), asyncio.Event()
        self._tick: asyncio.TimerHandle | None = None
        self._client = self._make_client()

    def _make_client(self) -> Client:
        client = _Client(
            CallbackAPIVersion.VERSION2,
            client_id=self._profile.client_id,
            protocol=MQTTProtocolVersion.MQTTv5,
            reconnect_on_failure=False,
        )
        client.connect_timeout = _CONNECT_S
        client.max_inflight_messages_set(mqtt_types.RECEIVE_MAX)
        client.max_queued_messages_set(mqtt_types.RECEIVE_MAX)
        client.on_connect = self._on_connect
        client.on_disconnect = self._on_disconnect
        client.on_subscribe = self._on_subscribe
        client.on_message = self._on_message
        client.on_publish = self._on_publish
        client.on_socket_close = self._on_socket_close
        client.on_socket_register_write = self._on_register_write
        client.on_socket_open = self._on_socket_open
        return client

    # Opening

    async def open(self) -> None:
        """Connect and wait for CONNACK.

        Raises BrokerUnreachable if no CONNECT was sent, and ConnectionEnded (or NoConnack) if it failed after
        that.
        """
        loop = asyncio.get_running_loop()
        self._opened = loop.create_future()
        await run_in_thread(f"connect {self._profile.client_id}", self._connect_and_wait, self._close_socket)
        sock = self._client.socket()
        if sock is None:
            raise ConnectionEnded("the socket closed at once")
        self._adopt(loop, sock)
        try:
            async with asyncio.timeout(_ANSWER_S):
                await self._opened
        except TimeoutError:
            self.drop("no CONNACK")
            raise mqtt_types.NoConnack("no CONNACK") from None
        except (ConnectionEnded, asyncio.CancelledError) as error:
            self.drop(str(error))
            raise

    def _connect_and_wait(self) -> None:
        """Connect, in the thread: everything that waits for a disk, a name server or the broker."""
        if self._server.tls:
            self._client.tls_set_context(self._credentials.context(self._profile.moments))
        if self._credentials.user is not None:
            self._client.username_pw_set(self._credentials.user, self._credentials.password())
        properties = _properties(PacketTypes.CONNECT)
        properties.SessionExpiryInterval = self._profile.session_expiry_s
        properties.ReceiveMaximum = mqtt_types.RECEIVE_MAX
        properties.MaximumPacketSize = mqtt_types.PACKET_MAX_BYTES
        self._client.connect(
            self._server.host,
            self._server.port,
            keepalive=self._profile.keepalive_s,
            clean_start=self._profile.clean_start,
            properties=properties,
        )

    def _on_socket_open(self, client: Client, _data: Any, _sock: Any) -> None:
        """Set the will, in the thread, before CONNECT is written."""
        if self._profile.will is not None:
            will = self._profile.will()
            client.will_set(will.topic, will.payload, will.qos, retain=False)

    def _close_socket(self) -> None:
        if (sock := self._client.socket()) is not None:
            sock.close()

    def _adopt(self, loop: asyncio.AbstractEventLoop, sock: Any) -> None:
        """Take over from the thread: from here on only the loop uses the client."""
        self._socket, self._reading = sock, True
        prepare_socket(sock)
        loop.add_reader(sock, self._readable)
        self._flush()
        self._tick = loop.call_later(1.0, self._misc)

    # The loop's wake-ups

    def _readable(self) -> None:
        for _ in range(_READS_PER_WAKE):
            if self._socket is None or not self._reading:
                return
            self._read()
            if self._inbound.is_full:
                self._pause()
                return
            # Under TLS the wake-up covers a whole record: bytes that are decrypted already must be read now.
            if self._socket is None or not getattr(self._socket, "pending", int)():
                return
        asyncio.get_running_loop().call_soon(self._readable)

    def _read(self) -> None:
        try:
            self._client.loop_read()
        except ValueError as error:  # it keeps the packet, and would raise again at once
            self.drop(f"the server sent what is no MQTT to us: {error}", mqtt_types.PROTOCOL_ERROR)

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

    def _flush(self) -> None:
        """Write the waiting data; wait for the socket only with what it does not take now."""
        is_done = self._write()
        if self._socket is not None and is_done == self._writing:
            self._writing = not is_done
            loop = asyncio.get_running_loop()
            if is_done:
                loop.remove_writer(self._socket)
            else:
                loop.add_writer(self._socket, self._flush)

    def _write(self) -> bool:
        """Write QoS 0 messages, and between them paho's data; return whether everything is written."""
        try:
            return self._socket is not None and self._pipe.write(self._socket.send, self._write_through_paho)
        except OSError as error:
            self.drop(f"{type(error).__name__}: {error}")
            return False
        finally:
            for size_bytes, tag in self._pipe.take_written():
                self._finish(size_bytes, tag)

    def _write_through_paho(self) -> bool:
        if self._client.want_write():
            self._client.loop_write()
        return self._socket is not None and not self._client.want_write()

    def _misc(self) -> None:
        self._client.loop_misc()
        if self._end_reason is None:
            loop = asyncio.get_running_loop()  # at whole seconds, when other tasks wake up, too
            self._tick = loop.call_at((loop.time() + 0.5) // 1.0 + 1.0, self._misc)

    # paho's callbacks: each only notes what happened

    def _on_connect(self, _client: Client, _data: Any, _flags: Any, code: ReasonCode, _rest: Any) -> None:
        if code.is_failure:
            self._end(f"refused: {code}", code.value)
        elif self._opened is not None and not self._opened.done():
            self._opened.set_result(None)

    def _on_disconnect(self, _: Any, _data: Any, how: DisconnectFlags, code: ReasonCode, _rest: Any) -> None:
        self._end(
            f"disconnected: {code}",
            code.value if how.is_disconnect_packet_from_server else mqtt_types.LOCAL_REASON,
        )

    def _on_subscribe(self, _: Client, _data: Any, mid: int, codes: list[ReasonCode], _rest: Any) -> None:
        future = self._granted.pop(mid, None)
        if future is not None and not future.done():
            future.set_result([code.value for code in codes])

    def _on_publish(self, _: Client, _data: Any, mid: int, code: ReasonCode, _rest: Any) -> None:
        self._finish(*self._in_flight.pop(mid, (0, None)), code.value)
        self._landed.set()

    def _finish(self, size_bytes: int, tag: Any, code: int = 0) -> None:
        self._in_flight_bytes -= size_bytes
        if tag is not None:
            self._done(tag, code)

    def _on_message(self, _client: Client, _data: Any, message: MQTTMessage) -> None:
        pairs = getattr(message.properties, "UserProperty", None) or ()
        self._inbound.put(IncomingMessage(message.topic, bytes(message.payload), dict(pairs), message.retain))
        self._wake.set()

    def _on_socket_close(self, _client: Client, _data: Any, sock: Any) -> None:
        if self._socket is not None:
            loop = asyncio.get_running_loop()
            loop.remove_reader(sock)
            loop.remove_writer(sock)
            self._socket, self._writing = None, False
            self._gone.set()
            self._landed.set()

    def _on_register_write(self, _client: Client, _data: Any, _sock: Any) -> None:
        if self._socket and not self._gathers:  # not in the connecting thread
            asyncio.get_running_loop().call_soon(self._flush)

    def _end(self, why: str, code: int) -> None:
        if self._end_reason is None:
            self._end_reason = ConnectionEnded(why, code)
        if self._tick is not None:
            self._tick.cancel()
        for future in (*self._granted.values(), self._opened):
            if future is not None and not future.done():
                future.set_exception(self._end_reason)
        self._granted.clear()
        self._wake.set()

    # Used by the link

    @property
    def end_reason(self) -> ConnectionEnded | None:
        """Return why the connection is over; None while it is up."""
        return self._end_reason

    @property
    def is_open(self) -> bool:
        """Return whether there is a socket to send on."""
        return self._socket is not None

    @property
    def free_bytes(self) -> int:
        """Return how many bytes may be published now; what does not fit waits in the store."""
        return mqtt_types.SEND_WINDOW_BYTES - self._in_flight_bytes

    @property
    def backfill_bytes(self) -> int:
        """Return how many bytes of history may be published now: live data never waits behind much of it."""
        if self._socket is None:
            return 0
        unsent_bytes = self._in_flight_bytes or find_unsent_bytes(self._socket)
        return self._backfill_allowance.bytes(unsent_bytes, asyncio.get_running_loop().time())

    @property
    def in_flight_count(self) -> int:
        """Return the number of messages in flight: not yet written, or not yet acknowledged."""
        return len(self._pipe) + len(self._in_flight)

    def list_unfinished(self) -> list[Any]:
        """Return the tags of unconfirmed messages, oldest first."""
        flying = [tag for _, tag in self._in_flight.values()]
        return [tag for tag in (*self._pipe.tags, *flying) if tag is not None]

    async def subscribe(self, filters: Sequence[tuple[str, int]]) -> list[str]:
        """Subscribe and wait for SUBACK; return the filters that the server refused.

        Raises ConnectionEnded.
        """
        if self._end_reason is not None:
            raise self._end_reason
        wanted = [(topic, SubscribeOptions(qos=qos)) for topic, qos in filters]
        _, mid = self._client.subscribe(wanted)
        if mid is None:
            raise ConnectionEnded("not connected")
        future: asyncio.Future[list[int]] = asyncio.get_running_loop().create_future()
        self._granted[mid] = future
        try:
            async with asyncio.timeout(_ANSWER_S):
                codes = await future
        except TimeoutError:
            self.drop("no SUBACK")
            raise ConnectionEnded("no SUBACK") from None
        return [topic for (topic, _), code in zip(filters, codes, strict=False) if code >= 0x80]

    def publish(self, message: OutgoingMessage) -> None:
        """Queue one message for the socket; do nothing on a closed connection."""
        if self._socket is None:
            return
        size_bytes = len(message.payload) + len(message.topic)
        if not message.qos:
            self._in_flight_bytes += size_bytes
            self._backfill_allowance.note_data(asyncio.get_running_loop().time())
            self._pipe.put(message, size_bytes)
            if not self._gathers:
                asyncio.get_running_loop().call_soon(self._flush)
            return
        properties = _properties(PacketTypes.PUBLISH)
        if message.expiry_s is not None:
            properties.MessageExpiryInterval = message.expiry_s
        self._pipe.mark()
        info = self._client.publish(message.topic, message.payload, message.qos, message.retain, properties)
        if info.rc == MQTTErrorCode.MQTT_ERR_SUCCESS:
            self._in_flight_bytes += size_bytes
            self._in_flight[info.mid] = (size_bytes, message.tag)

    @contextlib.contextmanager
    def write_together(self) -> Iterator[None]:
        """Write everything published inside at the end of the block, not one loop iteration later."""
        self._gathers = True
        try:
            yield
        finally:
            self._gathers = False
            self._flush()

    async def receive(self) -> IncomingMessage:
        """Return the next message. Raises ConnectionEnded if the connection is over."""
        while not self._inbound:
            if self._end_reason is not None:
                raise self._end_reason
            self._wake.clear()
            await self._wake.wait()
        message = self._inbound.take()
        if self._inbound.has_room:
            self._resume()
        return message

    def interrupt(self, why: str) -> None:
        """Make ``receive`` raise, so that the owner disconnects in good order."""
        if self._end_reason is None:
            self._inbound.clear()
            self._end_reason = ConnectionEnded(why)
            self._wake.set()

    async def leave(self, code: int) -> None:
        """Send DISCONNECT with ``code`` after all queued messages are acknowledged, then close.

        It takes two seconds at most.
        """
        if self._socket is None:
            return
        self._client.on_disconnect = None
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_LANDING_S):
                while self._in_flight and self._socket is not None:
                    self._landed.clear()
                    await self._landed.wait()
        self._pipe.mark()
        self._client.disconnect(ReasonCode(PacketTypes.DISCONNECT, identifier=code))
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_LEAVE_S - _LANDING_S):
                await self._gone.wait()
        self.drop("left")

    def drop(self, why: str, code: int = mqtt_types.LOCAL_REASON) -> None:
        """Close at once without DISCONNECT: the server publishes the Will."""
        if (sock := self._socket) is not None:
            self._on_socket_close(self._client, None, sock)
            sock.close()
        self._end(why, code)


def _properties(packet: int) -> Properties:
    return Properties(packet)  # type: ignore[no-untyped-call]  # paho leaves it untyped
