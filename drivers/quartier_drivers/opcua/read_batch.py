"""Points that are read together, and their latest values: converts a server's values to columns.  Pure."""

from array import array
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from quartier_drivers.contract import SLOT_NS, find_slot_ns
from quartier_drivers.opcua.connection import status_codes
from quartier_drivers.opcua.connection.read_response import NodeValue, RawValue, ReadAnswer
from quartier_drivers.opcua.served_points import ServedPoint, is_beyond_deadband, make_decoder
from quartier_drivers.readings import EXACT_INT_MAX, VALUE_KINDS, Layout, Readings

_NONE: Mapping[int, str] = MappingProxyType({})
_NOT_YET = NodeValue(None, 0, 0x80320000, 0, 0)
# A value is stale if its source time stamp is this many periods old, and at least this long.
_STALE_PERIODS, _STALE_NS = 3, 10_000_000_000
_TICK_NS = 100


class ReadBatch:
    """One request for points of one period; ``subscribed``: the server is to report their changes.

    Times are those of the daemon, in ns.  ``due_ns`` is when the batch is to be read next, ``fresh_ns`` when
    the server last confirmed it, ``poll_ns`` when it is read although it is subscribed.  ``rate`` is the
    speed of the daemon's clock: the server's time stamps are in real time.
    """

    def __init__(
        self,
        served: Sequence[ServedPoint],
        period_s: float,
        now_ns: int,
        rate: float,
        *,
        subscribed: bool,
        shows_raw: bool,
    ) -> None:
        self.served = tuple(served)
        self.names = tuple(one.name for one in served)
        self.period_ns = int(period_s * 1e9)
        self.subscribed = subscribed
        self.due_ns = now_ns
        self.fresh_ns = self.report_ns = self.poll_ns = 0
        self.layout = Layout(self.names, bytes(VALUE_KINDS[one.kind] for one in served))
        self._decoders = [make_decoder(one.quantity, one.point) for one in served]
        self._by_source = [place for place, one in enumerate(served) if one.point.age_by == "source"]
        self._rate = rate
        self._shows_raw = shows_raw
        self._latest = [_NOT_YET] * len(served)
        self._values = array("d", bytes(8 * len(served)))
        self._qualities = bytearray([status_codes.BAD_PLACE]) * len(served)
        self._texts: dict[int, str] = {}
        self._raws: dict[int, str] = {}
        self._raw_values: dict[int, tuple[RawValue, int]] = {}
        self._suspects: dict[int, int] = {}

    def move_on(self, now_ns: int, phase_ns: int) -> None:
        """Move the due time to the next moment of its grid."""
        if self.period_ns % SLOT_NS:
            self.due_ns += ((now_ns - self.due_ns) // self.period_ns + 1) * self.period_ns
        else:
            self.due_ns = find_slot_ns(now_ns + 1, self.period_ns, phase_ns)

    def take(self, answer: ReadAnswer, places: Sequence[int], now_ns: int) -> Readings:
        """Return the readings of an answer for ``places``; the server does not have the others."""
        self.fresh_ns = now_ns
        if len(places) == len(self._latest):
            for place, value in enumerate(answer.values):
                self._put(place, value)
        else:
            for place, value in zip(places, answer.values, strict=True):
                self._put(place, value)
        return self.readings(now_ns, answer.sent)

    def put(self, place: int, value: NodeValue, now_ns: int) -> None:
        """Take a change that the server reported by itself."""
        self._raw_values[place] = (value.raw, now_ns)
        self._put(place, value)

    def absent(self, places: Sequence[int], why: str) -> None:
        """Mark points BAD whose node has no name on this server."""
        for place in places:
            self._qualities[place] = status_codes.BAD_PLACE
            self._raws[place] = why

    def readings(self, now_ns: int, sent: int) -> Readings:
        """Return all readings as of ``now_ns``; ``sent`` is the server's time when it confirmed them."""
        self.report_ns = now_ns
        qualities, taken_ns = self._qualities, now_ns
        if self._by_source and sent:
            qualities, taken_ns = self._find_stale(now_ns, sent)
        return Readings(
            self.layout,
            self._values[:],
            bytes(qualities),
            taken_ns,
            dict(self._texts) if self._texts else _NONE,
            dict(self._raws) if self._raws else _NONE,
        )

    def make_bad_readings(self, why: str, now_ns: int) -> Readings:
        """Return every point BAD, with its last value."""
        count = len(self.names)
        return Readings(
            self.layout,
            self._values[:],
            bytes([status_codes.BAD_PLACE]) * count,
            now_ns,
            dict(self._texts),
            dict.fromkeys(range(count), why),
        )

    def forget_values(self) -> None:
        """Forget the notified values: a new subscription reports all of them again."""
        self._raw_values.clear()
        self._suspects.clear()

    def find_disagreeing(self, now_ns: int) -> frozenset[str]:
        """Return points whose subscribed value differs from the polled one for the second time.

        The first time it may be a change that is still on its way; a point that was notified in between is
        not suspected.
        """
        differing = {
            place
            for place, (raw, _) in self._raw_values.items()
            if is_beyond_deadband(self.served[place].point, raw, self._latest[place].raw)
        }
        proven = frozenset(
            self.names[place]
            for place, since in self._suspects.items()
            if place in differing and self._raw_values[place][1] < since
        )
        self._suspects = dict.fromkeys(differing, now_ns)
        return proven

    @property
    def has_suspects(self) -> bool:
        """Return whether any point differed at the last poll."""
        return bool(self._suspects)

    def _put(self, place: int, value: NodeValue) -> None:
        self._latest[place] = value
        found, is_plausible = self._decoders[place](value.raw)
        quality = status_codes.find_quality(value.status)
        if found is None or not is_plausible:
            quality = status_codes.BAD_PLACE
        self._qualities[place] = quality
        if self._shows_raw or quality != status_codes.GOOD_PLACE:
            self._raws[place] = _render_value(value)
        elif self._raws:
            self._raws.pop(place, None)
        if found is None:
            return
        if isinstance(found, str) or (type(found) is int and not -EXACT_INT_MAX <= found <= EXACT_INT_MAX):
            self._texts[place] = str(found)
        else:
            self._values[place] = float(found)
            if self._texts:
                self._texts.pop(place, None)

    def _find_stale(self, now_ns: int, sent: int) -> tuple[bytearray, int]:
        """Return qualities and time by the source time stamps: values with a too old one are stale.

        If every point has a source time stamp, the time is that of the youngest good value; else it is
        ``now_ns``.
        """
        qualities = bytearray(self._qualities)
        limit_ns = max(_STALE_PERIODS * self.period_ns, _STALE_NS)
        least_ns = None
        for place in self._by_source:
            if qualities[place] != status_codes.GOOD_PLACE:
                continue
            stamp = self._latest[place].source
            age_ns = int(max(0, sent - stamp) * _TICK_NS * self._rate) if stamp else limit_ns + 1
            if age_ns > limit_ns:
                qualities[place] = status_codes.STALE_PLACE
            else:
                least_ns = age_ns if least_ns is None else min(least_ns, age_ns)
        every = len(self._by_source) == len(self.names)
        return qualities, now_ns - (least_ns or 0 if every else 0)


def _render_value(value: NodeValue) -> str:
    raw = "" if value.raw is None else f"{value.raw}"
    return raw if not value.status else f"{raw} {status_codes.render_status(value.status)}".strip()
