"""The host's own STATE: online while it is connected, offline by its Will or when it leaves.

Source: Eclipse Sparkplug 3.0.0, chapters 4 and 5 ("Sparkplug Host Application").
"""

import json
from collections.abc import Callable

import paho.mqtt.client as mqtt


class Presence:
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

    def come(self) -> None:
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
            self.come()
