"""Ranks the profiles that fit a meter, by the maker and model that it states and by what they read.  Pure.

The ``[recognise]`` table of a profile names marks.  A mark that the meter contradicts rules its profile out;
a mark that it does not state lowers the certainty.  A profile without marks fits meters of all makers.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Literal

from quartier_drivers.meter.meaning import PointValue
from quartier_drivers.meter.profile import MeterProfile
from quartier_drivers.meter.protocol import PROTOCOLS
from quartier_drivers.meter.schema import CLOCK_FORMS, MeterMarks
from quartier_drivers.meter.telegrams import Group, Telegram
from quartier_drivers.ranges import is_value_possible
from quartier_drivers.readings import Quality, Value

Certainty = Literal["sure", "likely", "possible"]
_CERTAINTIES: tuple[Certainty, ...] = ("sure", "likely", "possible")
_FLAG = re.compile(r"[A-Z]{3}")
_MAKER_GROUPS = ("1-0:96.50.1*1", "129-129:199.130.3")
"""Where SML meters state their maker: FNN Lastenheft Basiszähler, and EDL before it."""
_DEVICE_NUMBER = re.compile(r"[0-9A-F]([A-Z]{3})[0-9A-F]{2}[0-9]{8}")
"""An identification number after DIN 43863-5, ``1EMH0012345678``."""
_OLD_SERVER = re.compile(r"(?:06|09[0-9a-f]{2})((?:[0-9a-f]{2}){3})[0-9a-f]{6,14}")
"""A server id of SML meters before DIN 43863-5: 06 or 09 and the medium, three letters, a number."""
_LISTS = {"KFM_": "KFM", "AIDON_": "AID", "Kamstrup_": "KAM"}
"""First letters of the version of a pushed list, and the maker."""
_LIST_LABELS = ("1-0:0.2.129", "1-1:0.2.129")
_LOGICAL_NAME = "0-0:42.0.0"
_LOGICAL_TEXT = re.compile(r"([A-Z]{3})[0-9A-Za-z]{5,13}")
"""A logical device name: the maker's three letters first (Blue Book part 2, 4.4.4)."""
_LINKY = {"ADSC": re.compile(r"[0-9]{12}"), "ADCO": re.compile(r"[0-9]{12}")}
_LINKY_MAKERS = {"02": "Sagemcom", "03": "Itron", "04": "Landis+Gyr", "06": "Itron", "11": "Honeywell"}
"""The first two digits of a Linky's address: maker, year, type, number (Enedis-NOI-CPT_54E, 6.2.3)."""
_VOLTAGES_V = (85.0, 300.0)
"""Between phase and neutral, where there is a voltage at all: networks of 110 V to 277 V."""
_VOLTAGES = ("voltage_v", "voltage_l1_v", "voltage_l2_v", "voltage_l3_v")
_SHOWN_MAX = 3
_MAKER = "maker"


@dataclass(slots=True)
class MeterIdentity:
    """The identity that a meter states: ``maker`` is the three letters of the FLAG association.

    ``head`` is the identification line of P1 and IEC 62056-21; ``groups`` has the last group of each label.
    """

    maker: str = ""
    head: str = ""
    medium: str = ""
    version: int | None = None
    groups: dict[str, Group] = field(default_factory=dict)

    def take(self, telegram: Telegram, head: str = "") -> None:
        """Add a telegram of the same meter; ``head`` is its identification line."""
        self.groups.update((one.label, one) for one in telegram.groups)
        self.head = head or self.head
        if status := self.groups.get("status"):
            more = status.more
            self.medium = str(more.get("medium", self.medium))
            version = more.get("version", self.version)
            self.version = version if isinstance(version, int) else None
            self.maker = str(more.get("maker", self.maker))
        self.maker = self.maker or _find_maker(telegram.meter, self.head, self.groups)

    @property
    def text(self) -> str:
        """The maker and the model in short, as far as they are stated."""
        words = [self.maker, self.medium.replace("_", " ")]
        words += [] if self.version is None else [f"version {self.version}"]
        if self.head:
            words = [self.head]
        for label, form in _LINKY.items():
            text = str(self.groups[label].value) if label in self.groups else ""
            if form.fullmatch(text):
                maker = _LINKY_MAKERS.get(text[:2], f"maker {text[:2]}")
                words = ["Linky", f"({maker}, 20{text[2:4]})"]
        model = next(
            (str(self.groups[one].value) for one in ("0-0:96.1.7", "1-1:96.1.1") if one in self.groups), ""
        )
        return " ".join(word for word in (*words, model) if word)


def _find_maker(meter: str, head: str, groups: Mapping[str, Group]) -> str:
    """Return the letters of the maker; empty if the meter does not state them."""
    for label in _MAKER_GROUPS:
        if label in groups and (found := str(groups[label].value).strip().upper()):
            return found
    for label in _LIST_LABELS:
        text = str(groups[label].value) if label in groups else ""
        for begin, maker in _LISTS.items():
            if text.startswith(begin):
                return maker
    name = str(groups[_LOGICAL_NAME].value) if _LOGICAL_NAME in groups else ""
    for form, text in ((_DEVICE_NUMBER, meter), (_LOGICAL_TEXT, name)):
        if match := form.fullmatch(text):
            return match[1]
    if match := _OLD_SERVER.fullmatch(meter):
        letters = bytes.fromhex(match[1]).decode("latin-1")
        if _FLAG.fullmatch(letters):
            return letters
    begin = head[:3].upper()
    return begin if _FLAG.fullmatch(begin) else ""


@dataclass(frozen=True, slots=True)
class MarkMatch:
    """Marks of a profile that fit, that the meter does not state, and that it contradicts."""

    fits: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    against: tuple[str, ...] = ()


def match_marks(marks: MeterMarks, who: MeterIdentity) -> MarkMatch:
    """Compare the marks of a profile with what a meter states."""
    version = "" if who.version is None else str(who.version)
    held = [
        (_MAKER, who.maker, marks.makers),
        ("identification", who.head, marks.head),
        ("medium", who.medium, marks.media),
        ("version", version, tuple(map(str, marks.versions))),
        *((label, _find_stated(label, who), wanted) for label, wanted in marks.states.items()),
    ]
    wanted_of = [one for one in held if one[2]]
    lacking = [label for label in marks.lacks if _find_stated(label, who)]
    return MarkMatch(
        tuple(_describe_match(*one) for one in wanted_of if one[1] and _is_like(one[1], one[2])),
        tuple(what for what, text, _ in wanted_of if not text),
        (
            *(f"{what} is {text}" for what, text, wanted in wanted_of if text and not _is_like(text, wanted)),
            *(f"states {label}" for label in lacking),
        ),
    )


def _find_stated(label: str, who: MeterIdentity) -> str:
    """Return the value of the first matching group.

    A blank if it has no value, empty if there is no group.
    """
    found = next((one for name, one in who.groups.items() if fnmatchcase(name, label)), None)
    return "" if found is None else str(found.value).strip() or " "


def _is_like(said: str, wanted: Sequence[str]) -> bool:
    return any(fnmatchcase(said.lower(), one.lower()) for one in wanted)


def _describe_match(what: str, said: str, wanted: Sequence[str]) -> str:
    return f"states {what}" if tuple(wanted) == ("*",) else f"{what} is {said}"


@dataclass(frozen=True, slots=True)
class ProfileSuggestion:
    """A profile that may fit.  ``why`` is for a person; ``points`` is what it reads, by name."""

    profile: str
    sure: Certainty
    why: str
    points: Mapping[str, Value] = field(default_factory=dict)
    corrects: bool = False


@dataclass(frozen=True, slots=True)
class ProfileReadings:
    """The points of a meter by one profile, each with its newest value."""

    profile: MeterProfile
    values: Mapping[str, PointValue]

    @property
    def points(self) -> dict[str, Value]:
        """The good points."""
        return {
            name: one.value
            for name, one in self.values.items()
            if one.value is not None
            and one.quality is Quality.GOOD
            and is_value_possible(name.rpartition(".")[2], one.value)
        }

    @property
    def good_points_count(self) -> int:
        """The number of good points that the meter states."""
        return sum(one.is_stated and one.quality is Quality.GOOD for one in self.values.values())

    @property
    def wrong(self) -> list[str]:
        """Points out of range, or in an impossible unit; a code for "not there" is neither."""
        return [
            name for name, one in self.values.items() if one.is_stated and self._is_wrong(name, one.value)
        ]

    def _is_wrong(self, name: str, value: Value | None) -> bool:
        part, _, quantity = name.rpartition(".")
        point = self.profile.parts.get(part, {}).get(quantity)
        if isinstance(value, int | float):
            low, high = (None, None) if point is None else (point.low, point.high)
            is_inside = (low is None or low <= value) and (high is None or value <= high)
            return not (is_inside and is_value_possible(quantity, value))
        return (
            value is None
            and point is not None
            and not (point.absent or point.values or point.form in CLOCK_FORMS or point.form == "text")
        )

    @property
    def evidence(self) -> tuple[bool, str]:
        """Return whether the values confirm the profile, and the reason in words."""
        if wrong := self.wrong:
            return False, f"out of range, or in another unit: {', '.join(wrong[:_SHOWN_MAX])}"
        count, of = self.good_points_count, sum(map(len, self.profile.parts.values()))
        if not count:
            return False, "no value was read"
        if PROTOCOLS[self.profile.protocol].many_values_fit and 2 * count < of:
            return False, f"reads {count} of its {of} values"
        if not any(isinstance(one, int | float) and one for one in self.points.values()):
            return False, "all values are 0"
        return True, "1 value in range" if count == 1 else f"{count} values in range"

    @property
    def is_plausible(self) -> bool:
        """Return whether the voltages are usual in buildings; this detects a wrong scale."""
        low, high = _VOLTAGES_V
        points = self.points
        told = [points[name] for name in _VOLTAGES if name in points]
        return all(low <= abs(one) <= high for one in told if isinstance(one, int | float) and one)


def rank_profiles(readings: Iterable[ProfileReadings], who: MeterIdentity) -> list[ProfileSuggestion]:
    """Return the profiles that fit, the best first; at most three.

    Marks count first; among equals a profile that corrects a known defect, then the one that reads most. A
    profile whose mark is contradicted is left out, however much it would read: its scales are those of
    another meter.
    """
    held = [(one, match_marks(one.profile.marks, who)) for one in readings if one.good_points_count]
    told = [(one, found) for one, found in held if not found.against]
    return _make_suggestions([pair for pair in told if pair[0].is_plausible] or told)


def _make_suggestions(fitting: list[tuple[ProfileReadings, MarkMatch]]) -> list[ProfileSuggestion]:
    """Sort the best first; profiles that are only possible are included only if no better one exists."""
    fitting.sort(key=lambda pair: _find_rank(*pair))
    suggestions = [_make_suggestion(one, found) for one, found in fitting]
    return [one for one in suggestions if one.sure != "possible" or suggestions[0].sure == "possible"][
        :_SHOWN_MAX
    ]


def _find_rank(one: ProfileReadings, found: MarkMatch) -> tuple[int, int, bool, int, bool, int, str]:
    sure = _CERTAINTIES.index(_find_certainty(one, found))
    corrects = one.profile.corrects and bool(found.fits)
    of_maker = bool(one.profile.marks.makers)
    fits, name = -len(found.fits), one.profile.name
    return sure, len(found.missing), not corrects, fits, not of_maker, -one.good_points_count, name


def _find_certainty(one: ProfileReadings, found: MarkMatch) -> Certainty:
    """Return how far marks and values together prove a profile.

    A maker or a medium has many models: without a mark of the model, values must confirm it.  A wrong value
    lowers the certainty of any profile.
    """
    marks = one.profile.marks
    if not found.fits or (marks.makers and _MAKER in found.missing):
        return "possible"
    is_complete = bool(marks.makers or marks.head or marks.states) and not found.missing and not marks.hint
    if one.wrong:
        return "likely" if is_complete else "possible"
    return "sure" if is_complete and (_names_model(marks) or one.evidence[0]) else "likely"


def _names_model(marks: MeterMarks) -> bool:
    return bool(marks.head or marks.states or marks.versions)


def _make_suggestion(one: ProfileReadings, found: MarkMatch) -> ProfileSuggestion:
    said = list(found.fits)
    if not found.fits and not found.missing:
        said.append("no mark contradicts it")
    said += [f"not stated: {what}" for what in found.missing]
    is_confirmed, words = one.evidence
    of_model = _names_model(one.profile.marks) and not one.wrong
    said += (
        [words]
        if not of_model and (PROTOCOLS[one.profile.protocol].many_values_fit or not is_confirmed)
        else []
    )
    said += [f"corrects a known defect ({one.profile.correction})"] if one.profile.corrects else []
    said += [one.profile.marks.hint] if one.profile.marks.hint else []
    return ProfileSuggestion(
        one.profile.name, _find_certainty(one, found), "; ".join(said), one.points, one.profile.corrects
    )


def find_fitting(profiles: Iterable[MeterProfile], who: MeterIdentity) -> list[ProfileSuggestion]:
    """Rank profiles by marks alone, the best first: for a meter that a scan found but nobody has read."""
    held = [(ProfileReadings(one, {}), match_marks(one.marks, who)) for one in profiles]
    found = [(one, match) for one, match in held if match.fits and not match.against]
    return _make_suggestions(found)
