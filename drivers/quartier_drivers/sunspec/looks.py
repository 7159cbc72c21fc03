"""Checks now and then whether models are still at their places, because devices change."""

from collections.abc import Iterable

from quartier_drivers.sunspec.chain import Found
from quartier_drivers.sunspec.models import HEAD_WORDS
from quartier_drivers.sunspec.registers import Registers

LOOK_S = 30.0
"""Period of the checks in s."""
# Exceptions of a device that has no such registers: function, address, value.
_NONE_THERE = (1, 2, 3)


class Looks:
    """Checks the furthest model each time, which moves with any before it, and the others in turn."""

    def __init__(self, models: Iterable[Found], registers: Registers, now_ns: int) -> None:
        self.models = sorted(set(models), key=lambda one: one.address)
        self._registers = registers
        self._next = 0
        self.due_ns = now_ns + int(LOOK_S * 1e9)

    async def turn(self, now_ns: int) -> int | None:
        """Return the number of a model that is no longer at its place; None: all is well.

        Raises NoReply or LinkLost.
        """
        self.due_ns = now_ns + int(LOOK_S * 1e9)
        *others, furthest = self.models or (None,)
        self._next = (self._next + 1) % max(1, len(others))
        for one in (furthest, *others[self._next : self._next + 1]):
            if one is not None and await stands(one, self._registers) is False:
                return one.number
        return None


async def stands(model: Found, registers: Registers) -> bool | None:
    """Return whether the model is at its place; None if the device does not say just now.

    Raises NoReply or LinkLost.
    """
    head = await registers.ask(model.address, HEAD_WORDS)
    if head.exception:
        return False if head.exception in _NONE_THERE else None
    return tuple(head.values) == (model.number, model.length)
