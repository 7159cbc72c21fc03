"""The district's connection to its broker: a queue of received messages, signed sent ones, the host's
STATE.

The host is online while it is connected, offline by its Will or when it leaves.  Source: Eclipse Sparkplug
3.0.0, chapters 4 and 5 ("Sparkplug Host Application").
"""

import asyncio
import contextlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from quartier_district.signed_documents import SigningKey


class HostState:
    """Presence of a host.  Each CONNECT has a time of its own, which its Will and its birth repeat."""

    def __init__(self, client: mqtt.Client, topic: str, now_ms: Callable[[], int]) -> None:
        self.topic = topic
        self._client = client
        self._now_ms = now_ms
        self._born_ms = 0
        self._leaves = False
        client.on_pre_connect = self._begin

    def _begin(self, client: mqtt.Client, _data: object) -> None:
        self._born_ms = self._now_ms()
        client.will_set(self.topic, self._word(online=False), qos=1, retain=True)

    def _word(self, *, online: bool) -> bytes:
        return json.dumps({"online": online, "timestamp": self._born_ms}).encode()

    def announce_online(self) -> None:
        """The connection and its subscriptions stand: online."""
        self._client.publish(self.topic, self._word(online=True), qos=1, retain=True)

    def leave(self) -> None:
        """Offline, for good."""
        self._leaves = True
        self._client.publish(self.topic, self._word(online=False), qos=1, retain=True)

    def hear(self, payload: bytes) -> None:
        """Correct a message that we are offline: of another host, or the Will of an earlier connection."""
        try:
            is_denied = json.loads(payload).get("online") is False
        except (ValueError, AttributeError):
            is_denied = True
        if is_denied and not self._leaves:
            self.announce_online()


_KEEPALIVE_S = 30


@dataclass(frozen=True, kw_only=True)
class ConnectionSettings:
    """Connection parameters: broker, client id, key, and topics to subscribe to (with their QoS)."""

    host: str
    port: int
    client_id: str
    state: str
    topics: Sequence[tuple[str, int]]
    key: SigningKey
    now_ms: Callable[[], int]


@dataclass
class BrokerConnection:
    """One client; its callbacks hand everything over to the loop.  ``linked`` is called at each change."""

    connection_settings: ConnectionSettings
    linked: Callable[[bool], None]
    connected: bool = False
    inbox: "asyncio.Queue[tuple[str, bytes]]" = field(default_factory=asyncio.Queue)

    def __post_init__(self) -> None:
        """Prepare the client."""
        self._loop = asyncio.get_running_loop()
        self._client = mqtt.Client(
            CallbackAPIVersion.VERSION2, client_id=self.connection_settings.client_id, protocol=mqtt.MQTTv5
        )
        self._host_state = HostState(
            self._client, self.connection_settings.state, self.connection_settings.now_ms
        )
        self._client.reconnect_delay_set(1, 2)
        self._client.on_connect = self._on_connect
        self._client.on_disconnect = self._on_disconnect
        self._client.on_message = self._on_message

    # -- paho's thread -----------------------------------------------------------------

    def _on_connect(self, client: mqtt.Client, *_: object) -> None:
        client.subscribe([(self.connection_settings.state, 1), *self.connection_settings.topics])
        self._host_state.announce_online()
        self._loop.call_soon_threadsafe(self._link, True)

    def _on_disconnect(self, *_: object) -> None:
        with contextlib.suppress(RuntimeError):  # the loop has ended
            self._loop.call_soon_threadsafe(self._link, False)

    def _on_message(self, _client: mqtt.Client, _data: object, message: mqtt.MQTTMessage) -> None:
        if message.topic == self._host_state.topic:
            self._host_state.hear(bytes(message.payload))
            return
        with contextlib.suppress(RuntimeError):  # as above
            self._loop.call_soon_threadsafe(self.inbox.put_nowait, (message.topic, bytes(message.payload)))

    # -- the loop ----------------------------------------------------------------------

    def _link(self, connected: bool) -> None:  # noqa: FBT001 - handed over by call_soon_threadsafe
        self.connected = connected
        self.linked(connected)

    def open(self) -> None:
        """Connect, and again whenever the connection is lost."""
        self._client.connect_async(
            self.connection_settings.host, self.connection_settings.port, keepalive=_KEEPALIVE_S
        )
        self._client.loop_start()

    def close(self) -> None:
        """Say goodbye."""
        self._host_state.leave()
        self._client.disconnect()
        self._client.loop_stop()

    def say(
        self,
        topic: str,
        payload: bytes,
        *,
        qos: int,
        retain: bool,
        signed: bool = True,
        expiry_s: int | None = None,
    ) -> None:
        """Publish, with the signature beside it unless it is none of ours to sign."""
        properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call] # paho has no types here
        if signed:
            properties.UserProperty = ("sig", self.connection_settings.key.sign(topic, payload))
        if expiry_s is not None:
            properties.MessageExpiryInterval = expiry_s
        self._client.publish(topic, payload, qos=qos, retain=retain, properties=properties)
