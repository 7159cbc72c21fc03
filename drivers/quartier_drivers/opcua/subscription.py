"""A subscription and its life: made in steps, trusted while messages come, made anew after a silence.

A server promises a message in each publishing interval, with changes or without; while it keeps that promise,
the last reported values are as fresh as the message.  A subscription can end without notice: then none of it
is trusted, its points are polled as if there were none, and a new one is made.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from functools import partial

from quartier_drivers.contract import Clock
from quartier_drivers.errors import LinkLost, Refused
from quartier_drivers.opcua.connection import status_codes
from quartier_drivers.opcua.connection.line import OpcuaLine
from quartier_drivers.opcua.connection.session_types import (
    ItemResult,
    MonitoredItem,
    SubscriptionNotification,
)
from quartier_drivers.opcua.read_batch import ReadBatch
from quartier_drivers.opcua.served_points import find_raw_deadband

_S = 1_000_000_000
# After this many message intervals without a message the subscription counts as dead.
_SILENT_COUNT = 2.5
# Messages at most this many periods of a point apart keep it fresh.
_PERIODS_MAX = 1.5
_PAUSE_S = (1.0, 60.0)
# After this many silent subscriptions in a row while the server answers, connect again, rarely.
_DEATHS_MAX = 3
_RECONNECT_S = 600.0
_LEAST_MS = 20.0
# The library takes some 40 us for each: so many hold the loop of a small machine for a few ms.
_ITEMS_MAX = 40


@dataclass(frozen=True, slots=True)
class _ItemPlace:
    """The batch and the place in it that a handle identifies."""

    batch: ReadBatch
    place: int


class DeviceSubscription:
    """The subscription of one device on ``line``; ``tell`` is called with each batch that has changes.

    ``refused`` are points that this server does not monitor, ``unfiltered`` those that it does not monitor
    well with a deadband.
    """

    def __init__(
        self,
        line: OpcuaLine,
        clock: Clock,
        rate: float,
        poll_s: float,
        tell: Callable[[ReadBatch, int], None],
    ) -> None:
        self._line = line
        self._clock = clock
        self._rate = rate
        self._poll_ns = int(poll_s * _S)
        self._tell = tell
        self._number: int | None = None
        self._old: list[int] = []
        self._epoch = -1
        self._generation = 0
        self._places: list[_ItemPlace] = []
        self._todo: list[range] = []
        self._batches: list[ReadBatch] = []
        self._is_whole = False
        self._notification_ns = 0
        self._every_ns = 0
        self._again_ns = 0
        self._pause_s = _PAUSE_S[0]
        self._deaths_count = 0
        self._reconnected_ns: int | None = None
        self.refused: set[str] = set()
        self.unfiltered: set[str] = set()
        self.is_wanted = True

    def begin(self, batches: Sequence[ReadBatch]) -> None:
        """Begin again, for a new plan or a new connection; drop the old subscription."""
        if self._epoch != self._line.epoch:
            self._old.clear()
            self._epoch = self._line.epoch
        elif self._number is not None:
            self._old.append(self._number)
        self._number, self._is_whole = None, False
        self._generation += 1
        self._todo.clear()
        self._batches = [batch for batch in batches if batch.subscribed]
        self._again_ns = self._clock.now_ns()

    def vouches_for(self, batch: ReadBatch) -> bool:
        """Return whether messages keep this batch fresh now."""
        if not self._is_whole or not batch.subscribed or not self._is_alive:
            return False
        return self._every_ns <= _PERIODS_MAX * batch.period_ns

    @property
    def grace_ns(self) -> int:
        """Return the longest time after a message until the next one, in ns."""
        return int(_SILENT_COUNT * self._every_ns)

    @property
    def due_ns(self) -> int | None:
        """Return when ``step`` is to be called; None: not at all."""
        if not self.is_wanted or not self._batches:
            return None
        if self._is_whole:
            return self._notification_ns + self.grace_ns
        return self._again_ns

    @property
    def _is_alive(self) -> bool:
        return self._clock.now_ns() - self._notification_ns <= self.grace_ns

    async def step(self) -> None:
        """Make at most one exchange towards a working subscription.  Raises LinkLost or NoReply."""
        now_ns = self._clock.now_ns()
        if self._is_whole:
            if not self._is_alive:
                self.note_ended("it fell silent")
            return
        try:
            await self._step()
        except Refused as error:
            self._fall_back_to_polling(str(error), now_ns)

    def drop_deadbands(self, names: Collection[str]) -> None:
        """Make the subscription anew, these points without a deadband: it does not report their changes.

        Some servers compare each value with the one before, not with the last reported one: they never report
        slow changes.  Raises LinkLost as ``note_ended`` does.
        """
        self.unfiltered.update(names)
        self.note_ended("it does not tell what changed")

    def note_ended(self, why: str) -> None:
        """Trust the subscription no longer.  Raises LinkLost if a new one would not help."""
        now_ns = self._clock.now_ns()
        self._line.count("resubscriptions_count")
        self._deaths_count += 1
        self.begin(self._batches)
        self._back_off(now_ns)
        may = self._reconnected_ns is None or now_ns - self._reconnected_ns > _RECONNECT_S * _S
        if self._deaths_count >= _DEATHS_MAX and may:
            self._reconnected_ns, self._deaths_count = now_ns, 0
            raise LinkLost(f"subscriptions die one after the other ({why}): connecting anew")

    def _back_off(self, now_ns: int) -> None:
        self._again_ns = now_ns + int((self._pause_s if self._deaths_count > 1 else 0.0) * _S)
        self._pause_s = min(2 * self._pause_s, _PAUSE_S[1])

    def _fall_back_to_polling(self, why: str, now_ns: int) -> None:
        """Poll everything, because the server makes no subscription; try again, rarely."""
        del why
        self._deaths_count += 1
        self.begin(self._batches)
        self._back_off(now_ns)

    async def _step(self) -> None:
        if self._old:
            await self._line.unsubscribe(self._old.pop())
        elif self._number is None:
            await self._make()
        elif self._todo:
            await self._watch(self._todo[0])
        if self._number is not None and not self._todo:
            self._is_whole = True

    async def _make(self) -> None:
        period_ns = min(batch.period_ns for batch in self._batches)
        wanted_ms = max(_LEAST_MS, period_ns / 1e6 / self._rate)
        made = await self._line.subscribe(wanted_ms, 1, partial(self._hear, self._generation))
        for batch in self._batches:
            batch.forget_values()
            batch.poll_ns = self._clock.now_ns() + self._poll_ns
        self._number = made.number
        self._every_ns = int(made.publishing_ms * max(1, made.keep_alive_count) * 1e6 * self._rate)
        self._notification_ns = self._clock.now_ns()
        self._places = [_ItemPlace(batch, at) for batch in self._batches for at in range(len(batch.names))]
        most, count = min(self._line.watch_max, _ITEMS_MAX), len(self._places)
        self._todo = [range(at, min(at + most, count)) for at in range(0, count, most)]

    def _item(self, handle: int, where: _ItemPlace) -> list[MonitoredItem]:
        one = where.batch.served[where.place]
        place = self._line.place(one.point.node)
        if place is None:
            return []
        deadband = 0.0 if one.name in self.unfiltered else find_raw_deadband(one.point)
        return [
            MonitoredItem(
                place,
                one.point.index,
                handle,
                max(_LEAST_MS, where.batch.period_ns / 1e6 / self._rate),
                one.point.queue,
                deadband,
                one.point.age_by == "source",
            )
        ]

    async def _watch(self, handles: range) -> None:
        assert self._number is not None
        items = [item for handle in handles for item in self._item(handle, self._places[handle])]
        results = await self._line.watch(self._number, items) if items else []
        self._todo.pop(0)
        odd = [self._is_unexpected(item, result) for item, result in zip(items, results, strict=True)]
        if any(odd):  # planned again without them; they are polled instead
            self._todo.clear()
            raise ReplanNeeded

    def _is_unexpected(self, item: MonitoredItem, result: ItemResult) -> bool:
        """Return whether an item is not monitored as it should be; if so, give up its filter or the item."""
        where = self._places[item.handle]
        name = where.batch.names[where.place]
        sampled_ns = max(0.0, result.sampling_ms - _LEAST_MS) * 1e6 * self._rate
        if (
            status_codes.find_quality(result.status) == status_codes.GOOD_PLACE
            and sampled_ns <= _PERIODS_MAX * where.batch.period_ns
        ):
            return False
        is_filter = (
            status_codes.strip_info_bits(result.status) in status_codes.NO_FILTER_CODES
            and name not in self.unfiltered
        )
        (self.unfiltered if is_filter else self.refused).add(name)
        return True

    def _hear(self, generation: int, notification: SubscriptionNotification) -> None:
        """Take a message, perhaps of a subscription that was given up; the session calls this at any time."""
        if generation != self._generation:
            return
        now_ns = self._clock.now_ns()
        self._line.count("notifications_count")
        if notification.ended:
            self._notification_ns = now_ns - self.grace_ns - 1
            return
        self._notification_ns = now_ns
        changed = self._store_changes(notification, now_ns)
        if not self._is_whole:
            return
        if self._deaths_count and changed:
            self._deaths_count, self._pause_s = 0, _PAUSE_S[0]
        for batch in self._batches:
            if not self.vouches_for(batch):
                continue
            batch.fresh_ns = now_ns
            # Messages come a little sooner or later: early by less than a quarter of a period is on time.
            if id(batch) in changed or 4 * (now_ns - batch.report_ns) >= 3 * batch.period_ns:
                self._tell(batch, notification.sent)

    def _store_changes(self, notification: SubscriptionNotification, now_ns: int) -> set[int]:
        """Put each change in its place; return the identities of the batches that changed."""
        changed: set[int] = set()
        seen: set[int] = set()
        for handle, value in notification.changes:
            if not 0 <= handle < len(self._places):
                continue
            where = self._places[handle]
            if handle in seen:  # a queue: each change is reported
                self._tell(where.batch, notification.sent)
                seen.clear()
            seen.add(handle)
            where.batch.put(where.place, value, now_ns)
            changed.add(id(where.batch))
        return changed


class ReplanNeeded(Exception):  # noqa: N818 - no error: the plan is to be made anew
    """Some points cannot be subscribed to as planned."""
