"""A capture of a meter, read as the driver reads it: each frame in the meter's words and in ours.

What ``quartier decode`` prints.
"""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from quartier_drivers import profile as profiles
from quartier_drivers.contract import Quality, Value
from quartier_drivers.errors import ConfigError, Fault
from quartier_drivers.meter import protocols
from quartier_drivers.meter.keys import NO_KEYS, Keys
from quartier_drivers.meter.meaning import Meaning, Meant
from quartier_drivers.meter.profile import MeterProfile
from quartier_drivers.meter.telegram import Counts, Group, Said, Telegram
from quartier_drivers.ranges import can_be


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame: ``points`` are the good ones, by quantity, ``part.quantity`` for a child of the meter."""

    number: int
    telegram: Telegram
    points: Mapping[str, Value]

    def as_json(self) -> dict[str, Any]:
        """As it is printed, one line a frame."""
        return {
            "frame": self.number,
            "meter": self.telegram.meter,
            "points": dict(self.points),
            "groups": [_group(one) for one in self.telegram.groups],
            "bad": self.telegram.bad_count,
        }


def _group(one: Group) -> dict[str, Any]:
    own = {"label": one.label, "value": _number(one.value), "unit": one.unit, "time": one.time}
    return own | {key: _number(said) for key, said in one.more.items() if key not in own}


def _number(said: Said) -> Said | None:
    """What JSON has no word for (infinity, and what is no number) is null."""
    return None if isinstance(said, float) and not math.isfinite(said) else said


class Points:
    """What profiles make of telegrams; of several, the one that tells the most of a telegram counts."""

    def __init__(self, known: Sequence[MeterProfile]) -> None:
        self._names = [one.name for one in known]
        self._meanings = [
            Meaning(
                {
                    f"{part}.{quantity}".lstrip("."): (quantity, statement)
                    for part, statements in one.parts.items()
                    for quantity, statement in statements.items()
                }
            )
            for one in known
        ]

    def of(self, telegram: Telegram) -> dict[str, Value]:
        """The good points of a telegram."""
        best = max((self._told(one, telegram) for one in self._meanings), key=_stated, default={})
        return {
            name: meant.value
            for name, meant in best.items()
            if meant.value is not None
            and meant.quality is Quality.GOOD
            and _stated(best)
            and can_be(name.rpartition(".")[2], meant.value)
        }

    def best(self, telegram: Telegram) -> list[str]:
        """The profiles that tell the most of a telegram; none where none tells anything."""
        counts = [_stated(self._told(one, telegram)) for one in self._meanings]
        most = max(counts, default=0)
        return [name for name, count in zip(self._names, counts, strict=True) if count == most > 0]

    @staticmethod
    def _told(meaning: Meaning, telegram: Telegram) -> dict[str, Meant]:
        meaning.forget()
        return meaning.told(telegram)


def _stated(told: Mapping[str, Meant]) -> int:
    return sum(meant.is_stated and meant.quality is Quality.GOOD for meant in told.values())


class Capture:
    """Takes the bytes of a capture and gives its frames; ``counts`` is for the summary.

    Without a ``profile`` (``maker/model``) the built-in ones of the protocol say what the points are.
    Raises ConfigError for a profile that cannot be used.
    """

    def __init__(
        self, protocol: str, profile: str = "", keys: Keys = NO_KEYS, folders: Sequence[Path] = ()
    ) -> None:
        known = [_named(protocol, profile, folders)] if profile else usual(protocol)
        settings = known[0].decoder if profile else {}
        try:
            self._decoder = protocols.decoder(protocol, settings, keys, is_capture=True)
        except ValueError as error:
            raise ConfigError([Fault(protocol, None, "decoder", str(error))]) from error
        self._points = Points(known)
        self._number = 0
        self.groups_count = 0
        """How many checked groups were in them."""

    @property
    def counts(self) -> Counts:
        """What the decoder has seen so far."""
        return self._decoder.counts

    @property
    def why(self) -> str:
        """Why the last thing that was refused was, where the decoder tells."""
        return str(getattr(self._decoder, "why", ""))

    @property
    def frames_count(self) -> int:
        """How many frames had something good in them."""
        return self._number

    def frames(self, chunks: Iterable[bytes]) -> Iterator[Frame]:
        """The frames of all chunks, and what is good of an unfinished one."""
        for chunk in chunks:
            yield from self._framed(self._decoder.feed(chunk))
        yield from self._framed(self._decoder.end())

    def _framed(self, telegrams: Iterable[Telegram]) -> Iterator[Frame]:
        for telegram in telegrams:
            if telegram.groups:
                self._number += 1
                self.groups_count += len(telegram.groups)
                yield Frame(self._number, telegram, self._points.of(telegram))


def usual(protocol: str) -> list[MeterProfile]:
    """The built-in profiles of a protocol whose meters need nothing special of the decoder."""
    mark = f'protocol = "{protocol}"'
    found = []
    for name in profiles.names():
        file = profiles.BUILT_IN / f"{name}.toml"
        if mark in file.read_text(encoding="utf-8"):
            one = profiles.load(name)
            if isinstance(one, MeterProfile) and one.protocol == protocol and not one.decoder:
                found.append(one)
    return found


def _named(protocol: str, name: str, folders: Sequence[Path]) -> MeterProfile:
    found = profiles.load(name, folders)
    if isinstance(found, MeterProfile) and found.protocol == protocol:
        return found
    what = f"speaks {found.protocol}; expected one that speaks {protocol}"
    raise ConfigError([Fault(name, None, "profile", what)])
