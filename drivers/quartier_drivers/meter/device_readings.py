"""Converts telegrams to readings: values, plausible counters and layouts that are made once.  Pure."""

from array import array
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from typing import Any, cast

from quartier_drivers.contract import DeviceSpec, Note, PointInfo
from quartier_drivers.meter.counters import CounterCheck
from quartier_drivers.meter.meaning import PointValue, TelegramMeaning
from quartier_drivers.meter.profile import MeterProfile
from quartier_drivers.meter.schema import MeterPoint
from quartier_drivers.meter.telegrams import Group, Telegram
from quartier_drivers.points import parse_quantity
from quartier_drivers.readings import (
    EXACT_INT_MAX,
    QUALITIES,
    VALUE_KINDS,
    Layout,
    Quality,
    Readings,
    Value,
)

# Noise makes many different sets of points; only this many layouts are kept.
_LAYOUTS_MAX = 32
_NOTES_MAX = 64
_ZERO: Mapping[str, Value] = {"float": 0.0, "int": 0, "bool": False, "text": ""}
_CODES = {quality: code for code, quality in enumerate(QUALITIES)}


class MeterReadings:
    """Converts the telegrams of one meter to readings for the owners of its parts."""

    def __init__(
        self,
        device: DeviceSpec,
        profile: MeterProfile,
        utc_s: Callable[[], float | None] = lambda: None,
    ) -> None:
        owned = {
            f"{owner}.{quantity}": (quantity, statement)
            for part, owner in device.owners.items()
            for quantity, statement in profile.parts.get(part, {}).items()
            if part not in device.points or quantity in device.points[part]
        }
        self.statements: Mapping[str, MeterPoint] = {name: one for name, (_, one) in owned.items()}
        self.points: Mapping[str, PointInfo] = {
            name: _make_info(name, quantity, one, profile) for name, (quantity, one) in owned.items()
        }
        self.period_s = min((info.period_s for info in self.points.values()), default=60.0)
        self._meaning = TelegramMeaning(owned, utc_s)
        urgent = {name: one for name, one in owned.items() if parse_quantity(one[0]).kind == "bool"}
        self._urgent = TelegramMeaning(urgent) if urgent else None
        self._counters = {
            name: CounterCheck(name, one.counter)
            for name, (_, one) in owned.items()
            if one.counter is not None
        }
        self._layouts: OrderedDict[tuple[str, ...], Layout] = OrderedDict()
        self._known: dict[str, Value] = {}
        self._notes: list[Note] = []

    def make_readings(self, telegrams: Iterable[Telegram], taken_ns: int) -> Readings | None:
        """Return the readings of telegrams of one moment, the later one of each point.

        None if there are none.
        """
        meant: dict[str, PointValue] = {}
        for telegram in telegrams:
            meant |= self._meaning.convert(telegram)
        return self._readings(meant, taken_ns)

    def ahead(self, groups: Iterable[Group], taken_ns: int) -> Readings | None:
        """Return the on/off points in the first groups of a frame that is still arriving."""
        if self._urgent is None:
            return None
        telegram = Telegram("", tuple(groups), is_whole=False)
        return self._readings(self._urgent.convert(telegram), taken_ns)

    def notes(self) -> list[Note]:
        """Return the notes about counters since the last call."""
        notes, self._notes = self._notes, []
        return notes

    def forget(self) -> None:
        """Forget the learnt meanings: another meter may follow; the counter checks detect an exchange."""
        self._meaning.forget()

    def dump_state(self) -> dict[str, Any]:
        """Return the state of the counters that must survive a restart, JSON-ready."""
        found = {name: dict(counter.dump_state()) for name, counter in self._counters.items()}
        return {name: facts for name, facts in found.items() if facts}

    def recall(self, kept: Mapping[str, Any], now_ns: int, away_s: float) -> None:
        """Restore the state that ``kept`` returned ``away_s`` seconds ago; ignore invalid parts."""
        for name, counter in self._counters.items():
            try:
                counter.recall(kept[name], now_ns, away_s)
            except (KeyError, TypeError, ValueError):
                continue

    def _readings(self, meant: Mapping[str, PointValue], taken_ns: int) -> Readings | None:
        if not meant:
            return None
        layout = self._layout(tuple(meant))
        values = array("d", bytes(8 * len(meant)))
        qualities = bytearray(len(meant))
        texts: dict[int, str] = {}
        raws: dict[int, str] = {}
        for place, (name, one) in enumerate(meant.items()):
            value, quality = self._plausible(name, one, taken_ns)
            if isinstance(value, str) or (type(value) is int and abs(value) > EXACT_INT_MAX):
                texts[place] = str(value)
            else:
                values[place] = float(value)
            qualities[place] = _CODES[quality]
            raws[place] = one.raw
        return Readings(layout, values, bytes(qualities), taken_ns, texts, raws)

    def _plausible(self, name: str, one: PointValue, now_ns: int) -> tuple[Value, Quality]:
        """Return the value and its quality; if there is no value, the last one as BAD."""
        value, quality = one.value, one.quality
        if value is not None and quality is Quality.GOOD and name in self._counters:
            judged = self._counters[name].judge(float(value), one.meter, now_ns)
            if judged.note is not None and len(self._notes) < _NOTES_MAX:
                self._notes.append(judged.note)
            quality = judged.quality
            value = round(judged.value) if isinstance(value, int) else judged.value
        if value is None:
            return self._known.get(name, _ZERO[self.points[name].kind]), Quality.BAD
        if quality is Quality.GOOD:
            self._known[name] = value
        return value, quality

    def _layout(self, names: tuple[str, ...]) -> Layout:
        layout = self._layouts.get(names)
        if layout is None:
            layout = Layout(names, bytes(VALUE_KINDS[self.points[name].kind] for name in names))
            self._layouts[names] = layout
            if len(self._layouts) > _LAYOUTS_MAX:
                self._layouts.popitem(last=False)
        self._layouts.move_to_end(names)
        return layout


def _make_info(name: str, quantity: str, one: MeterPoint, profile: MeterProfile) -> PointInfo:
    labels = [" + ".join(alternative) for alternative in one.group]
    address = " or ".join(labels) or ", ".join(f"{key} {value[0]}" for key, value in one.select[0].items())
    if one.minus:
        address += f" - {' or '.join(' - '.join(alternative) for alternative in one.minus)}"
    kind = cast("Any", parse_quantity(quantity).kind)
    return PointInfo(name, kind, address, profile.scan[one.scan], one.low, one.high)
