"""The driver of a BACnet device: polled by plan, followed by subscription, commanded by priority."""

from collections import deque
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from typing import Any, TypeVar

from quartier_drivers.bacnet.codec.application_data import Element
from quartier_drivers.bacnet.codec.datagrams import IAm
from quartier_drivers.bacnet.codec.device_errors import DeviceRefused
from quartier_drivers.bacnet.commands import DeviceCommands, MinimumTimes, find_minimum_time_refs
from quartier_drivers.bacnet.network.line import BacnetLine
from quartier_drivers.bacnet.network.peer import BacnetDevice, DeviceLimits
from quartier_drivers.bacnet.poll_plan import PollPlan
from quartier_drivers.bacnet.profile import BacnetProfile
from quartier_drivers.bacnet.read_jobs import make_meaning, needs_unit
from quartier_drivers.bacnet.standard_names import PROPERTIES
from quartier_drivers.bacnet.subscriptions import DeviceSubscriptions
from quartier_drivers.bacnet.write_requests import list_served, make_declared_meaning, make_infos
from quartier_drivers.contract import Clock, Command, DeviceSpec, Note, PointInfo
from quartier_drivers.errors import LinkLost, NoReply
from quartier_drivers.readings import NO_READINGS, Quality, Reading, Readings, Value, make_readings
from quartier_native.bacnet import Ref

T = TypeVar("T")
_S = 1_000_000_000
_IDLE_S = 60
# Most waiting notifications; if the bus is blocked for longer, the oldest are dropped.
_NOTIFICATIONS_MAX = 256


class BacnetDriver:
    """One device on a BACnet network.

    Good readings carry the content on the wire only if ``shows_raw``.
    """

    def __init__(
        self,
        line: BacnetLine,
        device: DeviceSpec,
        profile: BacnetProfile,
        clock: Clock,
        *,
        shows_raw: bool = False,
    ) -> None:
        self._line = line
        self._device = device
        self._profile = profile
        self._clock = clock
        self._shows_raw = shows_raw
        limits = profile.limits
        bears = DeviceLimits(properties_max=limits.properties_max, multiple=limits.multiple)
        self._peer = BacnetDevice(line, device, bears, limits.apdu_max)
        self._points = make_infos(device, profile)
        self._meanings = {
            name: make_declared_meaning(name, quantity, point)
            for name, quantity, point in list_served(device, profile)
        }
        self._times = PollPlan(
            self._peer, self._points, clock, device.phase_ns, status_flags=limits.status_flags
        )
        self._commands = DeviceCommands(self._peer, device, clock)
        self._commands.learn(self._meanings, {})
        self._news: deque[Readings] = deque(maxlen=_NOTIFICATIONS_MAX)
        self._notes: list[Note] = []
        self._wake: Callable[[], None] = lambda: None
        self._aside = True
        self._subscriptions = DeviceSubscriptions(line, self._peer, limits.cov_lifetime_s, clock, self._put)
        self._hello_ns: int | None = None
        line.on_i_am(self._note_i_am)
        self.skipped_count = 0
        """Reads left out because the one before came more than a period late."""

    @property
    def points(self) -> Mapping[str, PointInfo]:
        """Every point that this device serves, by full name."""
        return self._points

    @property
    def requests_count(self) -> int:
        """Return the number of requests that read everything once."""
        return self._times.requests_count

    @property
    def trunk(self) -> str:
        """The network behind a router that the device shares with others; empty if there is none."""
        return self._peer.trunk

    @property
    def notification_ns(self) -> int | None:
        """Return when the waiting notification, or the I-Am of a silent device, came; None if none waits."""
        return self._news[0].taken_ns if self._news else self._hello_ns

    def on_notification(self, wake: Callable[[], None]) -> None:
        """Register ``wake``, called when a notification waits to be read."""
        self._wake = wake

    def notes(self) -> Sequence[Note]:
        """Return the notes since the last call."""
        notes = tuple(self._notes)
        self._notes.clear()
        return notes

    @property
    def due_ns(self) -> int:
        """Return when ``read`` wants to be called next (monotonic)."""
        if self._news:
            return self._clock.now_ns()
        dues = (self._times.due_ns, self._subscriptions.due_ns, self._commands.due_ns)
        known = [due_ns for due_ns in dues if due_ns is not None]
        return min(known, default=self._clock.now_ns() + _IDLE_S * _S)

    async def open(self) -> Mapping[str, str]:
        """Find the device, read its identity, what it supports and its units; then plan.

        Raises NoReply or LinkLost.
        """
        self._news.clear()
        self._hello_ns = None
        try:
            identity = await self._peer.meet()
            units = await self._units()
            least = await self._least()
        except NoReply:
            self._peer.is_silent = True
            raise
        self._peer.is_silent = False
        self._learn(units)
        self._commands.learn(self._meanings, least)
        self._times.begin(tuple(self._meanings.values()))
        self._subscriptions.want(self._times.points_to_read, self._times.last_values, self._clock.now_ns())
        self._aside = True
        return {"maker": self._profile.head.maker, "model": self._profile.head.model} | dict(identity)

    async def _units(self) -> dict[Ref, int]:
        """Return the engineering units of the objects whose values depend on them."""
        refs = dict.fromkeys(
            _make_units_ref(one.ref) for one in self._meanings.values() if needs_unit(one.point, one.quantity)
        )
        said = await self._peer.read_properties(list(refs))
        return {ref: one[0].value for ref, one in said.items() if one and isinstance(one[0].value, int)}

    async def _least(self) -> dict[str, MinimumTimes]:
        """Return the minimum on-times and off-times of its switches."""
        refs = find_minimum_time_refs(self._meanings)
        said = await self._peer.read_properties([ref for pair in refs.values() for ref in pair])
        return {
            name: MinimumTimes(_find_number(said.get(on)), _find_number(said.get(off)))
            for name, (on, off) in refs.items()
        }

    def _learn(self, units: Mapping[Ref, int]) -> None:
        before = {one.why for one in self._meanings.values()}
        self._meanings = {
            name: make_meaning(name, one.quantity, one.point, units.get(_make_units_ref(one.ref)))
            for name, one in self._meanings.items()
        }
        for one in self._meanings.values():
            if one.why and one.why not in before:
                self._note("units.differ", f"{one.name}: {one.why}; its readings are not used")

    async def read(self) -> Readings:
        """Return what was notified, else make the most overdue exchange of the plan; empty if none is due.

        Raises NoReply or LinkLost.
        """
        if self._news:
            return self._news.popleft()
        self._hello_ns = None
        now_ns = self._clock.now_ns()
        job = self._times.next(now_ns)
        read_ns = now_ns + 1 if job is None else min(job.due_ns, now_ns)
        beside = self._find_due_exchange(read_ns)
        if beside is not None:
            self._notes += await self._make_exchange(beside(now_ns))
            return NO_READINGS
        if job is None:
            return NO_READINGS
        skipped = self._times.reschedule(job, now_ns)
        if skipped and not self._aside:
            self.skipped_count += skipped
            self._line.count("skipped_count", skipped)
        try:
            answer = await self._make_exchange(self._peer.read(job.read))
        except DeviceRefused as denied:
            self._note_answer()
            return self._times.handle_refusal(job, denied)
        readings = job.columns.make_readings(answer, self._clock.now_ns(), shows_raw=self._shows_raw)
        self._commands.note_readings(readings, job, answer)
        self._subscriptions.compare_poll(readings, now_ns)
        self._times.note_missing_properties(job, answer)
        return readings

    def _find_due_exchange(self, before_ns: int) -> Callable[[int], Awaitable[Sequence[Note]]] | None:
        """Return the exchange other than a read that is due first before ``before_ns``; None: none is due.

        It renews a subscription, or checks the commands.
        """
        dues = (
            (self._subscriptions.due_ns, self._subscriptions.make),
            (self._commands.due_ns, self._commands.look),
        )
        found = [(due_ns, make) for due_ns, make in dues if due_ns is not None and due_ns < before_ns]
        return min(found, key=lambda one: one[0])[1] if found else None

    async def _make_exchange(self, exchange: Awaitable[T]) -> T:
        """Return the result of an exchange; each exchange also shows whether the device answers."""
        try:
            found = await exchange
        except (NoReply, LinkLost) as error:
            self._note_failure(error)
            raise
        self._note_answer()
        return found

    def _note_answer(self) -> None:
        self._peer.is_silent = False
        if self._aside:
            self._aside = False
            self._times.catch_up()

    def _note_failure(self, error: NoReply | LinkLost) -> None:
        if not self._aside:
            self._subscriptions.anew(self._clock.now_ns())
        self._aside = True
        self._peer.note_failure(is_silent=isinstance(error, NoReply))

    async def write(self, command: Command) -> None:
        """Command one point at its priority; its read-back becomes due at once.

        Raises Refused (by the device, the profile's limits or a minimum time), NoReply (outcome unknown),
        LinkLost (outcome unknown too) or Expired.
        """
        info = self._points.get(command.point)
        try:
            await self._commands.write(command)
        finally:
            if info is not None and info.read_back:
                self._times.read_back(command.point, self._profile.limits.settle_s)
        if info is not None and not info.read_back:
            self._acknowledge(command)

    def _acknowledge(self, command: Command) -> None:
        """Report the commanded value of a write-only property, which only the acknowledgement confirms."""
        is_switch = self._points[command.point].kind == "bool"
        held: Value = command.value != 0 if is_switch else command.value
        now_ns = self._clock.now_ns()
        self._put(make_readings([Reading(command.point, held, Quality.GOOD, now_ns, "acknowledged")], now_ns))

    async def release(self, points: Collection[str] = ()) -> None:
        """Relinquish points (empty: all) as ``on_release`` says: Null at our priority for ``own``.

        Continues after a write that fails, unless the network is lost; then raises the first failure.
        """
        await self._commands.release(points)

    def releases(self) -> Sequence[Mapping[str, Any]]:
        """Return the writes of ``release``, wire-encoded and JSON-ready, for ``ProtocolFactory.replay``."""
        if self._peer.place is None:  # it was never found: nothing was written to it
            return ()
        return self._commands.releases(str(self._line.find_router(self._peer.place)))

    @property
    def standing(self) -> tuple[float | None, ...]:
        """The limits now in the device, as far as known: no release writes a higher one."""
        return self._commands.standing

    async def close(self) -> None:
        """Forget the device; the line stays open for the others."""
        self._subscriptions.forget()
        self._times.end()
        self._news.clear()

    def _note_i_am(self, i_am: IAm) -> None:
        """Take an I-Am of the device: if it was silent, poll it at once and renew its subscriptions."""
        if self._peer.process_i_am(i_am) and self._aside:
            self._hello_ns = self._clock.now_ns()
            self._subscriptions.anew(self._hello_ns)
            self._wake()

    def _put(self, readings: Readings) -> None:
        self._commands.note_readings(readings)
        self._news.append(readings)
        self._wake()

    def _note(self, code: str, text: str) -> None:
        self._notes.append(Note(code, text, {"device": self._device.name}))


def _find_number(said: Sequence[Element] | None) -> float:
    value = said[0].value if said else None
    return float(value) if isinstance(value, int | float) else 0.0


def _make_units_ref(ref: Ref) -> Ref:
    return Ref(ref.object_type, ref.instance, PROPERTIES["units"])
