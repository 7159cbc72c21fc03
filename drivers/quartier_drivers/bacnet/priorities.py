"""Who else commands what we command: the priority arrays, read back (ASHRAE 135-2020, 19.2).  Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from quartier_drivers.bacnet.meaning import Meaning
from quartier_drivers.bacnet.values import Element
from quartier_drivers.bacnet.words import PROPERTIES
from quartier_drivers.contract import Note
from quartier_native.bacnet import LIST, NULL, Ref

ARRAY = PROPERTIES["priority-array"]
SLOTS_COUNT = 16
_MINIMUMS = 6


@dataclass(frozen=True, slots=True)
class Holder:
    """A priority above ours that is taken, and what it commands."""

    priority: int
    value: float | None


def array_of(one: Meaning) -> Ref:
    """The priority array of the object that a point commands."""
    return Ref(one.ref.object_type, one.ref.instance, ARRAY)


def slots(said: Sequence[Element]) -> tuple[Element, ...]:
    """Return what stands at each priority, from 1; empty where it is no array of sixteen."""
    return tuple(said) if len(said) == SLOTS_COUNT else ()


def above(one: Meaning, said: Sequence[Element]) -> Holder | None:
    """Return who stands above our priority; the highest of them."""
    write = one.point.write
    if write is None:
        return None
    for priority, slot in enumerate(slots(said)[: write.priority - 1], start=1):
        if slot.kind != NULL:
            return Holder(priority, _number(one, slot))
    return None


def _number(one: Meaning, slot: Element) -> float | None:
    inner = slot.value[0] if slot.kind == LIST and isinstance(slot.value, tuple) and slot.value else slot
    value = getattr(inner, "value", None)
    return one.value(float(value)) if isinstance(value, int | float) else None


class Rivals:
    """The holders that were told of already, by point."""

    def __init__(self) -> None:
        self._known: dict[str, Holder] = {}

    @property
    def known(self) -> Mapping[str, Holder]:
        """Return who stands above us now, by point."""
        return self._known

    def judge(self, one: Meaning, said: Sequence[Element]) -> Iterator[Note]:
        """Yield what a person should know of an array that was read: once who comes, once that he went."""
        holder, before = above(one, said), self._known.get(one.name)
        write = one.point.write
        ours = 0 if write is None else write.priority
        if holder is None:
            if before is not None:
                del self._known[one.name]
                yield Note(
                    "priority.free",
                    f"{one.name}: nobody stands above our priority {ours} any more",
                    {"point": one.name},
                    is_good=True,
                )
            return
        if before is not None and before.priority == holder.priority and before.value == holder.value:
            return
        self._known[one.name] = holder
        shown = "something" if holder.value is None else f"{holder.value:g}"
        who = " (its own least on or off time)" if holder.priority == _MINIMUMS else ""
        yield Note(
            "priority.held",
            f"{one.name}: priority {holder.priority}{who} holds {shown}, above our {ours}, which does not "
            "count before it is given back",
            {"point": one.name, "priority": float(holder.priority)},
        )
