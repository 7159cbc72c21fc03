"""Finds the profiles that fit the identity of a device: guesses, each with certainty and reason.  Pure.

A mark that the device contradicts rules its profile out; a mark without an answer lowers the certainty.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from quartier_drivers import register_codec
from quartier_drivers.device_profile.loading import Certainty, ProfileMatch, RegisterProfile
from quartier_drivers.device_profile.schema import Mark, Source

ReadWords = Callable[[Source], Sequence[int] | None]
"""Returns the registers of a mark; None if the device refused or was silent."""


# Objects of function 43/14 (Modbus Application Protocol V1.1b3, 6.21).
ID_OBJECTS = {
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
class _MarkResult:
    """The result of one mark: ``fits`` is None without an answer.

    ``strong`` if the mark identifies a device.
    """

    fits: bool | None
    strong: bool
    text: str


def match_profile(
    profile: RegisterProfile, words: ReadWords, objects: Mapping[int, str]
) -> ProfileMatch | None:
    """Return the guess that ``profile`` is the device; None if a mark is contradicted, or none was answered.

    ``objects`` are its objects of function 43/14.  Registers are read one mark after the other, and none
    after the first contradiction.
    """
    results = []
    for name, mark in profile.marks.items():
        one = _check_mark(name, mark, words, objects)
        if one.fits is False:
            return None
        results.append(one)
    fitting = [one for one in results if one.fits]
    strong_count = sum(one.strong for one in fitting)
    complete = len(fitting) == len(results)
    if not fitting or not (strong_count or complete):  # some plausible numbers are no evidence
        return None
    sure: Certainty = "possible"
    if strong_count:
        sure = "sure" if complete else "likely"
    vendor = objects.get(ID_OBJECTS["vendor"], "").strip()
    if sure == "possible" and vendor:  # plausible numbers alone: the maker that it states counts more
        if not _is_maker(vendor, profile.head.maker):
            return None
        sure = "likely"
        fitting.append(_MarkResult(True, strong=True, text=f"its vendor name is {vendor!r}"))
    missing = [one.text for one in results if not one.fits]
    why = "; ".join([one.text for one in fitting] + [f"not told: {text}" for text in missing])
    return ProfileMatch(profile.name, sure, why, len(fitting))


def find_contradictions(profile: RegisterProfile, words: ReadWords, objects: Mapping[int, str]) -> list[str]:
    """Describe each mark of ``profile`` that the device contradicts: its value, and the expected one."""
    results = ((mark, _check_mark(name, mark, words, objects)) for name, mark in profile.marks.items())
    return [f"{one.text}, expected {_describe_expected(mark)}" for mark, one in results if one.fits is False]


def _describe_expected(mark: Mark) -> str:
    if mark.like is not None:
        return repr(mark.like)
    if mark.equals:
        return " or ".join(f"{number:.10g}" for number in mark.equals)
    return f"{mark.low:.10g}..{mark.high:.10g}"


def _is_maker(vendor: str, maker: str) -> bool:
    """Return whether a vendor's name is that of a maker, however either is written."""
    text, words = vendor.lower(), re.findall(r"[^\W_]{3,}", maker.lower())
    return any(word in text for word in words) or text in maker.lower()


def _check_mark(name: str, mark: Mark, words: ReadWords, objects: Mapping[int, str]) -> _MarkResult:
    if mark.device_id is not None:
        text = objects.get(ID_OBJECTS[mark.device_id])
        return _compare_mark(f"its {mark.device_id} name", mark, text)
    source = mark.source
    assert source is not None
    heard = words(source)
    value = None if heard is None else register_codec.decode_number(source, heard)
    if heard is not None and value is None:  # an empty text, a void number: the register is there
        return _MarkResult(False, strong=True, text=f"{name} ({source.address}) is empty")
    return _compare_mark(f"{name} ({source.address})", mark, value)


def _compare_mark(what: str, mark: Mark, value: float | str | None) -> _MarkResult:
    if value is None:
        return _MarkResult(None, strong=False, text=what)
    if mark.like is not None:
        text = str(value)
        fits = fnmatchcase(text.lower(), mark.like.lower())
        return _MarkResult(fits, strong=True, text=f"{what} is {text!r}")
    number = float(value)
    if mark.equals:
        strong = number not in _COMMON
        return _MarkResult(number in mark.equals, strong, f"{what} is {number:.10g}")
    low, high = mark.low, mark.high
    assert low is not None
    assert high is not None
    if not low <= number <= high:
        return _MarkResult(False, strong=False, text=f"{what} is {number:.4g}")
    span = _describe_expected(mark)
    return _MarkResult(True, strong=False, text=f"{what} is {number:.10g}, within {span}")
