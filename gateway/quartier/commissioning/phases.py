"""On which phases of the grid meter an asset showed, and what is odd about that (pure)."""

from collections.abc import Iterator, Sequence

from quartier.commissioning.finding import Finding, Target
from quartier.commissioning.subject import Subject
from quartier.commissioning.verdict import Measured
from quartier.house.assets import Ev

ALL = ("l1", "l2", "l3")
MIXED_GAIN, MIXED_TOLERANCE = -0.5, 0.15
TURNED_GAIN_MIN = 0.25
"""With less of it in the sum something else has answered, on phases of its own."""


def judged(subject: Subject, seen: Measured) -> Iterator[Finding]:
    """Which phases moved, against the site file; a turned or mixed-up transformer shows here too."""
    whole = seen.grid.gain.value
    if not seen.moved or not seen.grid.gain.is_sure() or seen.has_reacted:
        return
    right = [phase for phase in seen.moved if seen.phases[phase].value * whole > 0]

    for phase in seen.moved:
        share = seen.phases[phase].value / whole
        if share < 0 and right and abs(whole) > TURNED_GAIN_MIN * abs(seen.asset.gain.value):
            mixed = abs(share - MIXED_GAIN) < MIXED_TOLERANCE
            why = (
                "its current transformer sits on another phase than its voltage (cos 120° is -0.5)"
                if mixed
                else "its current transformer is turned"
            )
            yield Finding(
                "phase.turned", f"{phase.upper()} of the grid meter moved the other way round: {why}"
            )
    said = subject.phase
    expected = list(ALL) if said == "all" else [said]
    if said and list(seen.moved) != expected:
        yield Finding(
            "phase.other",
            f"the site file has {subject.name} on {_upper(expected)}, "
            f"the grid meter saw it on {places(seen)}",
            targets=[Target("site", "", "phase", seen.moved[0] if len(seen.moved) == 1 else "")],
        )
    elif not said and len(seen.moved) == 1 and len(seen.phases) > 1:
        yield Finding(
            "phase.unsaid",
            f"{subject.name} hangs on {places(seen)}",
            is_fault=False,
            targets=[Target("site", "", "phase", seen.moved[0])],
        )
    if (
        isinstance(subject.asset, Ev)
        and subject.asset.phases_count == 3
        and len(seen.moved) == 1
        and whole > 0.5
    ):
        yield Finding(
            "phases.moved", f"{subject.name} is said to charge on three phases, only {places(seen)} moved"
        )


def places(seen: Measured) -> str:
    """``L2``, ``L1, L2 and L3``; empty where no phase is known."""
    return _upper(seen.moved)


def _upper(phases: Sequence[str]) -> str:
    names = [phase.upper() for phase in phases]
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
