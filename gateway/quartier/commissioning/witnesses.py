"""Who is wrong about sign and power of ten: the command, the asset's own power, or the grid meter (pure).

Commanded, measured at the asset and measured at the grid are three witnesses.  Where two agree, the third is
wrong: asset and grid against the command mean the command, command and grid against the asset mean how the
asset's power is read, command and asset against the grid mean the grid meter.
"""

from collections.abc import Iterator
from math import log10

from quartier.commissioning.finding import Finding, Target
from quartier.commissioning.gain import Gain
from quartier.commissioning.subject import Subject
from quartier.commissioning.verdict import Measured
from quartier.control.observe.meter_check.causes import describe_evidence_with_faults
from quartier.control.observe.meter_check.commanded import CommandedSteps

SILENT_GAIN = 0.04
FROZEN = "frozen_power_w"
DECADE_TOLERANCE, ONE_TOLERANCE = 0.15, 0.2  # of the decimal logarithm


def judged(subject: Subject, seen: Measured, meter: CommandedSteps) -> Iterator[Finding]:
    """Sign and power of ten, by which of the three disagrees with the two others.

    ``meter`` is what the gateway's own judge says of the connection meter.
    """
    asset, grid = seen.asset.gain, seen.grid.gain
    name, quantity = subject.name, subject.point.partition(".")[2]
    if abs(asset.value) < SILENT_GAIN or not asset.edges_count:
        return
    if asset.edges_count < 2:
        return
    yield from _of_meter(subject, meter)
    if not grid.is_sure() or grid.error > 0.5 * abs(asset.value):
        if seen.has_reacted:
            return
        if not meter.causes:
            yield Finding(
                "grid.noise",
                "the house moves too much to see it at the grid meter: take larger steps (--step-w), "
                "more time (--for), or come again when it is calmer",
            )
        if asset.value < 0:
            yield Finding(
                "sign",
                f"{name} went the other way round, and the grid meter does not tell whose sign is wrong",
                targets=[Target("command", quantity, "sign", -1.0), Target("asset", "power_w", "sign", -1.0)],
            )
        yield from _tenfold_alone(subject, asset)
        return
    yield from _sign(subject, asset.value, grid.value)
    yield from _tenfold(subject, asset, grid)


def _of_meter(subject: Subject, meter: CommandedSteps) -> Iterator[Finding]:
    """The faults of the connection meter, by the names that ``quartier check`` uses."""
    name = subject.name
    for code, value in meter.causes:
        power = (decade(Gain(value, 0.0, 1)) or 0) if code in {"gain_low", "gain_high"} else 0
        finding, more = {
            "wrong_sign": ("sign.grid", f"; if its import is right, then both signs of {name} are wrong"),
            "none": ("grid.blind", f"; or {name} hangs elsewhere, or something made up for it at once"),
            "gain_low": ("gain.grid", ""),
            "gain_high": ("gain.grid", ""),
            FROZEN: ("grid.frozen", ": restart the meter, and look at its cable"),
        }.get(code, ("grid.phase", ""))
        targets = [Target("grid", "power_w", "sign", -1.0)] if finding == "sign.grid" else []
        if power:
            finding, more = "factor.grid", f"; it shows {_times(power)} what {name} takes"
            targets = [Target("grid", "power_w", "scale", 10.0**-power)]
        words = f"{subject.grid}: {describe_evidence_with_faults([(code, value)])}{more}"
        yield Finding(finding, words, targets=targets)


def _sign(subject: Subject, asset: float, grid: float) -> Iterator[Finding]:
    name, quantity = subject.name, subject.point.partition(".")[2]
    if asset < 0 and grid < 0:
        yield Finding(
            "sign.command",
            f"{name} goes the other way round than {subject.point} says: asset and grid meter agree on it",
            targets=[Target("command", quantity, "sign", -1.0)],
        )
    elif asset < 0:
        yield Finding(
            "sign.asset",
            f"the power of {name} is read with the wrong sign: command and grid meter agree against it",
            targets=[Target("asset", "power_w", "sign", -1.0)],
        )


def _tenfold(subject: Subject, asset: Gain, grid: Gain) -> Iterator[Finding]:
    of_asset, of_grid = decade(asset), decade(grid)
    quantity = subject.point.partition(".")[2]
    if subject.is_switch:
        of_asset, of_grid = 0, decade(Gain(grid.value / asset.value, grid.error / abs(asset.value), 1))
    if of_asset and of_asset == of_grid:
        yield Finding(
            "factor.command",
            f"{subject.name} takes {_times(of_asset)} what {subject.point} says: asset and grid meter agree",
            targets=[Target("command", quantity, "scale", 10.0**of_asset)],
        )
    elif of_asset and of_grid == 0:
        yield Finding(
            "factor.asset",
            f"the power of {subject.name} is read as {_times(of_asset)} what it is: command and grid agree",
            targets=[Target("asset", "power_w", "scale", 10.0**-of_asset)],
        )
    elif of_asset:
        yield from _tenfold_alone(subject, asset)


def _tenfold_alone(subject: Subject, asset: Gain) -> Iterator[Finding]:
    power = decade(asset)
    if power:
        quantity = subject.point.partition(".")[2]
        yield Finding(
            "factor",
            f"{subject.name} seems to take {_times(power)} what was asked for; which is wrong is open",
            targets=[
                Target("command", quantity, "scale", 10.0**power),
                Target("asset", "power_w", "scale", 10.0**-power),
            ],
        )


def decade(one: Gain) -> int | None:
    """0 where it is about 1 (0.63 … 1.6), else the power of ten that it is near to; None: near to none."""
    if one.value == 0:
        return None
    size = log10(abs(one.value))
    power = round(size)
    close = abs(size - power) <= (DECADE_TOLERANCE if power else ONE_TOLERANCE)
    return power if close else None


def _times(power: int) -> str:
    words = {
        1: "ten times",
        2: "a hundred times",
        3: "a thousand times",
        -1: "a tenth of",
        -2: "a hundredth of",
        -3: "a thousandth of",
    }
    return words.get(power, f"10^{power} times")
