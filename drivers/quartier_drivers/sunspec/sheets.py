"""All points of a model at once: how its registers are read is made once for each length and count.  Pure."""

import struct
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from types import MappingProxyType

from quartier_drivers.sunspec.kinds import KINDS
from quartier_drivers.sunspec.leaves import Unfolded, unfold
from quartier_drivers.sunspec.models import Model, model
from quartier_drivers.sunspec.values import TEXTS, Plain

_CODES: Mapping[str, str] = MappingProxyType(
    {
        "int16": "h",
        "uint16": "H",
        "int32": "i",
        "uint32": "I",
        "int64": "q",
        "uint64": "Q",
        "float32": "f",
        "float64": "d",
    }
)
_TENS = tuple(10**power for power in range(11))
_VOID = 99
_FLOAT_MAX = 1.7976931348623157e308
_BITS = {"h": 16, "i": 32, "q": 64}
_Column = tuple[int | None, int | None, int, bool, Callable[[bytes], Plain | None] | None]
"""Code of "not implemented"; column of the scale factor, or its power; whether a float; a text's reader."""


class Sheet:
    """The points of a model of one length; ``values`` reads them all."""

    def __init__(self, unfolded: Unfolded) -> None:
        self.unfolded = unfolded
        places = {leaf.offset: place for place, leaf in enumerate(unfolded)}
        codes: list[str] = []
        columns: list[_Column] = []
        for leaf in unfolded:
            entry = leaf.entry
            kind = KINDS.get(entry.type_name)
            if kind is None:
                codes.append(f"{2 * entry.size}s")
                columns.append((None, None, 0, False, TEXTS.get(entry.type_name, bytes.hex)))
                continue
            code = _CODES[kind.type_name]
            codes.append(code)
            absent = kind.absent[0] if kind.absent else None
            if absent is not None and code in _BITS and absent >> _BITS[code] - 1:
                absent -= 1 << _BITS[code]
            scale = None if leaf.scale_offset is None else places.get(leaf.scale_offset)
            lost = leaf.scale_offset is not None and scale is None
            columns.append((absent, scale, _VOID if lost else leaf.power, code in "fd", None))
        self._struct = struct.Struct(f">{''.join(codes)}")
        self._columns = tuple(columns)

    def values(self, data: bytes) -> tuple[list[Plain | None], set[int]]:
        """What each point says, None where it is not implemented; and where a scale factor is not.

        ``data`` are the model's registers from its ID on.  What lacks its scale factor is as it stands.
        """
        raws = self._struct.unpack_from(data)
        found: list[Plain | None] = []
        unscaled: set[int] = set()
        for (absent, scale, power, is_float, reads), raw in zip(self._columns, raws, strict=True):
            if reads is not None:
                found.append(reads(raw))
            elif raw == absent or (is_float and not -_FLOAT_MAX <= raw <= _FLOAT_MAX):
                found.append(None)
            else:
                ten = power if scale is None else raws[scale]
                if ten == 0:
                    found.append(raw)
                elif -10 <= ten < 0:
                    found.append(raw / _TENS[-ten])
                elif 0 < ten <= 10:
                    found.append(raw * _TENS[ten])
                else:
                    unscaled.add(len(found))
                    found.append(raw)
        return found, unscaled


def sheet(number: int, length: int, words: Sequence[int | None]) -> Sheet:
    """How a model of the standard is read whose first registers are ``words``: its counts are among them."""
    definition = model(number)
    assert definition is not None
    return _made(number, length, tuple(words[at] if at < len(words) else None for at in _counts(definition)))


@lru_cache(maxsize=256)
def _made(number: int, length: int, counts: tuple[int | None, ...]) -> Sheet:
    definition = model(number)
    assert definition is not None
    told = dict(zip(_counts(definition), counts, strict=True))
    return Sheet(unfold(definition, length, told.get))


def _counts(definition: Model) -> list[int]:
    """Where the counts stand that say how often its groups are repeated."""
    wanted = {group.count for group in definition.group.walk() if isinstance(group.count, str)}
    places, at = [], 0
    for entry in definition.group.entries:
        if entry.name in wanted:
            places.append(at)
        at += entry.size
    return places
