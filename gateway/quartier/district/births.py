"""Births in portions: a house of many points says who is there, and its caller is soon free again (pure)."""

from collections import deque

from quartier.district.catalog import NODE
from quartier.district.effects import Effect, Scene
from quartier.district.voice import Voice

# Metrics in one go: some 2 ms.  A device is not divided.
PORTION = 200


class Births:
    """The devices whose birth is still to be said, in the order of the catalog."""

    def __init__(self) -> None:
        self._waiting: deque[str] = deque()

    def __bool__(self) -> bool:
        return bool(self._waiting)

    def clear(self) -> None:
        """Nobody waits any more: the connection is gone."""
        self._waiting.clear()

    def begin(self, nbirth: Effect, voice: Voice, scene: Scene) -> list[Effect]:
        """The node's birth, and of its devices as many as are left of a portion."""
        self._waiting = deque(voice.catalog.devices)
        return [nbirth, *self.portion(voice, scene, voice.catalog.count(NODE))]

    def portion(self, voice: Voice, scene: Scene, count: int = 0) -> list[Effect]:
        """The next devices, until ``PORTION`` metrics were told; ``count`` were told already."""
        found: list[Effect] = []
        while self._waiting and count < PORTION:
            device = self._waiting.popleft()
            count += voice.catalog.count(device)
            found.append(voice.dbirth(device, scene))
        return found
