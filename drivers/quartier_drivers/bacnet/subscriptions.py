"""Subscriptions to changes of value: made, renewed at half their lifetime, made anew after a silence.

Notifications only report changes earlier.  A slow poll of the same points continues, so that a subscription
that ends unnoticed costs only time.  If a poll shows a change that should have been notified, the
subscription is made anew at once.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from quartier_drivers.bacnet.codec import datagrams
from quartier_drivers.bacnet.codec.answers import PreparedNotification
from quartier_drivers.bacnet.codec.datagrams import make_subscribe
from quartier_drivers.bacnet.codec.device_errors import DeviceRefused, GarbledAnswer
from quartier_drivers.bacnet.network.line import BacnetLine, CovNotification
from quartier_drivers.bacnet.network.peer import BacnetDevice
from quartier_drivers.bacnet.read_jobs import PointColumns, PointMeaning, make_flags_ref
from quartier_drivers.contract import Clock, Note
from quartier_drivers.readings import FLOAT, TEXT, Readings, Value

_S = 1_000_000_000
# A device that refuses a subscription (its list is full, it knows no such service) is asked again seldom.
_AGAIN_S = 600


@dataclass(slots=True)
class Subscription:
    """The subscription to one object: its points, and when it is to be made or renewed."""

    object_type: int
    instance: int
    confirmed: bool
    columns: PointColumns
    follow: PreparedNotification
    due_ns: int
    is_refused: bool = False
    has_notified: bool = False
    """Whether anything was notified since it was made."""

    def differs(self, readings: Readings) -> bool:
        """Return whether a state that was polled differs from the one that was last notified."""
        known = self.columns.last_values
        for one in self.columns.meanings:
            place = None if one.kind in (FLOAT, TEXT) else readings.layout.place(one.name)
            if (
                place is not None
                and not readings.qualities[place]
                and readings.value(place) != known[one.name]
            ):
                return True
        return False


class DeviceSubscriptions:
    """All subscriptions of one device; ``tell`` is called with the readings of each notification."""

    def __init__(
        self,
        line: BacnetLine,
        peer: BacnetDevice,
        lifetime_s: int,
        clock: Clock,
        tell: Callable[[Readings], None],
    ) -> None:
        self._line = line
        self._peer = peer
        self._lifetime_s = lifetime_s
        self._clock = clock
        self._tell = tell
        self._process_id: int | None = None
        self._all: dict[int, Subscription] = {}

    @property
    def due_ns(self) -> int | None:
        """Return when the next one is to be made or renewed; None if there is none."""
        return min((one.due_ns for one in self._all.values()), default=None)

    def want(self, meanings: Sequence[PointMeaning], known: Mapping[str, Value], now_ns: int) -> None:
        """Subscribe to these points, in place of all earlier ones; due at once."""
        self._all.clear()
        objects: dict[tuple[int, int], list[PointMeaning]] = {}
        for one in meanings:
            if one.point.cov is not None:
                objects.setdefault((one.ref.object_type, one.ref.instance), []).append(one)
        for (kind, instance), own in objects.items():
            refs = list(dict.fromkeys(ref for one in own for ref in (one.ref, make_flags_ref(one.ref))))
            confirmed = any(one.point.cov == "confirmed" for one in own)
            columns = PointColumns(own, refs, known)
            self._all[kind << 22 | instance] = Subscription(
                kind, instance, confirmed, columns, PreparedNotification(refs), now_ns
            )
        if self._all and self._process_id is None:
            self._process_id = self._line.follow(self._process_notification)

    async def make(self, now_ns: int) -> Sequence[Note]:
        """Make or renew the most overdue subscription; return notes for people.

        Raises NoReply or LinkLost.
        """
        one = min(self._all.values(), key=lambda one: one.due_ns)
        assert self._process_id is not None
        body = make_subscribe(
            self._process_id,
            one.object_type,
            one.instance,
            confirmed=one.confirmed,
            lifetime_s=self._lifetime_s,
        )
        one.due_ns = now_ns + self._lifetime_s * _S // 2
        one.has_notified = False
        try:
            await self._peer.send(datagrams.SUBSCRIBE_COV, body)
        except DeviceRefused as denied:
            one.due_ns = now_ns + _AGAIN_S * _S
            if not one.is_refused:
                one.is_refused = True
                return (self._make_note(one, f"is not followed, only polled: {denied}"),)
        else:
            if one.is_refused:
                one.is_refused = False
                return (self._make_note(one, "is followed again", is_good=True),)
        return ()

    def anew(self, now_ns: int) -> None:
        """Make all subscriptions due: the device was silent, or is another one, and may have lost them."""
        for one in self._all.values():
            one.due_ns = min(one.due_ns, now_ns)

    def compare_poll(self, readings: Readings, now_ns: int) -> None:
        """Make a subscription due at once if a poll shows another state than was last notified.

        Numbers are not compared: changes smaller than the object's increment are not notified.
        """
        for one in self._all.values():
            if one.has_notified and not one.is_refused and one.differs(readings):
                one.due_ns = min(one.due_ns, now_ns)

    def forget(self) -> None:
        """Drop all subscriptions and stop receiving notifications."""
        if self._process_id is not None:
            self._line.unfollow(self._process_id)
            self._process_id = None
        self._all.clear()

    def _process_notification(self, notice: CovNotification) -> None:
        one = self._all.get(notice.object_id)
        if one is None or notice.device != self._peer.instance:
            return
        try:
            change = one.follow.take(notice.data, notice.datagram)
        except GarbledAnswer:
            self._line.count("rubbish_count")
            return
        one.has_notified = True
        self._tell(one.columns.make_readings(change.answer, self._clock.now_ns()))

    def _make_note(self, one: Subscription, what: str, *, is_good: bool = False) -> Note:
        shown = one.columns.meanings[0].point.place
        code = "subscription.back" if is_good else "subscription.refused"
        return Note(code, f"{self._peer.name}: {shown} {what}", {"device": self._peer.name}, is_good)
