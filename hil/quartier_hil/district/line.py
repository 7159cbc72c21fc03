"""The district's connection to its broker: received messages go to a queue, sent ones are signed."""

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from quartier_hil.district.issuer import Key
from quartier_hil.district.presence import Presence

_KEEPALIVE_S = 30


@dataclass(frozen=True, kw_only=True)
class Dial:
    """Connection parameters: broker, client id, key, and topics to subscribe to (with their QoS)."""

    host: str
    port: int
    client_id: str
    state: str
    topics: Sequence[tuple[str, int]]
    key: Key
    now_ms: Callable[[], int]


@dataclass
class Line:
    """One client; its callbacks hand everything over to the loop.  ``linked`` is called at each change."""

    dial: Dial
    linked: Callable[[bool], None]
    connected: bool = False
    inbox: "asyncio.Queue[tuple[str, bytes]]" = field(default_factory=asyncio.Queue)

    def __post_init__(self) -> None:
        """Prepare the client."""
        self._loop = asyncio.get_running_loop()
        self._client = mqtt.Client(
            CallbackAPIVersion.VERSION2, client_id=self.dial.client_id, protocol=mqtt.MQTTv5
        )
        self._presence = Presence(self._client, self.dial.state, self.dial.now_ms)
        self._client.reconnect_delay_set(1, 2)
        self._client.on_connect = self._on_connect
        self._client.on_disconnect = self._on_disconnect
        self._client.on_message = self._on_message

    # -- paho's thread -----------------------------------------------------------------

    def _on_connect(self, client: mqtt.Client, *_: object) -> None:
        client.subscribe([(self.dial.state, 1), *self.dial.topics])
        self._presence.come()
        self._loop.call_soon_threadsafe(self._link, True)

    def _on_disconnect(self, *_: object) -> None:
        with contextlib.suppress(RuntimeError):  # the loop has ended
            self._loop.call_soon_threadsafe(self._link, False)

    def _on_message(self, _client: mqtt.Client, _data: object, message: mqtt.MQTTMessage) -> None:
        if message.topic == self._presence.topic:
            self._presence.hear(bytes(message.payload))
            return
        with contextlib.suppress(RuntimeError):  # as above
            self._loop.call_soon_threadsafe(self.inbox.put_nowait, (message.topic, bytes(message.payload)))

    # -- the loop ----------------------------------------------------------------------

    def _link(self, connected: bool) -> None:  # noqa: FBT001 - handed over by call_soon_threadsafe
        self.connected = connected
        self.linked(connected)

    def open(self) -> None:
        """Connect, and again whenever the connection is lost."""
        self._client.connect_async(self.dial.host, self.dial.port, keepalive=_KEEPALIVE_S)
        self._client.loop_start()

    def close(self) -> None:
        """Say goodbye."""
        self._presence.leave()
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
            properties.UserProperty = ("sig", self.dial.key.sign(topic, payload))
        if expiry_s is not None:
            properties.MessageExpiryInterval = expiry_s
        self._client.publish(topic, payload, qos=qos, retain=retain, properties=properties)
