"""The driver of a SunSpec device: found by its models, then polled like any device with registers."""

from collections.abc import Awaitable, Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import Any

from quartier_drivers.contract import ArmedFallback, Clock, Command, DeviceSpec, Note, PointInfo, do_nothing
from quartier_drivers.device_profile.loading import RegisterProfile
from quartier_drivers.errors import Expired, NoReply, Refused, WireError
from quartier_drivers.modbus.driver import ModbusDriver
from quartier_drivers.modbus.release_writes import run_release_steps
from quartier_drivers.modbus.wire.line import ModbusLine
from quartier_drivers.readings import FLOAT, NO_READINGS, Layout, Reading, Readings, make_readings
from quartier_drivers.sunspec import device, point_infos
from quartier_drivers.sunspec.control import controlled_point, fallback_state
from quartier_drivers.sunspec.control.controlled_point import (
    ControlledPoint,
    find_function,
    list_control_names,
)
from quartier_drivers.sunspec.device import SunspecDevice
from quartier_drivers.sunspec.model_chain import ModelChain
from quartier_drivers.sunspec.periodic_exchanges import (
    ControllerHeartbeat,
    ModelCheck,
    ReadRound,
    SummedQuantity,
)
from quartier_drivers.sunspec.profile import SunspecProfile
from quartier_drivers.sunspec.registers import ChainSurvey, RegisterReader
from quartier_drivers.sunspec.schema import PointSum, SunspecPoint

_S = 1_000_000_000
_MODELS_MOVED_TEXT = "the device's models have moved; they are looked for anew"


class SunspecDriver:
    """One SunSpec device on a Modbus line."""

    def __init__(self, line: ModbusLine, spec: DeviceSpec, profile: SunspecProfile, clock: Clock) -> None:
        self._line = line
        self._spec = spec
        self._profile = profile
        self._clock = clock
        self._registers = RegisterReader(line, spec.unit, profile.limits)
        self._survey = ChainSurvey(self._registers, profile.bases)
        self.polled: ModbusDriver | None = None
        """The points that are a single point of the device, as registers; None until it is open."""
        self._device = SunspecDevice(ModelChain(0, ()), {})
        self._controlled_points: dict[str, ControlledPoint] = {}
        self._summed: list[SummedQuantity] = []
        self._beats: dict[str, ControllerHeartbeat] = {}
        self._looks = ModelCheck((), self._registers, 0)
        self.periodic_exchanges: Sequence[ModelCheck | ReadRound | ControllerHeartbeat] = (self._looks,)
        """What is due besides the polling."""
        self._pause: Callable[[], Awaitable[None]] = do_nothing
        self._is_urgent: Callable[[], bool] | None = None
        self._news: list[Readings] = []
        self._layouts: dict[str, Layout] = {}
        self._notes: list[Note] = []
        self._reported_faults: tuple[str, ...] = ()
        self._met_ns, self._astray = 0, False  # its models have moved, and were not found again yet
        self._taken = dict(point_infos.list_wanted(spec, profile))
        self._points = {
            name: point_infos.make_first_info(name, one, spec, profile) for name, one in self._taken.items()
        }

    @property
    def points(self) -> Mapping[str, PointInfo]:
        """Every point of the profile that has an owner, by full name; known without the wire."""
        return self._points

    @property
    def due_ns(self) -> int:
        """Return when ``read`` is to be called next (monotonic ns)."""
        if self._news or self.polled is None:
            return self._clock.now_ns()
        return min(self.polled.due_ns, max(self._own_ns(), self._line.ready_ns(self._spec.unit)))

    @property
    def standing(self) -> tuple[int | None, ...]:
        """The limits in force in the device, raw: a release writes none that is higher."""
        return tuple(one.standing for one in self._controlled_points.values() if not self._astray)

    def notes(self) -> Sequence[Note]:
        """Return the notes for people since the last call."""
        notes, self._notes = self._notes, []
        return notes

    def rest(self) -> Iterable[Readings]:
        """Return the other readings of the requests that ``read`` made in one go."""
        return () if self.polled is None else self.polled.rest()

    def go_on(self, is_urgent: Callable[[], bool]) -> None:
        """Let ``read`` make all due requests until ``is_urgent``; ``rest`` returns their readings."""
        self._is_urgent = is_urgent
        if self.polled is not None:
            self.polled.go_on(is_urgent)

    def on_pause(self, turn: Callable[[], Awaitable[None]]) -> None:
        """Register ``turn``, awaited between two exchanges of ``open``."""
        self._pause = turn

    async def open(self) -> Mapping[str, str]:
        """Find the models and return the identity.  Raises NoReply or LinkLost."""
        self.polled, self._registers.between = None, self._pause
        try:
            await self._meet()
        finally:
            self._registers.between = None
        head = self._profile.head
        return {"maker": head.maker, "model": head.model, **self._device.identity}

    async def _meet(self) -> None:
        chain = await self._survey.chain()
        bare = SunspecDevice(chain, {})
        taken = self._taken
        names = {name for one in taken.values() for names in one.source for name in names}
        names |= {name for one in taken.values() if one.write for name in list_control_names(one.write, bare)}
        self._device = await device.meet_device(self._registers, chain, names)
        await device.read_names(
            self._device, self._registers, device.list_selectors(self._device, list(names))
        )
        chosen = await device.choose_sources(self._device, self._registers, taken)
        self._steer(taken)
        self._sum(taken, chosen)
        self._poll(chosen)
        of_many: list[ControlledPoint | SummedQuantity] = [*self._controlled_points.values(), *self._summed]
        self.periodic_exchanges = (self._looks, *(one.round for one in of_many), *self._beats.values())
        assert self.polled is not None
        known = {*self._controlled_points, *(one.point for one in self._summed), *self.polled.points}
        now_ns = self._clock.now_ns()
        absent = [
            point_infos.make_absent_reading(info, now_ns)
            for name, info in self._points.items()
            if name not in known
        ]
        self._news = [make_readings(absent, now_ns)] if absent else []
        self._note(chain)
        self._astray, self._met_ns = False, self._clock.now_ns()

    async def read(self) -> Readings:
        """Make at most one exchange, the most overdue of the plan; empty if none is due.

        The heartbeat of an order that is still valid is written here.  Raises NoReply or LinkLost.
        """
        if self._news:
            return self._news.pop(0)
        if self.polled is None:
            await self.open()
            return NO_READINGS
        now_ns = self._clock.now_ns()
        if (own_ns := self._own_ns()) > now_ns or self.polled.more or self.polled.due_ns <= own_ns:
            return await self.polled.read()
        _, turn = min(self._iterate_exchanges(), key=lambda one: one[0])
        reading = await turn(now_ns)
        return NO_READINGS if reading is None else self._alone(reading)

    async def write(self, command: Command) -> None:
        """Write one point with its timer, as its function requires; the next read returns the result.

        Scales, ratings and the place of the model are read just before.  Raises Refused, NoReply, LinkLost or
        Expired.
        """
        if command.point not in self._points or not self._points[command.point].writable:
            raise Refused(f"{command.point} cannot be written")
        if self.polled is None:
            await self.open()
        steered = self._controlled_points.get(command.point)
        if steered is None:
            absent = fallback_state.describe_absent(command.point, self._controls(command.point))
            raise Refused(f"{command.point}: {absent.problem}")
        await steered.round.whole()
        if steered.function.has_other_model:
            self._lose(steered.function.model)
            raise Refused(f"{command.point}: {_MODELS_MOVED_TEXT}")
        try:
            await self._order(steered, command)
        except WireError:
            if self.polled is not None:
                steered.round.due_ns = min(self._clock.now_ns(), self.polled.due_ns) - 1  # before all others
            raise
        now_ns = self._clock.now_ns()
        steered.round.later(now_ns, int(steered.settle_s * _S), self._spec.phase_ns)
        self._news.append(self._alone(steered.reading(now_ns)))

    async def _order(self, steered: ControlledPoint, command: Command) -> None:
        beat = self._beats.get(command.point)
        before_ns = 0 if beat is None else beat.until_ns
        if beat is not None:
            await beat.now(command.expires_ns)
            self._lose(beat.missing_model)
        if self._astray:
            raise Refused(f"{command.point}: {_MODELS_MOVED_TEXT}")
        try:
            await steered.write(command.value, command.expires_ns)
        except (Refused, Expired):  # an order from before is valid no longer than that
            if beat is not None:
                beat.until_ns = before_ns
            raise

    async def release(self, points: Collection[str] = ()) -> None:
        """Relinquish points (empty: all) to the device's own control, as ``on_release`` says.

        Goes on after a failed write, unless the bus is lost twice in a row; then raises the first failure.
        """
        mine = [point for point in self._controlled_points if not points or point in points]
        await run_release_steps(partial(self._give_back, point) for point in mine)

    async def _give_back(self, point: str) -> None:
        """Release a point by the present scales, ratings and places.

        By the last known if only reading fails.
        """
        if point in self._beats:
            self._beats[point].end()
        if not self._astray:
            with suppress(NoReply):
                await self._controlled_points[point].round.whole(probes=True)
            if self._controlled_points[point].function.has_other_model:
                self._lose(self._controlled_points[point].function.model)
        if self._astray:
            await self.open()
        steered = self._controlled_points.get(point)
        if steered is not None:
            await steered.release()

    def releases(self) -> Sequence[Mapping[str, Any]]:
        """Return the writes of ``release``, wire-encoded and JSON-ready, for ``ProtocolFactory.replay``.

        Empty while the device's models have moved: another register may be at the old place now.
        """
        if self._astray:
            return []
        return [write for steered in self._controlled_points.values() for write in steered.releases()]

    async def arm(
        self,
        points: Collection[str] = (),
        *,
        writes: bool,
        between: Callable[[], Awaitable[None]] = do_nothing,
    ) -> Sequence[ArmedFallback]:
        """Return the state of the fallback of each of ``points`` (empty: all) in the device.

        With ``writes`` its timer and its reversion value are written first.  Raises NoReply or LinkLost.
        """
        found = []
        for point, info in list(self._points.items()):
            if info.fallback is None or (points and point not in points):
                continue
            if self.polled is None:
                await self.open()
            await self._search(point, between)
            steered = self._controlled_points.get(point)
            if steered is None:
                found.append(fallback_state.describe_absent(point, self._controls(point)))
                continue
            found.append(await self._arm_point(steered, writes=writes, between=between))
        return found

    async def close(self) -> None:
        """Forget the device; the line stays open for the others."""
        if self.polled is not None:
            await self.polled.close()
        self.polled = None
        self._news.clear()
        for beat in self._beats.values():
            beat.end()

    async def _arm_point(
        self, steered: ControlledPoint, *, writes: bool, between: Callable[[], Awaitable[None]]
    ) -> ArmedFallback:
        why = ""
        await between()
        await steered.round.whole()
        if writes and not steered.function.has_other_model:
            why = await steered.arm()
            await between()
            await steered.round.whole()
        if steered.function.has_other_model:
            self._lose(steered.function.model)
            return ArmedFallback(steered.point, None, None, _MODELS_MOVED_TEXT, is_verified=False)
        fallback = steered.describe_fallback(wrote=writes)
        if not why:
            return fallback
        return replace(
            fallback, problem="; ".join(filter(None, (f"its arming was refused ({why})", fallback.problem)))
        )

    async def _search(self, point: str, between: Callable[[], Awaitable[None]]) -> None:
        """Open the device anew if a control that was missing has appeared."""
        rule = self._taken[point].write
        if (
            rule is None
            or point in self._controlled_points
            or self._clock.now_ns() < self._met_ns + controlled_point.SEARCH_PAUSE_NS
        ):
            return
        if await controlled_point.has_control_appeared(rule, self._line, self._spec, self._profile, between):
            await self.open()

    def _alone(self, told: Reading) -> Readings:
        """Return one reading alone, always with the same layout."""
        layout = self._layouts.get(told.point)
        if layout is None:
            layout = self._layouts[told.point] = Layout((told.point,), bytes([FLOAT]))
        return make_readings([told], told.taken_ns, layout)

    def _own_ns(self) -> int:
        """Return when the first task besides the polling is due; called at each exchange."""
        if len(self.periodic_exchanges) == 1:
            return self._looks.due_ns
        return min([due_ns for one in self.periodic_exchanges if (due_ns := one.due_ns) is not None])

    def _iterate_exchanges(self) -> Iterator[tuple[int, Callable[[int], Awaitable[Reading | None]]]]:
        """Yield due time and action of each task besides the polling; one exchange each."""
        for steered in self._controlled_points.values():
            yield steered.round.due_ns, partial(self._read_controlled_point, steered)
        for summed in self._summed:
            yield summed.round.due_ns, summed.read_next
        for beat in self._beats.values():
            if beat.due_ns is not None:
                yield beat.due_ns, partial(self._beat, beat)
        yield self._looks.due_ns, self._look

    async def _read_controlled_point(self, steered: ControlledPoint, now_ns: int) -> Reading | None:
        if not await steered.round.read_next(now_ns, self._spec.phase_ns):
            return None
        if steered.function.has_other_model:
            self._lose(steered.function.model)
            return None
        self._points[steered.point] = point_infos.make_known_info(
            self._points[steered.point], steered, self._spec
        )
        trouble = await steered.check_last_order()  # of an order that had to settle first
        if trouble:
            told = {"device": self._spec.name, "point": steered.point}
            self._notes.append(Note("order.not_held", f"{steered.point}: {trouble}", told))
        return steered.reading(self._clock.now_ns())

    async def _beat(self, beat: ControllerHeartbeat, now_ns: int) -> None:
        await beat.send_beat(now_ns)
        self._lose(beat.missing_model)

    async def _look(self, now_ns: int) -> None:
        self._lose(await self._looks.check_next(now_ns))

    def _lose(self, number: int | None) -> None:
        """Note that a model has moved: the whole map is invalid then; None: all is well."""
        if number is None:
            return
        self.polled, self._astray = None, True
        text = f"model {number} is no longer where it was: the device's models are looked for anew"
        self._notes.append(Note("models.moved", text, {"device": self._spec.name}))

    def _note(self, chain: ModelChain) -> None:
        if chain.faults != self._reported_faults:
            self._notes += [Note("models.odd", fault, {"device": self._spec.name}) for fault in chain.faults]
            self._reported_faults = chain.faults

    def _steer(self, taken: Mapping[str, SunspecPoint]) -> None:
        self._controlled_points, self._beats = {}, {}
        limits = self._profile.limits
        for point, one in taken.items():
            rule = one.write
            function = None if rule is None else find_function(self._device, rule)
            if rule is None or function is None:
                continue
            cap, period_s = self._spec.caps.get(point), self._profile.scan[one.scan]
            steered = ControlledPoint(point, function, self._registers, limits, cap, period_s, self._clock)
            self._controlled_points[point] = steered
            self._points[point] = point_infos.make_known_info(self._points[point], steered, self._spec)
            beat = ControllerHeartbeat.of(point, self._device, rule, self._registers, self._clock)
            if beat is not None:
                self._beats[point] = beat

    def _sum(self, taken: Mapping[str, SunspecPoint], chosen: Mapping[str, PointSum]) -> None:
        self._summed = []
        for point, names in chosen.items():
            one = taken[point]
            if len(names) > 1 or names[0].sign < 0:
                period_s = self._profile.scan[one.scan]
                round_ = ReadRound(self._device, names, self._registers, period_s, self._clock.now_ns())
                self._summed.append(SummedQuantity(point, one, names, self._device, round_, self._clock))

    def _poll(self, chosen: Mapping[str, PointSum]) -> None:
        parts = {}
        for part, owner in self._spec.owners.items():
            mine = {
                point.partition(".")[2]: names
                for point, names in chosen.items()
                if point.partition(".")[0] == owner and point.partition(".")[2] in self._profile.parts[part]
            }
            parts[part] = device.make_points(self._device, self._profile, part, mine)
        profile, limits = self._profile, self._profile.limits
        widest = max((point.width for points in parts.values() for point in points.values()), default=1)
        allowed = max(min(limits.block_max, self._registers.block_max), widest)
        limits = limits.model_copy(update={"block_max": allowed})
        registers = RegisterProfile(profile.name, profile.head, profile.scan, parts, limits, {}, {})
        self.polled = ModbusDriver(self._line, self._spec, registers, self._clock)
        self.polled.go_on(self._is_urgent)
        powers = device.find_powers(self._device)
        self.polled.know({(self._spec.unit, at): power for at, power in powers.items()})
        used = device.find_used_models(self._device, (name for names in chosen.values() for name in names))
        self._looks = ModelCheck(used, self._registers, self._clock.now_ns())

    def _controls(self, point: str) -> str:
        rule = self._taken[point].write
        return "" if rule is None else ", ".join(rule.control)
