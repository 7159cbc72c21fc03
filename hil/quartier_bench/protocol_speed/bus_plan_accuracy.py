"""Compare the plan of a bus with a real one: random sites, planned, and run by the bus of the daemon on a
paced line.

The line keeps the pace of a wire, or of devices behind a Modbus TCP endpoint, and counts its traffic by
its
own clock.  All devices are polled as fast as the line permits, so the compared figure is the time of one
poll
of everything.
"""

import asyncio
import os
import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import structlog

from quartier.commissioning.bus_planning.bus_load import find_bus_load
from quartier.commissioning.bus_planning.simulated_bus import (
    AssumedAnswers,
    SimulatedBus,
    find_loop_time_s,
    run_simulated,
)
from quartier.runtime.bus.poll import Bus
from quartier.runtime.clock import SiteClock
from quartier_bench.measured_process import Process
from quartier_bench.speed.measurement import Figure, Setting, make_single_figure
from quartier_drivers import registry
from quartier_drivers.contract import DeviceSpec
from quartier_drivers.device_profile import loading
from quartier_drivers.modbus.wire.timing import make_timing

SITES, SITES_SHORT = 20, 4
SEED = 9
_ERROR_MAX = 0.10
_UTILISATION_ERROR_MAX = 0.02
_UNDISTURBED_ERROR_MAX = 0.05
"""A round that is this near was not disturbed."""
_BAUDS = (9_600, 9_600, 19_200, 38_400)
_FRAME_FORMATS = (("N", 1), ("E", 1), ("N", 2))
_SPAN_MIN_S, _SPAN_MAX_S, _CYCLES = 2.0, 6.0, 12.0
# More than the line bears.
_FAST_SCAN = "[scan]\nfast = 0.05\nnormal = 0.06\nslow = 0.08\n"
# Less than it bears; a period is a whole part of the span.
_SLOW_SCAN = "[scan]\nfast = 2.0\nnormal = 2.0\nslow = 4.0\n"
_SLOW_SPAN_S, _LEAD_S = 4.0, 0.05
_HEAD = """\
[profile]
protocol = "modbus"
maker = "Bench"
model = "drawn"
source = "drawn at random to measure a plan"

[limits]
block_max = {block_max}
gap_max = {gap_max}
pause_s = {pause_s}

"""
_POINT = """
[points.{name}_w]
register = "{table}:{at}"
type = "{kind}"
scan = "{scan}"
"""
_POLL_S = 0.1
_TYPE_REGISTERS = {"uint16": 1, "int32": 2, "float32": 2, "uint64": 4}


@dataclass(frozen=True, slots=True)
class RandomBus:
    """A bus with its devices.  ``dead`` are the units that say nothing."""

    seed: int
    section: dict[str, Any]
    profiles: tuple[str, ...]
    answers_s: tuple[float, ...]
    dead: tuple[int, ...]

    @property
    def is_network(self) -> bool:
        """Return whether its devices stand behind a Modbus TCP endpoint, and not on a serial line."""
        return bool(self.section["kind"] == "modbus-tcp")

    @property
    def bits(self) -> int:
        """Bits of a character."""
        return 9 + int(self.section["parity"] != "N") + int(self.section["stop_bits"])

    @property
    def words(self) -> str:
        """Form of the line and number of devices, as text."""
        form = "TCP"
        if not self.is_network:
            form = f"{self.section['baud']} 8{self.section['parity']}{self.section['stop_bits']}"
        return f"{form}, {len(self.profiles)} devices, {len(self.dead)} dead"


@dataclass(frozen=True, slots=True)
class CycleComparison:
    """One drawn site: how long everything once takes by the plan, and on the line."""

    drawn: RandomBus
    requests_count: int
    planned_s: float
    measured_s: float

    @property
    def error(self) -> float:
        """By how much the plan is wrong, as a share of what was measured; plus: it says more."""
        return self.planned_s / self.measured_s - 1.0


@dataclass(frozen=True, slots=True)
class LineTraffic:
    """Traffic of a line: answers, their time span, and the part of it that bytes and silences took."""

    answers: int
    span_s: float
    line_s: float


@dataclass(frozen=True, slots=True)
class _PlannedBus:
    """Bus in the form that ``rehearsal`` takes."""

    name: str
    section: Any
    devices: Sequence[tuple[DeviceSpec, Any]] = field(default_factory=tuple)


def draw_serial_bus(seed: int) -> RandomBus:
    """A site, the same for the same seed."""
    dice = random.Random(seed)  # noqa: S311 - draws examples, guards nothing
    parity, stop_bits = dice.choice(_FRAME_FORMATS)
    count = dice.randint(3, 7)
    section = {
        "kind": "modbus-rtu",
        "baud": dice.choice(_BAUDS),
        "parity": parity,
        "stop_bits": stop_bits,
        "pause_s": dice.choice((0.0, 0.0, 0.0, 0.005, 0.02)),
        "timeout_s": dice.choice((0.15, 0.25)),
        "retries_count": dice.choice((0, 1, 1)),
    }
    return RandomBus(
        seed,
        section,
        tuple(_draw_profile(dice) for _ in range(count)),
        tuple(round(dice.uniform(0.006, 0.04), 3) for _ in range(count)),
        tuple(sorted(dice.sample(range(1, count + 1), dice.choice((0, 0, 1, min(2, count - 2)))))),
    )


def draw_network_bus(seed: int) -> RandomBus:
    """A Modbus TCP endpoint with several units, the same for the same seed."""
    dice = random.Random(f"network {seed}")  # noqa: S311 - as above
    count = dice.randint(1, 6)
    section = {
        "kind": "modbus-tcp",
        "pause_s": dice.choice((0.0, 0.0, 0.001, 0.005, 0.02)),
        "timeout_s": dice.choice((0.1, 0.25)),
        "retries_count": dice.choice((0, 1, 1)),
    }
    return RandomBus(
        seed,
        section,
        tuple(_draw_profile(dice) for _ in range(count)),
        tuple(round(dice.uniform(0.002, 0.03), 4) for _ in range(count)),
        tuple(sorted(dice.sample(range(1, count + 1), min(count - 1, dice.choice((0, 0, 1, 2)))))),
    )


def _draw_profile(dice: random.Random) -> str:
    limits = {
        "block_max": dice.choice((16, 40, 125)),
        "gap_max": dice.choice((0, 4, 20)),
        "pause_s": dice.choice((0.0, 0.0, 0.0, 0.03)),
    }
    parts = [_HEAD.format(**limits), _FAST_SCAN]
    at = dice.randint(0, 200)
    for number in range(dice.randint(4, 14)):
        kind = dice.choice(tuple(_TYPE_REGISTERS))
        fields = {"name": f"p{number}" if number else "power", "at": at, "kind": kind}
        parts.append(_POINT.format(table="holding", scan=dice.choice(("fast", "normal", "slow")), **fields))
        at += _TYPE_REGISTERS[kind] + dice.choice((0, 0, 0, 2, 10, 60))
    return "".join(parts)


def measure_bus_plans(setting: Setting) -> list[Figure]:
    """The largest and the middle error of all sites.  Raises AbsentError."""
    program = setting.cache.compile_source("wire")
    cycles, uses, networks = [], [], []
    for seed in range(SEED, SEED + (SITES_SHORT if setting.short else SITES)):
        there = compare_cycle(
            draw_network_bus(seed),
            setting.cache.compile_source("network"),
            setting.make_scratch_folder("plan"),
            setting.rounds,
        )
        setting.say(describe_comparison(there))
        networks.append(abs(there.error))
        one = draw_serial_bus(seed)
        found = compare_cycle(one, program, setting.make_scratch_folder("plan"), setting.rounds)
        planned, measured = compare_utilisation(one, program, setting.make_scratch_folder("plan"))
        setting.say(
            f"{describe_comparison(found)}; used {100 * planned:.1f} %, measured {100 * measured:.1f} %"
        )
        cycles.append(abs(found.error))
        uses.append(abs(planned / measured - 1.0))
    count = f"of {len(cycles)} sites"
    once, use = (
        "everything asked once by a planned bus and on a line",
        "planned use of a line and that measured",
    )
    return [
        make_single_figure("plan.worst", f"{once}: largest error {count}", [max(cycles)], "", _ERROR_MAX),
        make_single_figure(
            "plan.network",
            f"the same of Modbus TCP endpoints: largest error {count}",
            [max(networks)],
            "",
            _ERROR_MAX,
        ),
        make_single_figure("plan.middle", f"{once}: middle error {count}", cycles, "", None),
        make_single_figure(
            "plan.use", f"{use}: largest error {count}", [max(uses)], "", _UTILISATION_ERROR_MAX
        ),
    ]


def describe_comparison(one: CycleComparison) -> str:
    """A line about it."""
    return (
        f"site {one.drawn.seed}: {one.drawn.words}, {one.requests_count} requests: planned "
        f"{one.planned_s:.3f} s, measured {one.measured_s:.3f} s, {100 * one.error:+.1f} %"
    )


def compare_cycle(one: RandomBus, program: str, folder: Path, rounds: int) -> CycleComparison:
    """Plan it and run it from the start, ``rounds`` times where the machine is busy.

    ``program`` is the compiled wire.
    """
    wire = _make_bus(one, folder)
    assumed, names = _make_assumed_answers(one, wire), _list_answering_devices(one, wire)
    requests_count, cycle_s = run_simulated(_plan_cycle(wire, assumed, names))
    span_s = min(max(_CYCLES * cycle_s, _SPAN_MIN_S), _SPAN_MAX_S)
    best: CycleComparison | None = None
    for number in range(rounds):
        counted = _count_traffic(one, wire, program, folder / f"wire{number}.log", span_s)
        planned_s = run_simulated(_simulate_answers(wire, assumed, one.dead, counted.answers))
        share = requests_count / counted.answers
        found = CycleComparison(one, requests_count, planned_s * share, counted.span_s * share)
        # Whatever else the machine does makes a round longer, nothing makes it shorter.
        if best is None or found.measured_s < best.measured_s:
            best = found
        if abs(best.error) <= _UNDISTURBED_ERROR_MAX:
            break
    assert best is not None, "there is a round at least"
    return best


def compare_utilisation(one: RandomBus, program: str, folder: Path) -> tuple[float, float]:
    """Return the share of a line's time that is used, by the plan and on the line, at a relaxed pace.

    The line counts its own traffic: the load of this machine does not matter.
    """
    calm = replace(one, profiles=tuple(text.replace(_FAST_SCAN, _SLOW_SCAN) for text in one.profiles))
    wire = _make_bus(calm, folder)
    assumed, names = _make_assumed_answers(one, wire), _list_answering_devices(one, wire)
    planned = run_simulated(_plan_use_pct(wire, assumed, names)) / 100.0
    counted = _count_traffic(one, wire, program, folder / "wire.log", _SLOW_SPAN_S, settles=True)
    own = make_timing(wire.section)
    # The line counts 3.5 characters before each frame at any speed, and no pause of the bus.
    more_s = counted.answers * (own.quiet_s - 3.5 * own.char_s + wire.section.pause_s)
    return planned, (counted.line_s + more_s) / counted.span_s


async def _plan_use_pct(wire: _PlannedBus, assumed: AssumedAnswers, names: Sequence[str]) -> float:
    return find_bus_load(
        [task for task in SimulatedBus(wire, assumed).tasks() if task.device in names]
    ).use_pct


def _count_traffic(
    one: RandomBus, wire: _PlannedBus, program: str, log: Path, span_s: float, *, settles: bool = False
) -> LineTraffic:
    units = str(len(one.profiles))
    form = [units] if one.is_network else [str(one.section["baud"]), units, str(one.bits)]
    argv = [program, *form]
    with _raise_priority(), Process(argv, log, talks=True) as process:
        return asyncio.run(
            _run_on_line(one, _set_port(wire, process.line()), process, span_s, settles=settles)
        )


def _make_assumed_answers(one: RandomBus, wire: _PlannedBus) -> AssumedAnswers:
    return AssumedAnswers(None, {spec.name: one.answers_s[spec.unit - 1] for spec, _ in wire.devices})


def _list_answering_devices(one: RandomBus, wire: _PlannedBus) -> list[str]:
    return [spec.name for spec, _ in wire.devices if spec.unit not in one.dead]


@contextmanager
def _raise_priority() -> Iterator[None]:
    """Let this process and its children go before all others, where the machine lets us."""
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
    except OSError:
        yield
        return
    try:
        yield
    finally:
        os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))


def _make_bus(one: RandomBus, folder: Path) -> _PlannedBus:
    for number, text in enumerate(one.profiles):
        place = folder / "drawn" / f"d{number}.toml"
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)
    devices = tuple(
        (
            DeviceSpec(f"d{number}", number + 1, {"": f"m{number}"}),
            loading.load_profile(f"drawn/d{number}", [folder]),
        )
        for number in range(len(one.profiles))
    )
    where = {"host": "127.0.0.1"} if one.is_network else {"port": "/dev/ttyS0"}
    section = registry.load_section(one.section["kind"])(**where, **one.section)
    return _PlannedBus("line", section, devices)


def _set_port(wire: _PlannedBus, port: str) -> _PlannedBus:
    there = {"port": int(port) if wire.section.kind == "modbus-tcp" else port}
    return _PlannedBus(wire.name, wire.section.model_copy(update=there), wire.devices)


async def _plan_cycle(wire: _PlannedBus, assumed: AssumedAnswers, names: Sequence[str]) -> tuple[int, float]:
    """Return the number of requests to the devices that answer, and the time of all of them, s."""
    tasks = [task for task in SimulatedBus(wire, assumed).tasks() if task.device in names]
    return len(tasks), sum(task.takes_s for task in tasks)


async def _simulate_answers(
    wire: _PlannedBus, assumed: AssumedAnswers, dead: Sequence[int], answers_count: int
) -> float:
    """Return the time until ``answers_count`` requests are answered by the plan, s."""
    play = SimulatedBus(wire, assumed)
    play.simulated_devices.dead.update(dead)
    begun_s = find_loop_time_s()

    async def script() -> None:
        while sum(one.is_answered for one in play.exchanges) < answers_count:  # noqa: ASYNC110 - it costs no time
            await asyncio.sleep(_POLL_S)

    await play.through(script)
    answered = [one for one in play.exchanges if one.is_answered]
    return answered[answers_count - 1].ended_s - begun_s


async def _run_on_line(
    one: RandomBus, wire: _PlannedBus, process: Process, span_s: float, *, settles: bool
) -> LineTraffic:
    """The same on the line, by its own clock.

    What the line itself was late does not count.  ``settles``: nor does how all begins.
    """
    for unit, answer_s in enumerate(one.answers_s, start=1):
        process.ask(f"answer {unit} {int(answer_s * 1e6)}")
    for unit in one.dead:
        process.ask(f"mute {unit}")
    clock, factory = SiteClock(), registry.load_factory(wire.section.kind)
    line = factory.line(wire.name, wire.section, clock)
    drivers = {spec.name: factory.driver(line, spec, loaded, clock) for spec, loaded in wire.devices}
    log = structlog.get_logger("planning")
    bus = Bus(wire.name, line, drivers, clock, lambda _readings: None, log)
    async with asyncio.TaskGroup() as group:
        before = process.count()
        group.create_task(bus.run())
        if settles:  # until just before a moment at which all are due, the silent ones set aside
            await asyncio.sleep(_SLOW_SPAN_S - clock.now_ns() / 1e9 % _SLOW_SPAN_S + _SLOW_SPAN_S - _LEAD_S)
            process.ask("reset")
            before = process.count()
        await asyncio.sleep(span_s)
        after = process.count()
        bus.halt()
    # What is counted is over with its last answer: a silent device may be waited for at the end.
    ended_s = after["now_s"] if settles else after["last_s"]
    span_s = ended_s - before["now_s"] - after["late_s"]
    return LineTraffic(after["all"] - before["all"], span_s, after["line_s"])
