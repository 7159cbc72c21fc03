"""Which rows of the ladder are in force now, as far as control sees them, and what comes of them (pure)."""

from collections.abc import Iterator

from quartier.control import ladder, measures, sight
from quartier.control.failsafe import Stage
from quartier.control.plausibility.judge import Verdict
from quartier.control.scene import Scene
from quartier.house.alarm import Key

LOST_MODES = ("HOLD", "FAILSAFE")
METER_LOST: Key = ("loss.grid_meter_lost", "")


def present(scene: Scene) -> list[tuple[str, str]]:
    """Names of rows, each with its asset (empty: the whole building); the table's order."""
    order = {loss.name: place for place, loss in enumerate(ladder.LOSSES)}
    return sorted({*_of_building(scene), *_of_assets(scene)}, key=lambda found: (order[found[0]], found[1]))


def _of_building(scene: Scene) -> Iterator[tuple[str, str]]:
    if scene.lost and scene.meter.verdict is not Verdict.IMPLAUSIBLE:
        yield "grid-meter-lost", ""
    elif scene.grid_w is None and f"{scene.house.grid.name}.power_w" in scene.state.memories:
        yield "grid-meter-stale", ""
    if scene.wishes.caps.mode in LOST_MODES and not scene.wishes.caps.tested:
        yield "uplink-lost", ""
    if not scene.now.synced:
        yield "clock-unsynced", ""
    if "cycle-late" in scene.state.judgement.until_ns:
        yield "cycle-late", ""


def _of_assets(scene: Scene) -> Iterator[tuple[str, str]]:
    """Who was heard and is silent; who was never heard has its time to answer first."""
    for asset in scene.house.assets:
        known = f"{asset.name}.power_w" in scene.state.memories
        silent = sight.power_w(scene.state.memories, asset, scene.now_ns) is None
        if asset.measured and silent and (known or scene.running_s > measures.START_S):
            yield ladder.of_asset(asset).name, asset.name


def cause(scene: Scene, name: str) -> Key | None:
    """The alarm of the loss for which the point of an asset is given back; None where it is for another."""
    if scene.meter.verdict is Verdict.IMPLAUSIBLE:
        return "meter.implausible", scene.house.grid.name
    if scene.lost or scene.stage is Stage.SAFE:
        return METER_LOST
    asset = next((one for one in scene.house.assets if one.name == name), None)
    if asset is None or sight.power_w(scene.state.memories, asset, scene.now_ns) is not None:
        return None
    return ladder.code(ladder.of_asset(asset)), name
