"""Finds the models of a device: "SunS", then ID and length of one model after the other.  Pure.

Source: SunSpec Device Information Model Specification V1.2, "Device Modbus Map".  Whatever a device answers,
the walk ends: each model advances it by two registers, and there are at most ``MODELS_MAX``.
"""

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple

from quartier_drivers.sunspec.models import END_MODEL, HEAD_WORDS

BASE_ADDRESSES = (40000, 0, 50000)
"""The possible places of the marker, the most common first."""
MARKER = (0x5375, 0x6E53)
"""``SunS``."""
MODELS_MAX = 250
_SPACE = 0x10000


class NoWords(Enum):
    """The reason why a request returned no words."""

    REFUSED = "refused"
    SILENT = "silent"


@dataclass(slots=True)
class RegisterRequest:
    """Wanted registers.  ``vital``: if the silence there persists, the device is gone."""

    address: int
    count: int
    vital: bool = False


class FoundModel(NamedTuple):
    """A model of a device: ``address`` is the place of its ID.

    ``instance`` counts models of its number, from 1.
    """

    number: int
    address: int
    length: int
    instance: int = 1

    @property
    def end(self) -> int:
        """The first register after it."""
        return self.address + HEAD_WORDS + self.length


@dataclass(frozen=True, slots=True)
class ModelChain:
    """The models of a device from ``base`` on, and the faults in its list of models."""

    base: int
    models: tuple[FoundModel, ...]
    faults: tuple[str, ...] = ()

    def of(self, number: int, instance: int = 1) -> FoundModel | None:
        """Return the n-th model of this number; None if there is none."""
        return next((one for one in self.models if (one.number, one.instance) == (number, instance)), None)


ChainWords = Sequence[int] | NoWords
ChainWalk = Generator[RegisterRequest, ChainWords, ModelChain | None]
"""Yields the registers to read and receives their words, or why there are none; None: no SunSpec device."""
FindKnown = Callable[[int, int], Sequence[int] | None]
"""Returns a number of words from an address on, if they were read already."""


def _know_nothing(address: int, count: int) -> None:
    del address, count


def walk_chain(bases: Sequence[int] = BASE_ADDRESSES, known: FindKnown = _know_nothing) -> ChainWalk:
    """Find the marker at one of ``bases`` and follow the chain from there; ask only for unknown registers."""
    for base in bases:
        words = yield RegisterRequest(base, 4)
        if words is NoWords.REFUSED:  # some refuse a read beyond the marker in the same request
            words = yield RegisterRequest(base, 2)
        if not isinstance(words, NoWords) and tuple(words[:2]) == MARKER:
            return (yield from _follow_chain(base, words[len(MARKER) :], known))
    return None


def _follow_chain(
    base: int, first: Sequence[int], known: FindKnown
) -> Generator[RegisterRequest, ChainWords, ModelChain]:
    found: list[FoundModel] = []
    counts: dict[int, int] = {}
    address = base + len(MARKER)
    while True:
        # The first came with the marker.
        head = first if first and not found else known(address, HEAD_WORDS)
        if head is None or address > _SPACE - HEAD_WORDS:
            told = yield from _read_head(address)
            if isinstance(told, str):
                fault = told
                break
            head = told
        number, length = head
        if number == END_MODEL:
            return ModelChain(base, tuple(found))
        end = address + HEAD_WORDS + length
        if number == 0 or end > _SPACE or len(found) >= MODELS_MAX:
            fault = _explain_fault(number, address, length)
            break
        instance = counts[number] = counts.get(number, 0) + 1
        found.append(FoundModel(number, address, length, instance))
        address = end
    return ModelChain(base, tuple(found), (fault,))


def _explain_fault(number: int, address: int, length: int) -> str:
    """Return why the chain ends with a model that does not belong to it."""
    if number == 0:
        return f"a model 0 at {address}: the chain ends there without 0xFFFF"
    if address + HEAD_WORDS + length > _SPACE:
        return f"model {number} at {address} would reach beyond 65535 with its length {length}"
    return f"more than {MODELS_MAX} models: the rest is left out"


def _read_head(address: int) -> Generator[RegisterRequest, ChainWords, tuple[int, int] | str]:
    """Return ID and length, or the fault; an end needs no length."""
    if address > _SPACE - HEAD_WORDS:
        return "the chain reaches 65535 without 0xFFFF"
    words = yield RegisterRequest(address, HEAD_WORDS, vital=True)
    if words is NoWords.REFUSED:
        words = yield RegisterRequest(address, 1, vital=True)
    if isinstance(words, NoWords):
        return f"the chain ends without 0xFFFF: register {address} is {words.value}"
    if words[0] == END_MODEL:
        return END_MODEL, 0
    if len(words) >= HEAD_WORDS:
        return words[0], words[1]
    length = yield RegisterRequest(address + 1, 1, vital=True)
    if isinstance(length, NoWords):
        return f"model {words[0]} at {address} tells no length"
    return words[0], length[0]
