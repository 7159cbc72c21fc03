"""The plan of a bus: what its devices want of it, what is left, and what silent ones do to the others."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from quartier.rehearsal.loop import played
from quartier.rehearsal.performance import Assumed, Performance, Wire
from quartier.rehearsal.remedies import remedies
from quartier.rehearsal.silence import Watched, watched
from quartier.rehearsal.work import Load, Task, load, weary

TIGHT_PCT = 85.0
"""Above this little is left for orders and for what must be repeated."""


@dataclass(frozen=True, slots=True)
class Silent:
    """``dead`` devices say nothing any more: how the others of their bus do."""

    dead: tuple[str, ...]
    kept_pct: float
    """Of the reads of the others, in the long run."""
    lost_pct: float
    """Of the bus's time, spent on waiting for those that are silent, in the long run."""
    late_s: float
    """By how much a request of the others came too late at most, while they fell silent or later."""
    aside_s: float | None
    """Until the last of them was set aside."""


@dataclass(frozen=True, slots=True)
class Plan:
    """Of one bus.  ``problem`` says why it cannot be, empty where it can; each of ``remedies`` would do."""

    name: str
    answers_s: Mapping[str, float]
    """From a request to the beginning of its answer, by device."""
    load: Load
    late_s: Mapping[float, float]
    """By period, by how much a request came too late at most, where all devices answer."""
    skipped_per_s: float
    """Reads that were left out, because others held them up for a whole period."""
    silent: tuple[Silent, ...]
    problem: str
    remedies: tuple[str, ...]

    @property
    def is_tight(self) -> bool:
        """Whether it can be, with little left."""
        return not self.problem and self.load.taken_pct > TIGHT_PCT

    @property
    def is_held_up(self) -> bool:
        """Whether it has time, but reads are left out: one long request holds up the others."""
        return not self.problem and not self.is_tight and self.skipped_per_s > 0


def tasks(wire: Wire, assumed: Assumed) -> list[Task]:
    """What the devices of a bus want of it, by their drivers' own planning."""

    async def met() -> list[Task]:
        play = Performance(wire, assumed)
        await play.through(play.met)
        return play.tasks()

    return played(met())


def answers_s(wire: Wire, assumed: Assumed) -> dict[str, float]:
    """From a request to the beginning of its answer, by device."""

    async def told() -> dict[str, float]:
        return Performance(wire, assumed).answers_s()

    return played(told())


def problem(found: Sequence[Task], wire: Wire, assumed: Assumed) -> str:
    """Why a bus cannot do that; empty where it can."""
    short, tired = load(found).short, weary(found)
    slow = _slow(wire, assumed)
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


def _slow(wire: Wire, assumed: Assumed) -> tuple[str, float] | None:
    """The device that is never heard, because nobody waits so long."""
    name, answer_s = max(answers_s(wire, assumed).items(), key=lambda one: one[1])
    return (name, answer_s) if answer_s > wire.section.timeout_s else None


def plan(wire: Wire, assumed: Assumed, dead_max: int) -> Plan:
    """Plan one bus, with 1, 2 … ``dead_max`` of its devices silent, the last ones of the site file first."""
    found = tasks(wire, assumed)
    told = load(found)
    rate = _per_s(found) / max(1.0, told.use_pct / 100)
    well = watched(wire, assumed, rate=rate)
    names = [spec.name for spec, _ in wire.devices]
    counts = range(1, min(dead_max, len(names) - 1) + 1) if found else ()
    silent = tuple(
        _silent(found, well, watched(wire, assumed, names[-count:], rate=rate)) for count in counts
    )
    what = problem(found, wire, assumed)
    ways = tuple(_ways(found, wire, assumed)) if what else ()
    return Plan(
        wire.name, answers_s(wire, assumed), told, well.late_s, well.skipped_per_s, silent, what, ways
    )


def _ways(found: Sequence[Task], wire: Wire, assumed: Assumed) -> Iterable[str]:
    slow = _slow(wire, assumed)
    if slow:
        return [f"timeout_s = {2 * slow[1]:.2g}, if it is so slow indeed"]
    baud = getattr(wire.section, "baud", None)
    return remedies(found, baud, lambda other: _at(wire, other, assumed))


def _silent(found: Sequence[Task], well: Watched, after: Watched) -> Silent:
    """How those that answer do, by what the same devices were read where all did."""
    every, others = (_per_s(found), _per_s(task for task in found if task.device not in after.dead))
    before_per_s = well.reads_per_s * others / every
    kept_pct = min(100.0, 100.0 * after.reads_per_s / before_per_s) if before_per_s else 100.0
    return Silent(
        after.dead, kept_pct, 100.0 * after.lost_share, max(after.late_s.values(), default=0.0), after.aside_s
    )


def _per_s(some: Iterable[Task]) -> float:
    return sum(1 / task.period_s for task in some)


def _at(wire: Wire, baud: int, assumed: Assumed) -> list[Task]:
    return tasks(_Other(wire.name, wire.section.model_copy(update={"baud": baud}), wire.devices), assumed)


@dataclass(frozen=True, slots=True)
class _Other:
    name: str
    section: Any
    devices: Sequence[tuple[Any, Any]]
