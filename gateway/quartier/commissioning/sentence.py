"""The one sentence of a probe, as an installer would say it (pure)."""

from quartier.commissioning.gain import Gain
from quartier.commissioning.phases import places
from quartier.commissioning.subject import Subject
from quartier.commissioning.verdict import Measured
from quartier.commissioning.witnesses import SILENT_GAIN


def said(subject: Subject, seen: Measured) -> str:
    """``bat1 answered -980 W for -1000 W after 2.1 s, seen at the grid meter on L2 with the right sign``."""
    asset = seen.asset.gain
    if not asset.edges_count:
        return f"{subject.name} was not stepped"
    asked_w = -seen.step_w if subject.role in {"battery", "load"} else seen.step_w
    if abs(asset.value) < SILENT_GAIN:
        return f"{subject.name} did not answer {asked_w:.0f} W"
    text = f"{subject.name} answered {_rounded(asset.value * asked_w)} W for {asked_w:.0f} W"
    if seen.asset.response is not None:
        text += f" after {seen.asset.response.delay_s:.1f} s"
    return f"{text}, {_at_grid(seen)}"


def _at_grid(seen: Measured) -> str:
    grid, asset = seen.grid.gain, seen.asset.gain
    if not _is_seen(grid, asset):
        return "not seen at the grid meter"
    where = f" on {places(seen)}" if seen.moved else ""
    sign = "right" if grid.value > 0 else "wrong"
    return f"seen at the grid meter{where} with the {sign} sign"


def _is_seen(grid: Gain, asset: Gain) -> bool:
    return grid.is_sure() and abs(grid.value) > 0.02 * abs(asset.value)


def _rounded(watts: float) -> str:
    return f"{round(watts, -1) if abs(watts) >= 100 else round(watts):.0f}"
