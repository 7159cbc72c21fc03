"""What batteries would give for an asset that was kept from running: they give it only where it is taken.

A battery's want counts what assets in modes would like to take.  Where a cap keeps one of them from that, the
rest would flow out of the building, and where the link is lost no battery feeds the grid
(spec/failsafe.md#state-failsafe).
"""

from collections.abc import Sequence

from quartier.control import override, tree
from quartier.control.failsafe import Stage
from quartier.control.players import Player
from quartier.control.scene import Scene
from quartier.house.assets import Battery, Moded

LEAST_W = 1.0


def spared(
    scene: Scene,
    grove: tree.Grove,
    players: Sequence[Player],
    setpoints_w: tuple[float, ...],
    *,
    rest_w: float,
    target_w: float,
) -> tuple[float, ...]:
    """The setpoints, in W, where batteries discharge by no more than brings the grid to ``target_w``.

    Raised by what was kept from assets in modes at most (not by what one takes still), as fast as a
    battery's ramp, and within the fuses on its way.  ``rest_w`` is what flows beside the players.  Not in an
    event, and not what a person ordered.
    """
    kept_w = sum(
        max(0.0, player.want_w - max(setpoint_w, player.present_w, 0.0))
        for player, setpoint_w in zip(players, setpoints_w, strict=True)
        if isinstance(player.asset, Moded)
    )
    left_w = min(kept_w, target_w - rest_w - sum(setpoints_w))
    if left_w < LEAST_W or scene.duties.holds or scene.duties.discharges or scene.stage is not Stage.WELL:
        return setpoints_w
    found = list(setpoints_w)
    for index, player in enumerate(players):
        asset = player.asset
        if not isinstance(asset, Battery) or override.power_w(asset, scene.wishes.overrides) is not None:
            continue
        ramped_w = player.before_w + asset.ramp_max_w_per_s * scene.dt_s
        room_w = min(-found[index], ramped_w - found[index], tree.free_w(grove, players, found, index))
        more_w = max(0.0, min(left_w, room_w))
        found[index] += more_w
        left_w -= more_w
    return tuple(found)
