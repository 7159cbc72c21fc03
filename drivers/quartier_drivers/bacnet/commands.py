"""Commands to one device: write setpoints and sheds, respect its minimum times, relinquish.

A slot in a priority array never expires.  Therefore the gateway itself relinquishes a command that is no
longer renewed.  As long as the gateway runs, a command ends as it would with a timer in the device.

By the standard, the device enforces minimum times at priority 6.  Not every device does: so a command that
would break a minimum time is refused until that time is over, and the caller asks again.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from quartier_drivers.bacnet import write_requests
from quartier_drivers.bacnet.codec import datagrams
from quartier_drivers.bacnet.codec.answers import PreparedRead, ReadAnswer
from quartier_drivers.bacnet.codec.device_errors import DeviceRefused
from quartier_drivers.bacnet.network.peer import BacnetDevice
from quartier_drivers.bacnet.priority_arrays import PriorityArrayReads
from quartier_drivers.bacnet.read_jobs import PointMeaning, ReadJob
from quartier_drivers.bacnet.standard_names import BINARY_TYPES, PROPERTIES
from quartier_drivers.contract import Clock, Command, DeviceSpec, Note
from quartier_drivers.errors import LinkLost, Refused, WireError
from quartier_drivers.readings import Readings
from quartier_native.bacnet import Ref

_S = 1_000_000_000
# Commands are renewed every 20 s (spec/failsafe.md#rule-5): one that missed three renewals has ended.
LEASE_S = 60


@dataclass(frozen=True, slots=True)
class MinimumTimes:
    """Minimum on-time and minimum off-time of an object in s; 0 if the device states none."""

    on_s: float = 0.0
    off_s: float = 0.0


class DeviceCommands:
    """Commands to one device."""

    def __init__(self, peer: BacnetDevice, device: DeviceSpec, clock: Clock) -> None:
        self._peer = peer
        self._device = device
        self._clock = clock
        self._meanings: Mapping[str, PointMeaning] = {}
        self._minimums = SwitchTimes()
        self._arrays = PriorityArrayReads(peer)
        self._ends_ns: dict[str, int] = {}
        self._last: dict[str, float] = {}
        self._caps: dict[str, float | None] = {}
        self._kinds: dict[str, int] = {}
        self._beat = 0

    @property
    def due_ns(self) -> int | None:
        """Return when ``look`` has something to relinquish or to read; None if no point is commanded."""
        dues = [*self._ends_ns.values()]
        if (look_ns := self._arrays.due_ns) is not None:
            dues.append(look_ns)
        return min(dues, default=None)

    @property
    def standing(self) -> tuple[float | None, ...]:
        """The limits now in the device, as far as known: no release writes a higher one."""
        return tuple(self._caps.values())

    def learn(self, meanings: Mapping[str, PointMeaning], least: Mapping[str, MinimumTimes]) -> None:
        """Adopt how points are read in this device, and the minimum times of its switches."""
        self._meanings = meanings
        self._minimums.learn(least)
        self._arrays.forget()
        released = {
            name: one.point.write.on_release for name, one in meanings.items() if one.point.write is not None
        }
        self._caps = {name: self._caps.get(name) for name, how in released.items() if how == "cap"}

    def note_readings(
        self, readings: Readings, job: ReadJob | None = None, answer: ReadAnswer | None = None
    ) -> None:
        """Take readings of an exchange or of a notification."""
        self._minimums.note_readings(readings)
        for name in self._caps:
            place = readings.layout.place(name)
            if place is not None:
                self._caps[name] = None if readings.qualities[place] else readings.values[place]
        if job is not None and answer is not None:
            places = {ref: place for place, ref in enumerate(job.refs)}
            for one in job.columns.meanings:
                if one.point.write is not None:
                    self._kinds[one.name] = answer.kinds[places[one.ref]]

    async def write(self, command: Command) -> None:
        """Command one point.  Raises Refused, NoReply, LinkLost or Expired."""
        name = command.point
        one = self._meanings.get(name)
        if one is None or one.point.write is None:
            raise Refused(f"{name} cannot be written")
        if one.why:
            raise Refused(f"{name}: {one.why}")
        now_ns = self._clock.now_ns()
        left_s = self._minimums.find_wait_s(name, command.value, now_ns)
        if left_s > 0:
            raise Refused(f"{name}: the device's least time on or off lasts {left_s:.0f} s more")
        for order in await self._orders(one, command.value):
            await self._send(name, order, command.expires_ns)
        changed = self._last.get(name) != command.value
        self._last[name] = command.value
        if name in self._caps:
            self._caps[name] = command.value
        if one.point.write.on_release == "own":
            self._ends_ns[name] = max(command.expires_ns, now_ns + LEASE_S * _S)
        self._arrays.note_command(one, now_ns, changed=changed)

    async def _orders(self, one: PointMeaning, value: float) -> list[write_requests.PropertyWrite]:
        try:
            if one.point.write is not None and one.point.write.shed is not None:
                return write_requests.make_shed(one, value, b"" if value else await self._local_time())
            self._beat += 1
            return write_requests.make_setpoint(one, value, self._kinds.get(one.name), self._beat)
        except ValueError as error:
            raise Refused(f"{one.name}: {error}") from error

    async def _local_time(self) -> bytes:
        """Return date and time of the device's own clock, encoded: the start of a shed.

        Read from the device, so its clock need not be right.  Raises Refused if the device does not state its
        time.
        """
        date, time = self._peer.make_device_ref("local-date"), self._peer.make_device_ref("local-time")
        octets = []
        for ref in (date, time):
            try:
                answer = await self._peer.read(PreparedRead((ref,), self._peer.route))
            except DeviceRefused as denied:
                raise Refused(f"the device does not tell its time: {denied}") from denied
            octets.append(answer.octets(0))
        return b"".join(octets)

    async def _send(
        self, name: str, order: write_requests.PropertyWrite, expires_ns: int | None = None
    ) -> None:
        try:
            await self._peer.send(datagrams.WRITE_PROPERTY, order.body, expires_ns)
        except DeviceRefused as denied:
            raise Refused(f"{name}: {denied}") from denied

    async def look(self, now_ns: int) -> Sequence[Note]:
        """Relinquish a point whose command is not renewed, else read one priority array.

        Raises NoReply or LinkLost.
        """
        ended = [name for name, end_ns in self._ends_ns.items() if end_ns <= now_ns]
        if ended:
            return await self._lapse(ended[0])
        return await self._arrays.look(self._meanings, now_ns)

    async def _lapse(self, name: str) -> Sequence[Note]:
        data = {"point": name}
        try:
            await self.release((name,))
        except Refused as refusal:
            self._leave(name)
            return (Note("command.stuck", f"it is not refreshed, and cannot be given back: {refusal}", data),)
        return (
            Note("command.lapsed", f"{name}: its order was not refreshed: given back to the device", data),
        )

    async def release(self, points: Collection[str] = ()) -> None:
        """Relinquish points (empty: all) as ``on_release`` says: Null at our priority for ``own``.

        Continues after a write that fails, unless the network is lost; then raises the first failure.
        """
        failed: WireError | None = None
        for name, one in self._meanings.items():
            if points and name not in points:
                continue
            try:
                await self._relinquish(one)
            except WireError as error:
                failed = failed or error
                if isinstance(error, LinkLost):
                    raise failed from error
        if failed is not None:
            raise failed

    async def _relinquish(self, one: PointMeaning) -> None:
        if one.name in self._caps:
            await self._note_limit(one)
        for order in self._make_release_writes(one):
            await self._send(one.name, order)
        self._leave(one.name)

    async def _note_limit(self, one: PointMeaning) -> None:
        """Read the limit that is now in the device, if it answers: a release never raises a limit."""
        try:
            answer = await self._peer.read(PreparedRead((one.ref,), self._peer.route))
        except WireError:
            return
        self._caps[one.name] = one.value(answer.values[0])

    def _leave(self, name: str) -> None:
        self._ends_ns.pop(name, None)
        self._last.pop(name, None)
        self._arrays.drop_point(name)

    def releases(self, place: str) -> list[Mapping[str, Any]]:
        """Return the writes of ``release`` for the device at ``place``, wire-encoded and JSON-ready."""
        return [
            write_requests.dump_write(one.name, place, order)
            for one in self._meanings.values()
            for order in self._make_release_writes(one)
        ]

    def _make_release_writes(self, one: PointMeaning) -> list[write_requests.PropertyWrite]:
        safe, last = self._device.caps.get(one.name), self._caps.get(one.name)
        cap = safe if safe is None or last is None else min(safe, last)
        return write_requests.make_release(
            one, cap if cap is None or last is None else min(cap, last), self._kinds.get(one.name)
        )


def find_minimum_time_refs(meanings: Mapping[str, PointMeaning]) -> Mapping[str, tuple[Ref, Ref]]:
    """Return the properties with the minimum on-time and off-time of each point that switches."""
    on, off = PROPERTIES["minimum-on-time"], PROPERTIES["minimum-off-time"]
    return {
        name: (
            Ref(one.ref.object_type, one.ref.instance, on),
            Ref(one.ref.object_type, one.ref.instance, off),
        )
        for name, one in meanings.items()
        if one.point.write is not None and one.point.place.kind in BINARY_TYPES
    }


class SwitchTimes:
    """Time of the last change of each switched point, as far as it was observed."""

    def __init__(self) -> None:
        self._least: Mapping[str, MinimumTimes] = {}
        self._state: dict[str, tuple[bool, int | None]] = {}

    def learn(self, least: Mapping[str, MinimumTimes]) -> None:
        """Adopt the minimum times that the device states; observations are kept."""
        self._least = {name: one for name, one in least.items() if one.on_s > 0 or one.off_s > 0}

    @property
    def names(self) -> tuple[str, ...]:
        """The points that have minimum times."""
        return tuple(self._least)

    def note_readings(self, readings: Readings) -> None:
        """Take readings; the time of a state is known only after its beginning was observed."""
        for name in self._least:
            place = readings.layout.place(name)
            if place is None or readings.qualities[place]:
                continue
            is_on, before = bool(readings.values[place]), self._state.get(name)
            if before is None:
                self._state[name] = is_on, None
            elif before[0] != is_on:
                self._state[name] = is_on, readings.taken_ns

    def find_wait_s(self, name: str, value: float, now_ns: int) -> float:
        """Return how long a command must still wait, in s; 0 if not at all."""
        least, seen = self._least.get(name), self._state.get(name)
        if least is None or seen is None or seen[1] is None or seen[0] == (value != 0):
            return 0.0
        stays_s = least.on_s if seen[0] else least.off_s
        return max(0.0, stays_s - (now_ns - seen[1]) / _S)
