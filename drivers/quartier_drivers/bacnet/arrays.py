"""When the priority arrays of what we command are read back, one exchange at a time, and what they show."""

from collections.abc import Iterator, Mapping

from quartier_drivers.bacnet.answers import Read
from quartier_drivers.bacnet.denials import Denied
from quartier_drivers.bacnet.meaning import Meaning
from quartier_drivers.bacnet.peer import Peer
from quartier_drivers.bacnet.priorities import SLOTS_COUNT, Holder, Rivals, array_of
from quartier_drivers.bacnet.values import Element
from quartier_drivers.contract import Note
from quartier_native.bacnet import NULL, Ref

_S = 1_000_000_000
_EVERY_S = 60
_EMPTY = Element(NULL, None)


class Arrays:
    """The arrays of the points that are commanded now: read after a command that changed, then once a minute.

    Where an array is too long for the device's messages, the places above ours are read one by one.
    """

    def __init__(self, peer: Peer) -> None:
        self._peer = peer
        self._rivals = Rivals()
        self._due_ns: dict[str, int] = {}
        self._slots: dict[str, list[Element]] = {}  # of arrays that are read one by one, as far as they were
        self._without: set[str] = set()

    @property
    def due_ns(self) -> int | None:
        """Return when the next one is to be read; None where nothing is commanded."""
        return min(self._due_ns.values(), default=None)

    @property
    def holders(self) -> Mapping[str, Holder]:
        """Return who stands above us now, by point."""
        return self._rivals.known

    def commanded(self, one: Meaning, now_ns: int, *, changed: bool) -> None:
        """A point was commanded, perhaps again the same."""
        if not one.point.has_priorities or one.name in self._without:
            return
        if changed or one.name not in self._due_ns:
            self._due_ns[one.name] = now_ns

    def left(self, name: str) -> None:
        """A point was given back: who commands it is nothing to us."""
        self._due_ns.pop(name, None)
        self._slots.pop(name, None)

    def forget(self) -> None:
        """It may be another device."""
        self._due_ns.clear()
        self._slots.clear()
        self._without.clear()

    async def look(self, meanings: Mapping[str, Meaning], now_ns: int) -> list[Note]:
        """Read the array, or one place of it, that is most overdue; what a person should know of it.

        Raises NoReply or LinkLost.
        """
        name = min(self._due_ns, key=lambda name: self._due_ns[name])
        one = meanings[name]
        said = await self._said(one, now_ns)
        return [] if said is None else list(self._judged(one, said, now_ns))

    async def _said(self, one: Meaning, now_ns: int) -> list[Element] | None:
        """All places, those of which nothing is known empty; None while some are to be read yet."""
        found, name = self._slots.get(one.name), one.name
        ref = array_of(one)
        if found is not None:
            ref = Ref(ref.object_type, ref.instance, ref.property_id, len(found) + 1)
        try:
            told = await self._peer.read(Read((ref,), self._peer.route, answer_max=self._peer.answer_max))
        except Denied as denied:
            if found is None and denied.is_too_large:
                self._slots[name] = []
                return None
            self._without.add(name)  # it has no array, or does not show it
            self.left(name)
            return None
        if found is None:
            return list(told.elements(0))
        found += told.elements(0)[:1] or (_EMPTY,)
        if len(found) + 1 < (one.point.write.priority if one.point.write else 0):
            return None
        self._slots[name] = []
        self._due_ns[name] = now_ns
        return [*found, *[_EMPTY] * (SLOTS_COUNT - len(found))]

    def _judged(self, one: Meaning, said: list[Element], now_ns: int) -> Iterator[Note]:
        self._due_ns[one.name] = now_ns + _EVERY_S * _S
        yield from self._rivals.judge(one, said)
