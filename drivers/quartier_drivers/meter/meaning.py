"""Converts the groups of a meter's telegrams to points of its profile.  Pure.

A telegram gives only the points whose groups it contains.  A point that noise destroyed is not reported, so
that its last value just ages.
"""

import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from functools import lru_cache
from typing import NamedTuple

from quartier_drivers.meter.schema import (
    CLOCK_FORMS,
    GroupChoice,
    Labels,
    MeterPoint,
    StatedValue,
    parse_code,
)
from quartier_drivers.meter.telegrams import Group, Telegram
from quartier_drivers.meter.units import find_factor
from quartier_drivers.points import parse_quantity
from quartier_drivers.readings import Quality, Value

_DECIMAL = re.compile(r"[+-]?[0-9]{1,24}(?:\.[0-9]{0,12})?")
_HEX = re.compile(r"(?:0x)?[0-9A-Fa-f]{1,16}")


@dataclass(frozen=True, slots=True)
class PointValue:
    """The value of a point in one telegram; ``value`` is None if the content does not fit the point's kind.

    ``raw`` is the content as sent, ``meter`` the id of the meter (it may be a sub-meter of the sender).
    ``is_stated`` is False if the value follows from its absence in the telegram.
    """

    value: Value | None
    quality: Quality
    raw: str
    meter: str = ""
    is_stated: bool = True


class _UnitFactor(NamedTuple):
    """A number n is (n × ``top`` + ``shift``) / ``bottom`` in our unit."""

    top: int
    shift: int
    bottom: int


_UNITS_MAX = 16
_UNPAIRED_MAX = 8
"""After this many telegrams with an import of 0 and no export, the meter has none.

Some send it only at times.
"""
_Found = Sequence[Group]
"""The groups that are added up."""


class TelegramMeaning:
    """Converts telegrams to points; remembers which groups this meter states, and their times.

    ``statements`` maps a name (the caller's id of the point) to its quantity and its statement. ``utc_s``
    gives the wall clock, for meters whose clock is compared with it; it returns None without one.
    """

    def __init__(
        self,
        statements: Mapping[str, tuple[str, MeterPoint]],
        utc_s: Callable[[], float | None] = lambda: None,
    ) -> None:
        self._rules = [
            _PointRule(name, quantity, statement, utc_s) for name, (quantity, statement) in statements.items()
        ]

    def convert(self, telegram: Telegram) -> dict[str, PointValue]:
        """Return the points of a telegram, by name, in the order of the statements."""
        by_label: dict[str, Group] = {}
        for group in telegram.groups:
            by_label.setdefault(group.label, group)
        is_sound = telegram.is_whole and (telegram.is_proven or not telegram.bad_count)
        status = by_label.get("status")
        is_doubtful = status is not None and "doubt" in status.more
        found = {}
        for rule in self._rules:
            meant = rule.convert(telegram, by_label, is_sound=is_sound)
            if meant is not None:
                found[rule.name] = meant if not is_doubtful or rule.is_switch else _mark_doubtful(meant)
        return found

    def repeat(self) -> None:
        """Report again values whose time has not changed."""
        for rule in self._rules:
            rule.repeat()

    def forget(self) -> None:
        """Forget what was learnt about the meter: the next telegrams may come from another one."""
        for rule in self._rules:
            rule.forget()


class _PointRule:
    """One point: finds its groups and converts them to a value."""

    def __init__(
        self, name: str, quantity: str, statement: MeterPoint, utc_s: Callable[[], float | None]
    ) -> None:
        self.name = name
        self._statement = statement
        self._word = parse_quantity(quantity)
        self._utc_s = utc_s
        self._time = ""
        self._has_minus = False
        self._unpaired_count = 0
        self._is_paired = len(statement.minus) == len(statement.group)
        self._last_groups: tuple[_Found, _Found, str] = ((), (), "")
        self._meant = PointValue(None, Quality.BAD, "")
        low, high = statement.low, statement.high
        self._low = -math.inf if low is None else low
        self._high = math.inf if high is None else high
        # Whether the content is taken as it is, not as a number.
        self._is_code = statement.form == "text" or (
            statement.field is None and (self._word.kind == "text" or statement.values is not None)
        )
        self._absent = {parse_code(one) for one in statement.absent}
        self._shift = Fraction(repr(statement.offset))
        self._scale = Fraction(repr(statement.scale)) * statement.sign
        is_part = statement.field is not None or statement.mask is not None
        self._is_plain = statement.values is None and not is_part and statement.form == "number"
        self._factors: dict[str, _UnitFactor] = {}
        self._label = _find_plain_label(statement)
        self._group: Group | None = None
        self._unstated: PointValue | None = None
        if statement.unstated is not None:
            self._unstated = replace(self._check_range(statement.unstated, "not stated", ""), is_stated=False)

    def repeat(self) -> None:
        self._time = ""

    @property
    def is_switch(self) -> bool:
        """Return whether it is an on/off point; these stay valid when the meter doubts its measurement."""
        return self._word.kind == "bool"

    def forget(self) -> None:
        self._time = ""
        self._has_minus = False
        self._unpaired_count = 0

    def convert(
        self, telegram: Telegram, by_label: Mapping[str, Group], *, is_sound: bool
    ) -> PointValue | None:
        if self._label is None:
            return self._convert_found_groups(telegram, by_label, is_sound=is_sound)
        group = by_label.get(self._label)
        if group is None:
            return self._silent(by_label) if is_sound else None
        if group.time:
            if group.time == self._time:
                return None
            self._time = group.time
        if group is not self._group or telegram.meter != self._last_groups[2]:
            self._group = group
            self._value((group,), (), telegram.meter)
        return self._meant

    def _convert_found_groups(
        self, telegram: Telegram, by_label: Mapping[str, Group], *, is_sound: bool
    ) -> PointValue | None:
        """Convert a point of several groups, or of one that must be searched."""
        statement = self._statement
        plus = _find_groups(statement.group, statement.select, by_label, telegram.groups)
        if plus is None:
            return self._silent(by_label) if is_sound else None
        minus: _Found = ()
        if opposite := self._opposite(plus):
            taken = _find_groups(opposite, (), by_label, telegram.groups)
            if taken is None and not self._is_alone(plus, is_sound=is_sound):
                return None
            self._has_minus = self._has_minus or taken is not None
            minus = taken or ()
        time = plus[0].time
        if time and statement.form != "countdown":
            if time == self._time:
                return None
            self._time = time
        return self._value(plus, minus, telegram.meter)

    def _opposite(self, plus: _Found) -> Labels:
        """Return the groups to subtract from ``plus``.  A negative number already has its direction."""
        labels = self._statement.minus
        if self._is_paired and len(labels) > 1:
            labels = tuple(
                minus
                for group, minus in zip(self._statement.group, labels, strict=True)
                if minus and len(group) == len(plus) and all(map(_matches_label, group, plus))
            )
        return () if labels and any(_is_negative(one) for one in plus) else labels

    def _is_alone(self, plus: _Found, *, is_sound: bool) -> bool:
        """Return whether ``plus`` is the whole value when the group to subtract is not stated.

        An import above 0 means that nothing is exported.  An import of 0 does not: the export may be in
        another telegram of this meter, so the import counts only if no export comes for a while.
        """
        if self._has_minus or not is_sound:
            return False
        if self._word.unit != "w" or any(_parse_number(one.value, is_hex=False) != 0 for one in plus):
            return True
        self._unpaired_count += 1
        return self._unpaired_count > _UNPAIRED_MAX

    def _silent(self, by_label: Mapping[str, Group]) -> PointValue | None:
        """Return the meaning of an absence from a sound telegram; None if a short one never states it."""
        beside = self._statement.unstated_beside
        return self._unstated if not beside or any(label in by_label for label in beside) else None

    def _value(self, plus: _Found, minus: _Found, speaker: str) -> PointValue:
        """Return the value of the groups; most of them are unchanged since the last telegram."""
        said = (plus, minus, speaker)
        if said != self._last_groups or self._statement.form in CLOCK_FORMS:
            self._last_groups, self._meant = said, self._convert_groups(plus, minus, speaker)
        return self._meant

    def _convert_groups(self, plus: _Found, minus: _Found, speaker: str) -> PointValue:
        raw = " + ".join(map(_render_group, plus)) + "".join(f" - {_render_group(one)}" for one in minus)
        meter = str(plus[0].more.get("meter") or speaker)
        statement = self._statement
        if statement.form in CLOCK_FORMS:
            return self._convert_time(plus[0], raw, meter)
        if self._absent and any(parse_code(one.value) in self._absent for one in plus):
            return PointValue(None, Quality.BAD, raw, meter)
        if self._is_code:
            return self._name_code(parse_code(plus[0].value), str(plus[0].value).strip(), raw, meter)
        return self._compute_value(plus, minus, raw, meter)

    def _compute_value(self, plus: _Found, minus: _Found, raw: str, meter: str) -> PointValue:
        if self._is_plain and len(plus) == 1 and not minus:
            return self._plain(plus[0], raw, meter)
        numbers = [self._number(one) for one in plus]
        less = [self._number(one) for one in minus]
        if any(number is None for number in (*numbers, *less)):
            return PointValue(None, Quality.BAD, raw, meter)
        whole = sum(number for number in numbers if number is not None) - sum(
            number for number in less if number is not None
        )
        if self._statement.values is not None:
            return self._name_code(parse_code(_convert_float(Fraction(whole))), "", raw, meter)
        return self._check_range(_convert_float(whole * self._scale + self._shift), raw, meter)

    def _plain(self, group: Group, raw: str, meter: str) -> PointValue:
        """Convert the single group of most points, in whole numbers and with one rounding."""
        factor = self._factors.get(group.unit)
        if factor is None:
            if len(self._factors) >= _UNITS_MAX:
                self._factors.clear()
            factor = self._factors[group.unit] = self._factor(group.unit)
        ratio = _parse_ratio(group.value)
        if ratio is None or factor.bottom == 0:
            return PointValue(None, Quality.BAD, raw, meter)
        top, bottom = ratio
        try:
            number = (top * factor.top + bottom * factor.shift) / (bottom * factor.bottom)
        except OverflowError:
            number = math.inf
        return self._check_range(number, raw, meter)

    def _factor(self, said: str) -> "_UnitFactor":
        """Return the factor and the offset from the meter's unit.

        A bottom of 0 means that the units do not fit.
        """
        own, unit = said or self._statement.unit, self._word.unit
        known = find_factor(own, unit) if unit and own else Fraction(1)
        if known is None:
            return _UnitFactor(0, 0, 0)
        scale, shift = known * self._scale, self._shift
        return _UnitFactor(
            scale.numerator * shift.denominator,
            shift.numerator * scale.denominator,
            scale.denominator * shift.denominator,
        )

    def _number(self, group: Group) -> Fraction | None:
        """Return the number of the group in our unit, or its bit field."""
        statement, unit = self._statement, self._word.unit
        number = _parse_number(group.value, is_hex=statement.form == "hex")
        if number is None:
            return None
        if statement.mask is not None:
            return Fraction(int(number) & statement.mask) if number.denominator == 1 and number >= 0 else None
        if statement.field is not None:
            lowest, highest = statement.field
            if number.denominator != 1 or number < 0:
                return None
            return Fraction(int(number) >> lowest & (1 << highest - lowest + 1) - 1)
        text = group.unit or statement.unit
        if not unit or not text:
            return number
        factor = find_factor(text, unit)
        return None if factor is None else number * factor

    def _name_code(self, said: StatedValue, text: str, raw: str, meter: str) -> PointValue:
        """Return the name or number of a code; a text without names is returned as it is."""
        names = self._statement.values
        if names is None:
            return PointValue(text, Quality.GOOD, raw, meter)
        found = names.get(said) if not isinstance(said, float) else None
        if found is None:
            return PointValue(None, Quality.BAD, raw, meter)
        if self._word.kind == "text":
            return PointValue(str(found), Quality.GOOD, raw, meter)
        return self._check_range(float(found), raw, meter)

    def _convert_time(self, group: Group, raw: str, meter: str) -> PointValue:
        """Compare a time of the meter with our clock: its delay, or the time until it is reached.

        BAD if the meter itself marks its clock as doubtful.
        """
        now_s, then = self._utc_s(), _parse_time(group.time or str(group.value))
        if now_s is None or then is None or _is_doubtful(group):
            return PointValue(None, Quality.BAD, raw, meter)
        behind_s = now_s - then.astimezone(UTC).timestamp()
        return self._check_range(-behind_s if self._statement.form == "countdown" else behind_s, raw, meter)

    def _check_range(self, number: float, raw: str, meter: str) -> PointValue:
        if not math.isfinite(number):
            return PointValue(None, Quality.BAD, raw, meter)
        quality = Quality.GOOD if self._low <= number <= self._high else Quality.BAD
        kind = self._word.kind
        value: Value = number != 0 if kind == "bool" else round(number) if kind == "int" else number
        return PointValue(value, quality, raw, meter)


def _mark_doubtful(meant: PointValue) -> PointValue:
    return replace(meant, quality=Quality.BAD)


def _find_plain_label(statement: MeterPoint) -> str | None:
    """Return the label of a point that is a single group; most are."""
    if statement.select or statement.minus or statement.form in CLOCK_FORMS or len(statement.group) != 1:
        return None
    (labels,) = statement.group
    return labels[0] if len(labels) == 1 and not _is_pattern(labels[0]) else None


def _find_groups(
    labels: Labels, choice: GroupChoice, by_label: Mapping[str, Group], groups: Sequence[Group]
) -> _Found | None:
    """Return the groups of the first alternative that is stated; None if none is."""
    for alternative in choice or ({},):
        for wanted in labels or (("*",),):
            found = [_find_first(label, alternative, by_label, groups) for label in wanted]
            if all(found):
                return [one for one in found if one is not None]
    return None


def _find_first(
    label: str,
    alternative: Mapping[str, tuple[StatedValue, ...]],
    by_label: Mapping[str, Group],
    groups: Sequence[Group],
) -> Group | None:
    if not alternative and not _is_pattern(label):
        return by_label.get(label)
    matches = _make_pattern(label)
    return next((one for one in groups if matches(one.label) and _fits_alternative(one, alternative)), None)


def _fits_alternative(group: Group, alternative: Mapping[str, tuple[StatedValue, ...]]) -> bool:
    own = {"label": group.label, "unit": group.unit}
    return all(group.more.get(key, own.get(key)) in wanted for key, wanted in alternative.items())


def _matches_label(label: str, group: Group) -> bool:
    return bool(_make_pattern(label)(group.label))


def _is_negative(group: Group) -> bool:
    number = _parse_number(group.value, is_hex=False)
    return number is not None and number < 0


def _is_pattern(label: str) -> bool:
    return "*" in label or "?" in label


@lru_cache(1024)
def _make_pattern(label: str) -> Callable[[str], object]:
    if not _is_pattern(label):
        return lambda text: text == label
    text = re.escape(label).replace(r"\*", ".*").replace(r"\?", ".")
    return re.compile(text, re.DOTALL).fullmatch


def _parse_ratio(value: StatedValue) -> tuple[int, int] | None:
    """Return a decimal number as numerator and denominator."""
    if isinstance(value, int):
        return value, 1
    if isinstance(value, str):
        text = value.strip()
        if not _DECIMAL.fullmatch(text):
            return None
        return (int(text), 1) if "." not in text else Decimal(text).as_integer_ratio()
    return Decimal(repr(value)).as_integer_ratio() if math.isfinite(value) else None


def _parse_number(value: StatedValue, *, is_hex: bool) -> Fraction | None:
    if isinstance(value, int):
        return Fraction(value)
    if isinstance(value, float):
        return Fraction(repr(value)) if math.isfinite(value) else None
    text = value.strip()
    if is_hex:
        return Fraction(int(text, 16)) if _HEX.fullmatch(text) else None
    if not _DECIMAL.fullmatch(text):
        return None
    try:
        return Fraction(Decimal(text))
    except InvalidOperation:
        return None


def _convert_float(number: Fraction) -> float:
    try:
        return float(number)
    except OverflowError:
        return math.inf


def _parse_time(text: str) -> datetime | None:
    """Return a time with its offset; None without an offset, which leaves the time ambiguous."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return None if moment.tzinfo is None else moment


def _is_doubtful(group: Group) -> bool:
    """Return whether TIC's season is in lower case, or a COSEM clock is marked doubtful or invalid."""
    return str(group.more.get("season", "")).islower() or bool(group.more.get("doubtful"))


def _render_group(group: Group) -> str:
    text = str(group.value).strip()
    unit = f" {group.unit}" if group.unit else ""
    return f"{text}{unit}"[:80]


def list_labels(statements: Iterable[MeterPoint]) -> tuple[str, ...]:
    """Return all labels that the statements name, without patterns: a polling reader requests these."""
    found: dict[str, None] = {}
    for statement in statements:
        for alternative in (*statement.group, *statement.minus):
            found |= dict.fromkeys(label for label in alternative if not _is_pattern(label))
    return tuple(found)
