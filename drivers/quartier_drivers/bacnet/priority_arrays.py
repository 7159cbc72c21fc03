"""Read back priority arrays and report who else commands a point."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from quartier_drivers.bacnet.codec.answers import PreparedRead
from quartier_drivers.bacnet.codec.application_data import Element
from quartier_drivers.bacnet.codec.device_errors import DeviceRefused
from quartier_drivers.bacnet.network.peer import BacnetDevice
from quartier_drivers.bacnet.read_jobs import PointMeaning
from quartier_drivers.bacnet.standard_names import PROPERTIES
from quartier_drivers.contract import Note
from quartier_native.bacnet import LIST, NULL, Ref

_S = 1_000_000_000
_READ_PERIOD_S = 60
_EMPTY_SLOT = Element(NULL, None)


@dataclass(frozen=True, slots=True)
class PriorityHolder:
    """An occupied slot at a higher priority than ours, and the value that it commands."""

    priority: int
    value: float | None


class PriorityArrayReads:
    """The arrays of the commanded points: read after each changed command, then once a minute.

    If an array is too long for the device's messages, the slots above ours are read one by one.
    """

    def __init__(self, peer: BacnetDevice) -> None:
        self._peer = peer
        self._conflicts = PriorityConflicts()
        self._due_ns: dict[str, int] = {}
        self._slots: dict[str, list[Element]] = {}  # of arrays that are read one by one, as far as they were
        self._without: set[str] = set()

    @property
    def due_ns(self) -> int | None:
        """Return when the next array is to be read; None if no point is commanded."""
        return min(self._due_ns.values(), default=None)

    @property
    def holders(self) -> Mapping[str, PriorityHolder]:
        """Return the slots that are occupied above ours now, by point."""
        return self._conflicts.holders

    def note_command(self, one: PointMeaning, now_ns: int, *, changed: bool) -> None:
        """Note that a point was commanded; ``changed`` if to another value than before."""
        if not one.point.has_priorities or one.name in self._without:
            return
        if changed or one.name not in self._due_ns:
            self._due_ns[one.name] = now_ns

    def drop_point(self, name: str) -> None:
        """Forget a point that was relinquished: other commands to it no longer matter."""
        self._due_ns.pop(name, None)
        self._slots.pop(name, None)

    def forget(self) -> None:
        """Forget all arrays: it may be another device now."""
        self._due_ns.clear()
        self._slots.clear()
        self._without.clear()

    async def look(self, meanings: Mapping[str, PointMeaning], now_ns: int) -> list[Note]:
        """Read the most overdue array, or one slot of it; return notes for people about it.

        Raises NoReply or LinkLost.
        """
        name = min(self._due_ns, key=lambda name: self._due_ns[name])
        one = meanings[name]
        said = await self._read_slots(one, now_ns)
        return [] if said is None else list(self._report_conflicts(one, said, now_ns))

    async def _read_slots(self, one: PointMeaning, now_ns: int) -> list[Element] | None:
        """Return all slots, the unknown ones empty; None while some are still to be read."""
        found, name = self._slots.get(one.name), one.name
        ref = make_array_ref(one)
        if found is not None:
            ref = Ref(ref.object_type, ref.instance, ref.property_id, len(found) + 1)
        try:
            answer = await self._peer.read(
                PreparedRead((ref,), self._peer.route, answer_max=self._peer.answer_max)
            )
        except DeviceRefused as denied:
            if found is None and denied.is_too_large:
                self._slots[name] = []
                return None
            self._without.add(name)  # it has no array, or does not show it
            self.drop_point(name)
            return None
        if found is None:
            return list(answer.elements(0))
        found += answer.elements(0)[:1] or (_EMPTY_SLOT,)
        if len(found) + 1 < (one.point.write.priority if one.point.write else 0):
            return None
        self._slots[name] = []
        self._due_ns[name] = now_ns
        return [*found, *[_EMPTY_SLOT] * (SLOTS_COUNT - len(found))]

    def _report_conflicts(self, one: PointMeaning, said: list[Element], now_ns: int) -> Iterator[Note]:
        self._due_ns[one.name] = now_ns + _READ_PERIOD_S * _S
        yield from self._conflicts.judge(one, said)


PRIORITY_ARRAY = PROPERTIES["priority-array"]
SLOTS_COUNT = 16
_MINIMUM_TIMES_SLOT = 6


def make_array_ref(one: PointMeaning) -> Ref:
    """Return the priority array of the object that a point commands."""
    return Ref(one.ref.object_type, one.ref.instance, PRIORITY_ARRAY)


def read_slots(said: Sequence[Element]) -> tuple[Element, ...]:
    """Return the content of each priority, from 1; empty if it is no array of sixteen."""
    return tuple(said) if len(said) == SLOTS_COUNT else ()


def find_holder_above(one: PointMeaning, said: Sequence[Element]) -> PriorityHolder | None:
    """Return the highest occupied slot above our priority; None if there is none."""
    write = one.point.write
    if write is None:
        return None
    for priority, slot in enumerate(read_slots(said)[: write.priority - 1], start=1):
        if slot.kind != NULL:
            return PriorityHolder(priority, _find_number(one, slot))
    return None


def _find_number(one: PointMeaning, slot: Element) -> float | None:
    inner = slot.value[0] if slot.kind == LIST and isinstance(slot.value, tuple) and slot.value else slot
    value = getattr(inner, "value", None)
    return one.value(float(value)) if isinstance(value, int | float) else None


class PriorityConflicts:
    """The holders above us that were already reported, by point."""

    def __init__(self) -> None:
        self._known: dict[str, PriorityHolder] = {}

    @property
    def holders(self) -> Mapping[str, PriorityHolder]:
        """Return the slots that are occupied above ours now, by point."""
        return self._known

    def judge(self, one: PointMeaning, said: Sequence[Element]) -> Iterator[Note]:
        """Yield notes for people about an array: one when a holder appears, one when it is gone."""
        holder, before = find_holder_above(one, said), self._known.get(one.name)
        write = one.point.write
        ours = 0 if write is None else write.priority
        if holder is None:
            if before is not None:
                del self._known[one.name]
                yield Note(
                    "priority.free",
                    f"{one.name}: no order above our priority {ours} any more",
                    {"point": one.name},
                    is_good=True,
                )
            return
        if before is not None and before.priority == holder.priority and before.value == holder.value:
            return
        self._known[one.name] = holder
        shown = "something" if holder.value is None else f"{holder.value:g}"
        who = " (its own least on or off time)" if holder.priority == _MINIMUM_TIMES_SLOT else ""
        yield Note(
            "priority.held",
            f"{one.name}: priority {holder.priority}{who} holds {shown}, above our {ours}, which does not "
            "count before it is given back",
            {"point": one.name, "priority": float(holder.priority)},
        )
