"""What gives way when not everything can be had: one fixed order, the last never gives way (pure).

The page gateway/docs/precedence.md tells the same; a test holds the two equal.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from quartier.control import nodes, outcome, shed
from quartier.control.branches import Leaf
from quartier.control.nodes import ROWS
from quartier.control.players import Player
from quartier.control.scene import Scene
from quartier.control.tree import Grove
from quartier.house.alarm import Alarm
from quartier.house.assets import Battery, Ev, Load, Moded


@dataclass(frozen=True, slots=True)
class Rule:
    """``gives`` says how far it gives way."""

    name: str
    gives: str


ORDER = (
    Rule("saving", "the battery's self-consumption and the target at the grid, wholly"),
    Rule("fair share", "equal currents of cars, to the floor of each; an urgent car goes before the rest"),
    Rule("departure", "what a car wants when it leaves, wholly; the least urgent pauses first"),
    Rule("comfort", "pre-heating, brightness and the like, to the edge that the class allows"),
    Rule("ramp", "a battery's ramp, wholly, where a cap demands it"),
    Rule("tier D", "loads of tier D, to off"),
    Rule("tier C", "loads of tier C, to off"),
    Rule("tier B", "loads of tier B, to off"),
    Rule(
        "export cap",
        "where it contradicts an import cap: import comes first, an export that held stays",
    ),
    Rule("import cap", "of the connection, where it contradicts a node's: the nodes come first"),
    Rule("least times", "only to a fuse or breaker, which switches off at once; to no limit"),
    Rule("no fall-back", "never: what its device would not forget is not ordered"),
    Rule("band", "never: a battery keeps its band and its reserve, lights half of their light"),
    Rule("tier A", "never: life safety, lifts, the core of IT"),
)
"""Caps that cannot be met are told as an alarm, with the rules among the last that stand in the way."""
NAMES = tuple(rule.name for rule in ORDER)
NO_ORDER, DEAF, MOVED = "takes no order", "does not obey", "another controller moves it"


def standing(scene: Scene, players: Sequence[Player], inside: Sequence[Leaf], k: int) -> Iterator[str]:
    """What still takes power in row ``k`` of a node and is not moved, each with the rule that protects it."""
    for leaf in inside:
        if leaf.share.spread(1.0)[k] <= 0:
            continue
        why = _of_others(leaf) if leaf.index is None else _of(scene, players[leaf.index])
        if why:
            yield f"{leaf.asset.name} ({why})"


def in_the_way(scene: Scene, players: Sequence[Player]) -> str:
    """Return the assets that still take power, each with the rule that protects it. Without nodes."""
    kept = ((player.name, _of(scene, player)) for player in players)
    return ", ".join(f"{name} ({why})" for name, why in kept if why)


def _of_others(leaf: Leaf) -> str:
    if isinstance(leaf.asset, Load | Ev | Moded):
        return "tier A" if leaf.asset.tier == "A" else NO_ORDER
    return ""


def _of(scene: Scene, player: Player) -> str:
    if max(player.want_w, player.present_w) <= 0:
        return ""
    moved = not isinstance(player.asset, Battery) and outcome.is_left_alone(scene, player.asset)
    if moved or not player.usable:
        return MOVED if moved else "no fall-back"
    if player.deaf:
        return DEAF
    asset, turn = player.asset, player.turn
    if isinstance(asset, Moded):
        return "" if shed.may_sink(asset, turn, scene.now_ns) else "least times"
    if isinstance(asset, Load | Ev) and not shed.may_switch(asset, turn, scene.now_ns):
        return "least times"
    return ""


def alarms(
    scene: Scene, players: Sequence[Player], one: Grove | None, broken: Sequence[int]
) -> Iterator[Alarm]:
    """One for each cap of a node that does not hold although all was moved, and each meter not heard."""
    if one is None:
        return
    for row in broken:
        if row:
            number, k = divmod(row, ROWS)
            cap = nodes.reason(scene.house, one.stem, scene.force, row, "import")
            kept = ", ".join(standing(scene, players, one.inside(number), k))
            words = f"{cap} cannot be met: all that may be moved was moved"
            place = one.stem.name(number) + f".l{k}" * bool(k)
            yield Alarm("node.unmet", place, words + f"; in the way: {kept}" * bool(kept))
    for number, branch in enumerate(one.branches):
        if number and branch.basis == "silent":
            name = one.stem.name(number)
            words = f"the meter of {name} is silent: all below it counts at its worst"
            yield Alarm("node.meter_silent", name, words)
