"""The driver of a part of an OPC UA server: reads it in batches, subscribes, writes and relinquishes."""

from collections import deque
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from quartier_drivers.contract import Clock, Command, DeviceSpec, PointInfo
from quartier_drivers.errors import LinkLost, NoReply, QuartierError, Refused
from quartier_drivers.opcua import served_points
from quartier_drivers.opcua.connection.line import OpcuaLine
from quartier_drivers.opcua.connection.session_types import VALUE_ATTRIBUTE
from quartier_drivers.opcua.profile import OpcuaProfile
from quartier_drivers.opcua.read_batch import ReadBatch
from quartier_drivers.opcua.served_points import ServedPoint, group_reads, list_served, make_info
from quartier_drivers.opcua.subscription import DeviceSubscription, ReplanNeeded
from quartier_drivers.opcua.writer import NodeWriter, dump_write
from quartier_drivers.readings import NO_READINGS, Quality, Reading, Readings, Value, make_readings

_S = 1_000_000_000
_IDLE_S = 60
# Most waiting notifications; if the bus is blocked for longer, the oldest are dropped.
_NEWS_MAX = 64
# A device that is set aside is polled at its own pace; a notification may come earlier.
_REST_S = (1.0, 60.0)
# How long after a write without a read-back of its own a slow poll of what is watched may wait.
_SOON_S = 2.0


class OpcuaDriver:
    """One device.  Good readings carry the content on the wire only if ``shows_raw``."""

    def __init__(
        self,
        line: OpcuaLine,
        device: DeviceSpec,
        profile: OpcuaProfile,
        clock: Clock,
        *,
        shows_raw: bool = False,
    ) -> None:
        self._line = line
        self._device = device
        self._profile = profile
        self._clock = clock
        self._shows_raw = shows_raw
        self._rate: float = getattr(clock, "rate", 1.0)
        self._served = list_served(device, profile)
        self._points = {name: make_info(one, profile) for name, one in self._served.items()}
        self._writable = [one for one in self._served.values() if one.point.write is not None]
        self._caps: dict[str, float | None] = {
            one.name: None
            for one in self._writable
            if one.point.write and one.point.write.on_release == "cap"
        }
        self._writer = NodeWriter(line)
        self._watch = DeviceSubscription(line, clock, self._rate, line.bus.poll_s, self._hear)
        self._watch.is_wanted = line.bus.subscribe and profile.limits.subscribe
        self._most = profile.limits.nodes_max
        self._batches: list[ReadBatch] = []
        self._grouped: list[tuple[float, bool, list[str]]] = []
        self._prepared: dict[int, tuple[Any, list[int]]] = {}
        self._epoch = -1
        self._news: deque[Readings] = deque(maxlen=_NEWS_MAX)
        self._urgent: dict[str, int] = {}
        self._beats: dict[str, int] = {}
        self._rest_ns, self._rest_s = 0, _REST_S[0]
        self._wake: Callable[[], None] = lambda: None
        self._enlist(self._clock.now_ns())

    @property
    def points(self) -> Mapping[str, PointInfo]:
        """Every point that this device serves, by full name."""
        return self._points

    @property
    def standing(self) -> tuple[float | None, ...]:
        """The limits now in the device, as far as known: no release writes a higher one."""
        return tuple(self._caps.values())

    @property
    def requests_count(self) -> int:
        """Return the number of requests that read everything once."""
        return len(self._batches)

    def on_data(self, wake: Callable[[], None]) -> None:
        """Register ``wake``, called when the server reported something by itself."""
        self._wake = wake

    @property
    def due_ns(self) -> int:
        """Return when ``read`` wants to be called next (monotonic)."""
        now_ns = self._clock.now_ns()
        if self._news:
            return now_ns
        if self._epoch != self._line.epoch or not self._line.is_connected:
            return now_ns  # plan everything again; or a request shows that the server is gone
        if now_ns < self._rest_ns:
            return self._rest_ns
        dues = [self._line.pulse_ns, now_ns + _IDLE_S * _S, *self._urgent.values()]
        dues += [self._due_of(batch) for batch in self._batches]
        step_ns = self._watch.due_ns
        return min(dues if step_ns is None else [*dues, step_ns])

    async def open(self) -> Mapping[str, str]:
        """Return the identity: from the profile, from the device's own nodes, and the server's firmware.

        Raises NoReply or LinkLost.
        """
        if self._epoch != self._line.epoch:
            self._enlist(self._clock.now_ns())
        try:
            identity = {"maker": self._profile.head.maker, "model": self._profile.head.model}
            if "firmware" in self._line.built:
                identity["firmware"] = self._line.built["firmware"]
            named = {key: self._line.place(node) for key, node in self._profile.identity.items()}
            there = {key: place for key, place in named.items() if place is not None}
            found = await self._line.objects(list(there.values()), VALUE_ATTRIBUTE)
            for key, said in zip(there, found, strict=True):
                text = getattr(said, "Text", said)
                if isinstance(text, str | int) and str(text).strip():
                    identity[key] = str(text).strip()
            await self._writer.look(
                (node, served_points.list_types(one).get(node, 0))
                for one in self._writable
                for node in served_points.list_nodes(one)
            )
        except Refused as error:
            raise self._pause_after(NoReply(str(error))) from error
        except (NoReply, LinkLost) as error:
            raise self._pause_after(error) from None
        self._reset_pause()
        return identity

    async def read(self) -> Readings:
        """Return what the server reported by itself, else make the most overdue request.

        Makes at most one request; empty if none is due.  Raises NoReply or LinkLost.
        """
        now_ns = self._clock.now_ns()
        if self._news:
            return self._news.popleft()
        if self._epoch != self._line.epoch:
            self._enlist(now_ns)
        elif now_ns < self._rest_ns and self._line.is_connected:
            return NO_READINGS
        try:
            found = await self._next(now_ns)
        except ReplanNeeded:
            self._enlist(self._clock.now_ns())
            return NO_READINGS
        except (NoReply, LinkLost) as error:
            raise self._pause_after(error) from None
        self._reset_pause()
        return found

    async def write(self, command: Command) -> None:
        """Write one point, its watchdog before it; its read-back becomes due at once.

        Raises Refused (by the server, or by the limits), NoReply (outcome unknown), LinkLost or Expired.
        """
        one = self._served.get(command.point)
        write = one.point.write if one else None
        if one is None or write is None:
            raise Refused(f"{command.point} cannot be written")
        target = await self._writer.target(
            one.name, served_points.find_written_node(one.point), write.type_number or 0
        )
        try:
            raw = served_points.make_setpoint(one, command.value, target)
        except ValueError as error:
            raise Refused(f"{command.point}: {error}") from error
        await self._beat(one, command.expires_ns)
        try:
            await self._writer.send(one.name, target, one.point.index, raw, command.expires_ns)
            if one.name in self._caps:
                self._caps[one.name] = command.value
        finally:
            if one.is_read:
                self._urgent[one.name] = self._clock.now_ns() + int(self._profile.limits.settle_s * _S)
        if not one.is_read:
            self._acknowledge(one, command.value)

    async def release(self, points: Collection[str] = ()) -> None:
        """Relinquish points (empty: all) to the device's own control, as ``on_release`` says.

        Continues after a write that fails, unless the server is lost; then raises the first failure.
        """
        failed: QuartierError | None = None
        for one in self._writable:
            if points and one.name not in points:
                continue
            try:
                await self._release_point(one)
            except LinkLost as error:
                raise failed or error from None
            except (Refused, NoReply) as error:
                failed = failed or error
        if failed is not None:
            raise failed

    def releases(self) -> Sequence[Mapping[str, Any]]:
        """Return the writes of ``release``, wire-encoded and JSON-ready, for ``ProtocolFactory.replay``."""
        found = (served_points.make_release(one, self._cap(one.name)) for one in self._writable)
        typed = (self._writer.add_type(wanted) for wanted in found if wanted is not None)
        return [dump_write(wanted, self._line.offer) for wanted in typed]

    async def close(self) -> None:
        """Forget the device; the line stays open for the other devices."""
        self._batches.clear()
        self._news.clear()
        self._urgent.clear()
        self._watch.begin(())

    # Reading

    async def _next(self, now_ns: int) -> Readings:
        if not self._line.is_connected:
            await self._line.pulse()  # raises how it was lost
        urgent = next((name for name, due_ns in self._urgent.items() if due_ns <= now_ns), None)
        if urgent is not None:
            batch = next((one for one in self._batches if urgent in one.names), None)
            if batch is None:
                del self._urgent[urgent]
                return NO_READINGS
            return await self._ask(batch)
        batch = min(self._batches, key=self._due_of, default=None)
        if batch is not None and self._due_of(batch) <= now_ns:
            return await self._ask(batch)
        step_ns = self._watch.due_ns
        if step_ns is not None and step_ns <= now_ns:
            await self._watch.step()
        elif self._line.pulse_ns <= now_ns:
            await self._line.pulse()
        return NO_READINGS

    def _due_of(self, batch: ReadBatch) -> int:
        """Return when a batch is due: at its grid moment, or rarely while the subscription keeps it fresh."""
        if not self._watch.vouches_for(batch):
            return batch.due_ns
        return min(batch.poll_ns, batch.fresh_ns + max(self._watch.grace_ns, batch.period_ns))

    async def _ask(self, batch: ReadBatch) -> Readings:
        now_ns = self._clock.now_ns()
        was_vouched = self._watch.vouches_for(batch)
        prepared, places = self._request(batch)
        batch.move_on(now_ns, self._device.phase_ns)
        for name in batch.names:
            self._urgent.pop(name, None)
        if not places:
            return self._note_readings(batch.readings(now_ns, 0))
        try:
            answer = await self._line.read(prepared, len(places))
        except Refused as error:
            return self._halve_requests(batch, error)
        now_ns = self._clock.now_ns()
        readings = batch.take(answer, places, now_ns)
        if was_vouched:
            self._compare(batch, now_ns)
        return self._note_readings(readings)

    def _compare(self, batch: ReadBatch, now_ns: int) -> None:
        """Compare subscribed and polled values; set the time of the next comparison.

        Points that differ are subscribed to again without a deadband.
        """
        wait_s = self._line.bus.poll_s
        if disagreeing := batch.find_disagreeing(now_ns):
            self._watch.drop_deadbands(disagreeing)
        elif batch.has_suspects:
            wait_s = max(_SOON_S, 2 * self._watch.grace_ns / _S)
        batch.poll_ns = now_ns + int(wait_s * _S)

    def _halve_requests(self, batch: ReadBatch, error: Refused) -> Readings:
        """Halve the size of requests, because this one was too large for the server."""
        if self._most <= 1:
            return batch.make_bad_readings(str(error), self._clock.now_ns())
        self._most = max(1, min(self._most, len(batch.names)) // 2)
        raise ReplanNeeded

    def _enlist(self, now_ns: int) -> None:
        """Plan everything for the present connection: node names and limits are valid only in it."""
        groups = self._groups()
        if groups == self._grouped:
            for batch in self._batches:
                batch.due_ns = now_ns
        else:
            self._grouped = groups
            self._batches = [self._batch(group, now_ns) for group in groups]
        if self._epoch != self._line.epoch:
            self._reset_pause()  # what failed was another connection
        self._epoch = self._line.epoch
        self._prepared.clear()
        self._watch.begin(self._batches)

    def _groups(self) -> list[tuple[float, bool, list[str]]]:
        is_wanted, refused = self._watch.is_wanted, self._watch.refused
        wanted = [
            (one.name, self._profile.scan[one.point.scan], is_wanted and one.name not in refused)
            for one in self._served.values()
            if one.is_read
        ]
        return group_reads(wanted, min(self._most, self._line.read_max))

    def _batch(self, group: tuple[float, bool, list[str]], now_ns: int) -> ReadBatch:
        period_s, subscribed, names = group
        served, shown = [self._served[name] for name in names], self._shows_raw
        return ReadBatch(served, period_s, now_ns, self._rate, subscribed=subscribed, shows_raw=shown)

    def _request(self, batch: ReadBatch) -> tuple[Any, list[int]]:
        """Return the request for a batch and the places of its points; the other points have no node here."""
        found = self._prepared.get(id(batch))
        if found is None:
            named = [self._line.place(one.point.node) for one in batch.served]
            batch.absent([at for at, place in enumerate(named) if place is None], "no such namespace")
            there = [(at, place) for at, place in enumerate(named) if place is not None]
            wanted = [(place, VALUE_ATTRIBUTE, batch.served[at].point.index) for at, place in there]
            made = self._line.prepare_read(wanted, batch.period_ns / 2e6 / self._rate) if wanted else None
            found = self._prepared[id(batch)] = made, [at for at, _ in there]
        return found

    def _hear(self, batch: ReadBatch, sent: int) -> None:
        self._news.append(self._note_readings(batch.readings(self._clock.now_ns(), sent)))
        self._wake()

    def _note_readings(self, readings: Readings) -> Readings:
        for name in self._caps:
            place = readings.layout.place(name)
            if place is not None:
                reading = readings.reading(place)
                good = reading.quality is Quality.GOOD and isinstance(reading.value, int | float)
                self._caps[name] = float(reading.value) if good else None
        return readings

    def _pause_after(self, error: NoReply | LinkLost) -> NoReply | LinkLost:
        self._rest_ns = self._clock.now_ns() + int(self._rest_s * _S)
        self._rest_s = min(2 * self._rest_s, _REST_S[1])
        return error

    def _reset_pause(self) -> None:
        self._rest_ns, self._rest_s = 0, _REST_S[0]

    # Writing

    async def _beat(self, one: ServedPoint, expires_ns: int) -> None:
        fallback = one.point.write.fallback if one.point.write else None
        if fallback is None or fallback.node is None:
            return
        target = await self._writer.target(one.name, fallback.node)
        count = self._beats[one.name] = self._beats.get(one.name, 0) + 1
        try:
            raw = served_points.make_watchdog_value(one, count, target)
        except ValueError as error:
            raise Refused(f"{one.name}: its watchdog: {error}") from error
        await self._writer.send(one.name, target, None, raw, expires_ns)

    async def _release_point(self, one: ServedPoint) -> None:
        if one.name in self._caps and one.is_read:
            await self._look_at(one)
        wanted = served_points.make_release(one, self._cap(one.name))
        if wanted is not None:
            await self._writer.release(wanted)

    async def _look_at(self, one: ServedPoint) -> None:
        """Read the limit that is now in the device, if the server answers."""
        batch = next((batch for batch in self._batches if one.name in batch.names), None)
        if batch is None:
            return
        try:
            await self._ask(batch)
        except (NoReply, ReplanNeeded):
            return

    def _cap(self, name: str) -> float | None:
        """Return the release value of a point: its fail-safe limit, or the present one if that is lower."""
        cap, last = self._device.caps.get(name), self._caps.get(name)
        return cap if cap is None or last is None else min(cap, last)

    def _acknowledge(self, one: ServedPoint, value: float) -> None:
        """Report the written value of a point that cannot be read back: the server acknowledged the write."""
        held: Value = value != 0 if one.kind == "bool" else value
        now_ns = self._clock.now_ns()
        self._news.append(
            make_readings([Reading(one.name, held, Quality.GOOD, now_ns, "acknowledged")], now_ns)
        )
        self._wake()
