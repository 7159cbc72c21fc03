"""Finds the profiles that fit the identity of a device: guesses, each with certainty and reason.  Pure.

A mark that the device contradicts rules its profile out; a mark without an answer lowers the certainty.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import Literal

from quartier_drivers import codec
from quartier_drivers.profile import RegisterProfile
from quartier_drivers.schema import Mark, Source

Sure = Literal["sure", "likely", "possible"]
SURENESS: tuple[Sure, ...] = ("sure", "likely", "possible")
Words = Callable[[Source], Sequence[int] | None]
"""Returns the registers of a mark; None if the device refused or was silent."""

# Objects of function 43/14 (Modbus Application Protocol V1.1b3, 6.21).
OBJECTS = {
    "vendor": 0,
    "product": 1,
    "revision": 2,
    "url": 3,
    "name": 4,
    "model": 5,
    "application": 6,
}
# A value that many devices have in many registers proves nothing.
_COMMON = (0.0, 1.0)


@dataclass(frozen=True, slots=True)
class Guess:
    """A profile that may fit.  ``why`` lists the marks that fit, and those without an answer.

    ``serial`` is the device's number if it was read.
    """

    profile: str
    sure: Sure
    why: str
    fits_count: int = 0
    serial: str = ""


@dataclass(frozen=True, slots=True)
class _Told:
    """The result of one mark: ``fits`` is None without an answer.

    ``strong`` if the mark identifies a device.
    """

    fits: bool | None
    strong: bool
    text: str


def guess(profile: RegisterProfile, words: Words, objects: Mapping[int, str]) -> Guess | None:
    """Return the guess that ``profile`` is the device; None if a mark is contradicted, or none was answered.

    ``objects`` are its objects of function 43/14.  Registers are read one mark after the other, and none
    after the first contradiction.
    """
    told = []
    for name, mark in profile.marks.items():
        one = _told(name, mark, words, objects)
        if one.fits is False:
            return None
        told.append(one)
    fitting = [one for one in told if one.fits]
    strong_count = sum(one.strong for one in fitting)
    complete = len(fitting) == len(told)
    if not fitting or not (strong_count or complete):  # some plausible numbers are no evidence
        return None
    sure: Sure = "possible"
    if strong_count:
        sure = "sure" if complete else "likely"
    vendor = objects.get(OBJECTS["vendor"], "").strip()
    if sure == "possible" and vendor:  # plausible numbers alone: what it says of its maker counts more
        if not _is_of(vendor, profile.head.maker):
            return None
        sure = "likely"
        fitting.append(_Told(True, strong=True, text=f"its vendor name is {vendor!r}"))
    missing = [one.text for one in told if not one.fits]
    why = "; ".join([one.text for one in fitting] + [f"not told: {text}" for text in missing])
    return Guess(profile.name, sure, why, len(fitting))


def _is_of(vendor: str, maker: str) -> bool:
    """Return whether a vendor's name is that of a maker, however either is written."""
    said, words = vendor.lower(), re.findall(r"[^\W_]{3,}", maker.lower())
    return any(word in said for word in words) or said in maker.lower()


def ranked(guesses: Iterable[Guess]) -> list[Guess]:
    """Return the surest first; if several are sure, all of them become likely."""
    found = sorted(guesses, key=lambda one: (SURENESS.index(one.sure), -one.fits_count, one.profile))
    if sum(one.sure == "sure" for one in found) < 2:
        return found
    return [
        replace(one, sure="likely", why=f"{one.why}; another profile fits as well")
        if one.sure == "sure"
        else one
        for one in found
    ]


def _told(name: str, mark: Mark, words: Words, objects: Mapping[int, str]) -> _Told:
    if mark.device_id is not None:
        text = objects.get(OBJECTS[mark.device_id])
        return _compared(f"its {mark.device_id} name", mark, text)
    source = mark.source
    assert source is not None
    heard = words(source)
    value = None if heard is None else codec.value_of(source, heard)
    if heard is not None and value is None:  # an empty text, a void number: the register is there
        return _Told(False, strong=True, text=f"{name} ({source.address}) is empty")
    return _compared(f"{name} ({source.address})", mark, value)


def _compared(what: str, mark: Mark, value: float | str | None) -> _Told:
    if value is None:
        return _Told(None, strong=False, text=what)
    if mark.like is not None:
        text = str(value)
        fits = fnmatchcase(text.lower(), mark.like.lower())
        return _Told(fits, strong=True, text=f"{what} is {text!r}")
    number = float(value)
    if mark.equals:
        strong = number not in _COMMON
        return _Told(number in mark.equals, strong, f"{what} is {number:.10g}")
    low, high = mark.low, mark.high
    assert low is not None
    assert high is not None
    span = f"{low:.10g}..{high:.10g}"
    return _Told(low <= number <= high, strong=False, text=f"{what} is {number:.10g}, within {span}")
