"""What a breach takes although the sums look right: the next step, or all of C and D at once."""

from quartier.control.players import Player
from quartier.control.reason import further
from quartier.control.scene import Scene
from quartier.control.steps import Step
from quartier.house.assets import Moded, Pv


def taken(
    scene: Scene, players: list[Player], wants: list[float], downs: list[Step], acted: dict[int, str]
) -> None:
    """A breach takes the next step although the sums look right; a fast one all of C and D."""
    imports = scene.state.import_breach
    for candidate in downs:
        if candidate.target_w >= wants[candidate.index] or candidate.target_w < 0:
            continue
        if imports.fast_over and candidate.tier in {"C", "D"}:
            cause = "over the cap by 10 % for 5 s"
        elif imports.next_step and not imports.fast_over:
            cause = "60 s mean over the cap"
        else:
            continue
        wants[candidate.index] = candidate.target_w
        acted[candidate.index] = further(scene.force.words("import"), f": {cause}: {candidate.words}")
        if not imports.fast_over:
            break
    _export(scene, players, wants, acted)


def _export(scene: Scene, players: list[Player], wants: list[float], acted: dict[int, str]) -> None:
    """The same for export: first what discharges stops, then what generates; a fast breach stops both."""
    breach = scene.state.export_breach
    if not (breach.fast_over or breach.next_step):
        return
    giving = [index for index, want in enumerate(wants) if want < 0 and _stops(players[index])]
    giving.sort(key=lambda index: isinstance(players[index].asset, Pv))
    for index in giving if breach.fast_over else giving[:1]:
        wants[index] = 0.0
        acted[index] = further(scene.force.words("export"), ": kept over it: stopped")


def _stops(player: Player) -> bool:
    """Whether it can be stopped now: what runs its least time, or is stopped by itself only, cannot."""
    return player.usable and (bool(player.ups) or not isinstance(player.asset, Moded))
