"""What a breach takes although the sums look right: the next step, or all of C and D at once."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from quartier.control import nodes
from quartier.control.breach import Breach
from quartier.control.players import Player
from quartier.control.reason import Reason, make
from quartier.control.scene import Scene
from quartier.control.steps import Step
from quartier.control.tree import Grove
from quartier.house.assets import Moded, Pv

EXCESS_MARGIN = 1.1
"""PV is curtailed by so much more than a cap is exceeded by."""
_OVER, _MEAN_OVER, _KEPT_OVER = make("cap.over"), make("cap.mean_over"), make("cap.kept_over")
_FURTHER, _STOPPED = make("generation.further"), make("generation.stopped")


@dataclass(frozen=True, slots=True)
class _Trouble:
    """A breach, what is broken, and the players that can help: all of them, or those below a node."""

    breach: Breach
    cap: Reason
    inside: Collection[int]
    is_node: bool = True


def taken(
    scene: Scene,
    players: list[Player],
    wants: list[float],
    downs: list[Step],
    acted: dict[int, Reason],
    grove: Grove,
) -> None:
    """A breach takes the next step although the sums look right; a fast one all of C and D."""
    for trouble in _troubles(scene, players, grove, "import"):
        _import(trouble, wants, downs, acted)
    for trouble in _troubles(scene, players, grove, "export"):
        _export(trouble, players, wants, acted)


def _troubles(scene: Scene, players: list[Player], grove: Grove, direction: str) -> Iterator[_Trouble]:
    """Nodes first: what they take may be all that the connection needs."""
    for row, breach in scene.state.overloads.items():
        if row.direction == direction and (breach.fast_over or breach.next_step):
            cap = nodes.reason(scene.house, grove.stem, scene.force, row.number(grove.stem), direction)
            yield _Trouble(breach, cap, _below(grove, grove.stem.number(row.node), row.k))
    state = scene.state
    breach = state.import_breach if direction == "import" else state.export_breach
    if breach.fast_over or breach.next_step:
        yield _Trouble(breach, scene.force.reason(direction), range(len(players)), is_node=False)


def _below(grove: Grove, number: int, k: int) -> frozenset[int]:
    """The players that count in row ``k`` of a node."""
    return frozenset(
        leaf.index
        for leaf in grove.inside(number)
        if leaf.index is not None and leaf.share.spread(1.0)[k] > 0
    )


def _import(trouble: _Trouble, wants: list[float], downs: list[Step], acted: dict[int, Reason]) -> None:
    for candidate in downs:
        if candidate.index not in trouble.inside:
            continue
        if candidate.target_w >= wants[candidate.index] or candidate.target_w < 0:
            continue
        if trouble.breach.fast_over and candidate.tier in {"C", "D"}:
            cause = _OVER
        elif not trouble.breach.fast_over:
            cause = _MEAN_OVER
        else:
            continue
        wants[candidate.index] = candidate.target_w
        acted[candidate.index] = trouble.cap.then(cause).then(candidate.reason)
        if not trouble.breach.fast_over:
            break


def _export(trouble: _Trouble, players: list[Player], wants: list[float], acted: dict[int, Reason]) -> None:
    """The same for export: first what discharges stops, then what generates; a fast breach stops both."""
    giving = [index for index in trouble.inside if wants[index] < 0 and _stops(players[index])]
    giving.sort(key=lambda index: (isinstance(players[index].asset, Pv), index))
    excess_w = trouble.breach.excess[-1][1]
    for index in giving if trouble.breach.fast_over else giving[:1]:
        target_w = _target_w(trouble, players[index], excess_w)
        if target_w <= wants[index]:
            continue  # it was told enough already, and is on its way
        wants[index] = target_w
        done = _FURTHER if target_w < 0 else _STOPPED
        acted[index] = trouble.cap.then(_KEPT_OVER).then(done)


def _target_w(trouble: _Trouble, player: Player, excess_w: float) -> float:
    """Where one that generates goes: a PV that obeys makes less by the excess, anything else stops.

    What PV makes and the excess are of the same instant, so that a slow device is not told less each cycle.
    """
    is_limited = isinstance(player.asset, Pv) and player.asset.curtail == "limit"
    if trouble.is_node or not is_limited or player.deaf or not player.seen:
        return 0.0
    return min(0.0, player.present_w + EXCESS_MARGIN * excess_w)


def _stops(player: Player) -> bool:
    """Whether it can be stopped now: what runs its least time, or is stopped by itself only, cannot."""
    return player.usable and (bool(player.ups) or not isinstance(player.asset, Moded))
