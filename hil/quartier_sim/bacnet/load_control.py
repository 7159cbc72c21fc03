"""A Load Control object: from when, for how long and down to what a load is shed (135-2020, 12.28)."""

import struct
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from enum import IntEnum

from quartier_sim.bacnet import encoding
from quartier_sim.bacnet.encoding import Tag
from quartier_sim.bacnet.objects import BacnetObject, P, PropertyValue, Refusal

_PERCENT, _LEVEL, _AMOUNT = range(3)
_WHOLE_PCT = 100.0
_UNSET = 255
# How much of the baseline each level leaves, and what a person reads of it.
SHED_LEVELS: Mapping[int, tuple[float, str]] = {
    0: (100.0, "no shed"),
    1: (80.0, "fans at most at 80 % of their power"),
    2: (60.0, "fans at most at 60 % of their power"),
    3: (40.0, "least ventilation"),
}


class ShedState(IntEnum):
    """BACnetShedState (clause 21)."""

    INACTIVE = 0
    PENDING = 1
    COMPLIANT = 2
    NON_COMPLIANT = 3


class LoadControl(BacnetObject):
    """Sheds down to a share of ``baseline_w``; below ``least_pct`` it does what it can, and reports that.

    ``clock`` returns the local time of its device.
    """

    def __init__(
        self, instance: int, name: str, baseline_w: float, least_pct: float, clock: Callable[[], datetime]
    ) -> None:
        super().__init__("load-control", instance, name, about="sheds the fans' power")
        self.baseline_w = baseline_w
        self.least_pct = least_pct
        self._clock = clock
        self.forget()

    # -- for the plant's side ----------------------------------------------------------------

    @property
    def state(self) -> ShedState:
        """The present state of the shed request."""
        if self._start is None or not self._minutes_count or self._wanted_pct() >= _WHOLE_PCT:
            return ShedState.INACTIVE
        now = self._clock()
        if now < self._start:
            return ShedState.PENDING
        if now >= self._start + timedelta(minutes=self._minutes_count):
            return ShedState.INACTIVE
        return ShedState.COMPLIANT if self._wanted_pct() >= self.least_pct else ShedState.NON_COMPLIANT

    @property
    def share_pct(self) -> float:
        """The share of the baseline that it leaves now."""
        if self.state not in (ShedState.COMPLIANT, ShedState.NON_COMPLIANT):
            return _WHOLE_PCT
        return max(self._wanted_pct(), self.least_pct)

    @property
    def value(self) -> float:
        """Its state."""
        return float(self.state)

    def forget(self) -> None:
        """Without power it forgets what was asked."""
        self._request = encoding.encode_tagged(_PERCENT, encoding.encode_whole(100), context=True)
        self._kind, self._amount = _PERCENT, _WHOLE_PCT
        self._start: datetime | None = None
        self._start_told = encoding.ANY_DATE + encoding.ANY_TIME
        self._minutes_count = 0

    # -- for the wire's side -----------------------------------------------------------------

    def present(self) -> bytes:
        """Its state with its tag."""
        return encoding.encode_enumerated(self.state)

    def write(
        self, number: int, index: int | None, given: Sequence[Tag], priority: int | None, now_s: float
    ) -> None:
        """Take what is asked.  Raises Refusal."""
        takes = {
            P["requested-shed-level"]: self._take_level,
            P["start-time"]: self._take_start,
            P["shed-duration"]: self._take_duration,
        }.get(number)
        if takes is None:
            super().write(number, index, given, priority, now_s)
            return
        takes(given)

    def _take_level(self, given: Sequence[Tag]) -> None:
        if len(given) != 1 or not given[0].context or given[0].number > _AMOUNT:
            raise Refusal(encoding.PROPERTY_CLASS, encoding.INVALID_DATA_TYPE)
        (tag,) = given
        if tag.number == _LEVEL and tag.unsigned not in SHED_LEVELS:
            raise Refusal(encoding.PROPERTY_CLASS, encoding.VALUE_OUT_OF_RANGE)
        if tag.number == _AMOUNT and len(tag.data) != 4:
            raise Refusal(encoding.PROPERTY_CLASS, encoding.INVALID_DATA_TYPE)
        self._kind = tag.number
        self._amount = (
            float(struct.unpack(">f", tag.data)[0]) if tag.number == _AMOUNT else float(tag.unsigned)
        )
        self._request = encoding.encode_tagged(tag.number, tag.data, context=True)

    def _take_start(self, given: Sequence[Tag]) -> None:
        if [one.number for one in given] != [encoding.DATE, encoding.TIME]:
            raise Refusal(encoding.PROPERTY_CLASS, encoding.INVALID_DATA_TYPE)
        day, clock = (one.data for one in given)
        self._start_told = encoding.encode_tagged(encoding.DATE, day) + encoding.encode_tagged(
            encoding.TIME, clock
        )
        if _UNSET in day[:3] or clock[0] == _UNSET:
            self._start = None
            return
        try:
            parts = [0 if one == _UNSET else one for one in clock]
            self._start = datetime(1900 + day[0], day[1], day[2], parts[0], parts[1], parts[2])  # noqa: DTZ001 - its local time
        except ValueError as error:
            raise Refusal(encoding.PROPERTY_CLASS, encoding.VALUE_OUT_OF_RANGE) from error

    def _take_duration(self, given: Sequence[Tag]) -> None:
        if len(given) != 1 or given[0].context or given[0].number != encoding.UNSIGNED:
            raise Refusal(encoding.PROPERTY_CLASS, encoding.INVALID_DATA_TYPE)
        self._minutes_count = given[0].unsigned

    # -- inside ------------------------------------------------------------------------------

    def _wanted_pct(self) -> float:
        if self._kind == _PERCENT:
            return self._amount
        if self._kind == _LEVEL:
            return SHED_LEVELS[int(self._amount)][0]
        return _WHOLE_PCT * (1.0 - self._amount * 1000.0 / self.baseline_w)

    def _expected(self) -> bytes:
        is_asked = self.state is not ShedState.INACTIVE
        share = max(self._wanted_pct(), self.least_pct) if is_asked else _WHOLE_PCT
        return encoding.encode_tagged(_PERCENT, encoding.encode_whole(round(share)), context=True)

    def _of_its_kind(self) -> Mapping[int, Callable[[], PropertyValue]]:
        levels = [one for one in SHED_LEVELS if one]
        return {
            P["state-description"]: lambda: encoding.encode_text(self.state.name.lower()),
            P["requested-shed-level"]: lambda: self._request,
            P["start-time"]: lambda: self._start_told,
            P["shed-duration"]: lambda: encoding.encode_unsigned(self._minutes_count),
            P["duty-window"]: lambda: encoding.encode_unsigned(0),
            P["enable"]: lambda: encoding.encode_boolean(True),
            P["full-duty-baseline"]: lambda: encoding.encode_real(self.baseline_w / 1000.0),
            P["expected-shed-level"]: self._expected,
            P["actual-shed-level"]: lambda: encoding.encode_tagged(
                _PERCENT, encoding.encode_whole(round(self.share_pct)), context=True
            ),
            P["shed-levels"]: lambda: [encoding.encode_unsigned(one) for one in levels],
            P["shed-level-descriptions"]: lambda: [
                encoding.encode_text(SHED_LEVELS[one][1]) for one in levels
            ],
        }
