"""Plan of a bus: load, lateness, behaviour with silent devices, remedies."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from quartier.commissioning.bus_planning.bus_load import (
    BusLoad,
    PollTask,
    find_bus_load,
    find_overloaded_devices,
    list_remedies,
)
from quartier.commissioning.bus_planning.silent_devices import BusObservation, observe_bus
from quartier.commissioning.bus_planning.simulated_bus import (
    AssumedAnswers,
    PlannedBus,
    SimulatedBus,
    run_simulated,
)

TIGHT_PCT = 85.0
"""Above this, little is left for orders and repetitions."""


@dataclass(frozen=True, slots=True)
class SilentResult:
    """The performance of the other devices of a bus when the ``dead`` devices stop answering."""

    dead: tuple[str, ...]
    kept_pct: float
    """Share of the other devices' reads that remain, in the long run."""
    lost_pct: float
    """Share of the bus's time spent waiting for silent devices, in the long run."""
    late_s: float
    """Largest delay of a request to the other devices, during the failure or later."""
    aside_s: float | None
    """Time until the last silent device was set aside."""


@dataclass(frozen=True, slots=True)
class BusPlan:
    """Plan of one bus.

    ``problem`` says why it is infeasible, else empty; each of ``remedies`` is sufficient.
    """

    name: str
    answers_s: Mapping[str, float]
    """Time from a request to the start of its answer, by device."""
    load: BusLoad
    late_s: Mapping[float, float]
    """Largest delay of a request by period, if all devices answer."""
    skipped_per_s: float
    """Reads skipped because others delayed them by a whole period."""
    silent: tuple[SilentResult, ...]
    problem: str
    remedies: tuple[str, ...]

    @property
    def is_tight(self) -> bool:
        """Return whether the plan is feasible with little time left."""
        return not self.problem and self.load.load_pct > TIGHT_PCT

    @property
    def is_delayed(self) -> bool:
        """Return whether there is enough time but reads are skipped: one long request delays the others."""
        return not self.problem and not self.is_tight and self.skipped_per_s > 0


def list_bus_tasks(wire: PlannedBus, assumed: AssumedAnswers) -> list[PollTask]:
    """Return the requests of the devices of a bus, as planned by their drivers."""

    async def identify_and_list_tasks() -> list[PollTask]:
        play = SimulatedBus(wire, assumed)
        await play.through(play.wait_until_identified)
        return play.tasks()

    return run_simulated(identify_and_list_tasks())


def find_bus_answers_s(wire: PlannedBus, assumed: AssumedAnswers) -> dict[str, float]:
    """Return the time from a request to the start of its answer, by device."""

    async def find_answers_s() -> dict[str, float]:
        return SimulatedBus(wire, assumed).answers_s()

    return run_simulated(find_answers_s())


def explain_problem(found: Sequence[PollTask], wire: PlannedBus, assumed: AssumedAnswers) -> str:
    """Return why the bus cannot do this; empty if it can."""
    short, tired = find_bus_load(found).short, find_overloaded_devices(found)
    slow = _find_slow_device(wire, assumed)
    if slow:
        device, answer_s = slow
        wait_s = wire.section.timeout_s
        return (
            f"bus {wire.name}: {device} begins its answer after {answer_s:g} s, and timeout_s is {wait_s:g} s"
        )
    if short is not None:
        wanted_s = short.period_s - short.slack_s
        return f"bus {wire.name}: {wanted_s:.3g} s of work each {short.period_s:g} s"
    if not tired:
        return ""
    device, share = max(tired.items(), key=lambda one: one[1])
    fastest_s = min(task.period_s for task in found if task.device == device)
    wanted = f"{share * fastest_s:.3g} s each {fastest_s:g} s"
    return f"bus {wire.name}: {device} wants rests, and with them {wanted}"


def _find_slow_device(wire: PlannedBus, assumed: AssumedAnswers) -> tuple[str, float] | None:
    """Return the device whose answer always comes after the timeout; None if there is none."""
    name, answer_s = max(find_bus_answers_s(wire, assumed).items(), key=lambda one: one[1])
    return (name, answer_s) if answer_s > wire.section.timeout_s else None


def plan_bus(wire: PlannedBus, assumed: AssumedAnswers, dead_max: int) -> BusPlan:
    """Plan one bus, also with 1, 2 … ``dead_max`` silent devices, the last ones of the site file first."""
    found = list_bus_tasks(wire, assumed)
    load = find_bus_load(found)
    rate = _count_per_s(found) / max(1.0, load.use_pct / 100)
    well = observe_bus(wire, assumed, rate=rate)
    names = [spec.name for spec, _ in wire.devices]
    counts = range(1, min(dead_max, len(names) - 1) + 1) if found else ()
    silent = tuple(
        _make_silent_result(found, well, observe_bus(wire, assumed, names[-count:], rate=rate))
        for count in counts
    )
    what = explain_problem(found, wire, assumed)
    ways = tuple(_list_remedies(found, wire, assumed)) if what else ()
    return BusPlan(
        wire.name,
        find_bus_answers_s(wire, assumed),
        load,
        well.late_s,
        well.skipped_per_s,
        silent,
        what,
        ways,
    )


def _list_remedies(found: Sequence[PollTask], wire: PlannedBus, assumed: AssumedAnswers) -> Iterable[str]:
    slow = _find_slow_device(wire, assumed)
    if slow:
        return [f"timeout_s = {2 * slow[1]:.2g}, if it is so slow indeed"]
    baud = getattr(wire.section, "baud", None)
    return list_remedies(found, baud, lambda other: _list_tasks_at_baud(wire, other, assumed))


def _make_silent_result(
    found: Sequence[PollTask], well: BusObservation, after: BusObservation
) -> SilentResult:
    """Compare the reads of the answering devices with their reads when all devices answered."""
    every, others = (
        _count_per_s(found),
        _count_per_s(task for task in found if task.device not in after.dead),
    )
    before_per_s = well.reads_per_s * others / every
    kept_pct = min(100.0, 100.0 * after.reads_per_s / before_per_s) if before_per_s else 100.0
    return SilentResult(
        after.dead, kept_pct, 100.0 * after.lost_share, max(after.late_s.values(), default=0.0), after.aside_s
    )


def _count_per_s(some: Iterable[PollTask]) -> float:
    return sum(1 / task.period_s for task in some)


def _list_tasks_at_baud(wire: PlannedBus, baud: int, assumed: AssumedAnswers) -> list[PollTask]:
    return list_bus_tasks(
        _OtherBus(wire.name, wire.section.model_copy(update={"baud": baud}), wire.devices), assumed
    )


@dataclass(frozen=True, slots=True)
class _OtherBus:
    name: str
    section: Any
    devices: Sequence[tuple[Any, Any]]
