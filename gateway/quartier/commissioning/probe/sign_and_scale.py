"""Find which of command, asset meter and grid meter has a wrong sign, scale or phase (pure).

Command, asset meter and grid meter are three measurements. If two agree, the third is wrong: asset and grid
against the command mean the command, command and grid against the asset mean the reading of the asset's
power, command and asset against the grid mean the grid meter.
"""

from collections.abc import Iterator, Sequence
from math import log10

from quartier.commissioning.probe.corrections import CorrectionTarget, ProbeFinding
from quartier.commissioning.probe.probe_measurement import ProbeMeasurement
from quartier.commissioning.probe.probe_subject import ProbeSubject
from quartier.commissioning.probe.step_response import Gain
from quartier.control.observe.meter_check.causes import describe_evidence_with_faults
from quartier.control.observe.meter_check.commanded import CommandedSteps
from quartier.site.asset_types import ChargePointAsset

ALL_PHASES = ("l1", "l2", "l3")
MIXED_PHASES_GAIN, MIXED_PHASES_TOLERANCE = -0.5, 0.15
REVERSED_PHASE_GAIN_MIN = 0.25
"""With a smaller overall gain something else has answered, on phases of its own."""


def find_phase_faults(subject: ProbeSubject, measurement: ProbeMeasurement) -> Iterator[ProbeFinding]:
    """Yield differences between moved phases and site file, and reversed or swapped transformers."""
    whole = measurement.grid.gain.value
    if (
        not measurement.visible_phases
        or not measurement.grid.gain.is_significant()
        or measurement.has_reacted
    ):
        return
    right = [phase for phase in measurement.visible_phases if measurement.phases[phase].value * whole > 0]

    for phase in measurement.visible_phases:
        share = measurement.phases[phase].value / whole
        if share < 0 and right and abs(whole) > REVERSED_PHASE_GAIN_MIN * abs(measurement.asset.gain.value):
            mixed = abs(share - MIXED_PHASES_GAIN) < MIXED_PHASES_TOLERANCE
            why = (
                "its current transformer sits on another phase than its voltage (cos 120° is -0.5)"
                if mixed
                else "its current transformer is turned"
            )
            yield ProbeFinding(
                "phase.turned", f"{phase.upper()} of the grid meter moved the other way round: {why}"
            )
    text = subject.phase
    expected = list(ALL_PHASES) if text == "all" else [text]
    if text and list(measurement.visible_phases) != expected:
        yield ProbeFinding(
            "phase.other",
            f"the site file has {subject.name} on {_join_phases(expected)}, "
            f"the grid meter saw it on {describe_phases(measurement)}",
            targets=[
                CorrectionTarget(
                    "site",
                    "",
                    "phase",
                    measurement.visible_phases[0] if len(measurement.visible_phases) == 1 else "",
                )
            ],
        )
    elif not text and len(measurement.visible_phases) == 1 and len(measurement.phases) > 1:
        yield ProbeFinding(
            "phase.not_stated",
            f"{subject.name} hangs on {describe_phases(measurement)}",
            is_fault=False,
            targets=[CorrectionTarget("site", "", "phase", measurement.visible_phases[0])],
        )
    if (
        isinstance(subject.asset, ChargePointAsset)
        and subject.asset.phases_count == 3
        and len(measurement.visible_phases) == 1
        and whole > 0.5
    ):
        yield ProbeFinding(
            "phases.moved",
            f"{subject.name} is said to charge on three phases, only {describe_phases(measurement)} moved",
        )


def describe_phases(measurement: ProbeMeasurement) -> str:
    """Return ``L2`` or ``L1, L2 and L3``; empty if no phase is known."""
    return _join_phases(measurement.visible_phases)


def _join_phases(phases: Sequence[str]) -> str:
    names = [phase.upper() for phase in phases]
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


SILENT_GAIN = 0.04
FROZEN_CODE = "frozen_power_w"
POWER_OF_TEN_TOLERANCE, GAIN_ONE_TOLERANCE = 0.15, 0.2  # of the decimal logarithm


def find_sign_and_scale_faults(
    subject: ProbeSubject, measurement: ProbeMeasurement, meter: CommandedSteps
) -> Iterator[ProbeFinding]:
    """Yield wrong signs and powers of ten, by which of the three disagrees with the two others.

    ``meter`` is the evaluation of the grid meter by the gateway's own rules.
    """
    asset, grid = measurement.asset.gain, measurement.grid.gain
    name, quantity = subject.name, subject.point.partition(".")[2]
    if abs(asset.value) < SILENT_GAIN or not asset.edges_count:
        return
    if asset.edges_count < 2:
        return
    yield from _find_meter_faults(subject, meter)
    if not grid.is_significant() or grid.error > 0.5 * abs(asset.value):
        if measurement.has_reacted:
            return
        if not meter.causes:
            yield ProbeFinding(
                "grid.noise",
                "the house moves too much to see it at the grid meter: take larger steps (--step-w), "
                "more time (--for), or come again when it is calmer",
            )
        if asset.value < 0:
            yield ProbeFinding(
                "sign",
                f"{name} went the other way round, and the grid meter does not tell whose sign is wrong",
                targets=[
                    CorrectionTarget("command", quantity, "sign", -1.0),
                    CorrectionTarget("asset", "power_w", "sign", -1.0),
                ],
            )
        yield from _find_scale_faults_without_grid(subject, asset)
        return
    yield from _find_sign_faults(subject, asset.value, grid.value)
    yield from _find_scale_faults(subject, asset, grid)


def _find_meter_faults(subject: ProbeSubject, meter: CommandedSteps) -> Iterator[ProbeFinding]:
    """Yield the faults of the grid meter, with the names of ``quartier check``."""
    name = subject.name
    for code, value in meter.causes:
        power = (find_power_of_ten(Gain(value, 0.0, 1)) or 0) if code in {"gain_low", "gain_high"} else 0
        finding, more = {
            "wrong_sign": ("sign.grid", f"; if its import is right, then both signs of {name} are wrong"),
            "none": ("grid.blind", f"; or {name} hangs elsewhere, or something made up for it at once"),
            "gain_low": ("gain.grid", ""),
            "gain_high": ("gain.grid", ""),
            FROZEN_CODE: ("grid.frozen", ": restart the meter, and look at its cable"),
        }.get(code, ("grid.phase", ""))
        targets = [CorrectionTarget("grid", "power_w", "sign", -1.0)] if finding == "sign.grid" else []
        if power:
            finding, more = "factor.grid", f"; it shows {_describe_factor(power)} what {name} takes"
            targets = [CorrectionTarget("grid", "power_w", "scale", 10.0**-power)]
        words = f"{subject.grid}: {describe_evidence_with_faults([(code, value)])}{more}"
        yield ProbeFinding(finding, words, targets=targets)


def _find_sign_faults(subject: ProbeSubject, asset: float, grid: float) -> Iterator[ProbeFinding]:
    name, quantity = subject.name, subject.point.partition(".")[2]
    if asset < 0 and grid < 0:
        yield ProbeFinding(
            "sign.command",
            f"{name} goes the other way round than {subject.point} says: asset and grid meter agree on it",
            targets=[CorrectionTarget("command", quantity, "sign", -1.0)],
        )
    elif asset < 0:
        yield ProbeFinding(
            "sign.asset",
            f"the power of {name} is read with the wrong sign: command and grid meter agree against it",
            targets=[CorrectionTarget("asset", "power_w", "sign", -1.0)],
        )


def _find_scale_faults(subject: ProbeSubject, asset: Gain, grid: Gain) -> Iterator[ProbeFinding]:
    of_asset, of_grid = find_power_of_ten(asset), find_power_of_ten(grid)
    quantity = subject.point.partition(".")[2]
    if subject.is_switch:
        of_asset, of_grid = (
            0,
            find_power_of_ten(Gain(grid.value / asset.value, grid.error / abs(asset.value), 1)),
        )
    if of_asset and of_asset == of_grid:
        yield ProbeFinding(
            "factor.command",
            f"{subject.name} takes {_describe_factor(of_asset)} what {subject.point} says:"
            " asset and grid meter agree",
            targets=[CorrectionTarget("command", quantity, "scale", 10.0**of_asset)],
        )
    elif of_asset and of_grid == 0:
        yield ProbeFinding(
            "factor.asset",
            f"the power of {subject.name} is read as {_describe_factor(of_asset)} what it is:"
            " command and grid agree",
            targets=[CorrectionTarget("asset", "power_w", "scale", 10.0**-of_asset)],
        )
    elif of_asset:
        yield from _find_scale_faults_without_grid(subject, asset)


def _find_scale_faults_without_grid(subject: ProbeSubject, asset: Gain) -> Iterator[ProbeFinding]:
    power = find_power_of_ten(asset)
    if power:
        quantity = subject.point.partition(".")[2]
        yield ProbeFinding(
            "factor",
            f"{subject.name} seems to take {_describe_factor(power)} what was ordered;"
            " which is wrong is open",
            targets=[
                CorrectionTarget("command", quantity, "scale", 10.0**power),
                CorrectionTarget("asset", "power_w", "scale", 10.0**-power),
            ],
        )


def find_power_of_ten(one: Gain) -> int | None:
    """Return 0 if the gain is about 1 (0.63 … 1.6), else the nearest power of ten; None if none is near."""
    if one.value == 0:
        return None
    size = log10(abs(one.value))
    power = round(size)
    close = abs(size - power) <= (POWER_OF_TEN_TOLERANCE if power else GAIN_ONE_TOLERANCE)
    return power if close else None


def _describe_factor(power: int) -> str:
    words = {
        1: "ten times",
        2: "a hundred times",
        3: "a thousand times",
        -1: "a tenth of",
        -2: "a hundredth of",
        -3: "a thousandth of",
    }
    return words.get(power, f"10^{power} times")
