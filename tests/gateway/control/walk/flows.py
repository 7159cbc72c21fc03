"""Whether the caps and fuses are kept in truth, where somebody who may be moved could keep them.

Section 2, rows tighten and breach: measured inside the cap after 30 s.  What is judged is a stretch of time
in which all devices tell the truth and obey, cars and relays aside, a row is over by more than a tenth, and at
least one asset that obeys could still be lowered: minimum times, tier A, maintenance and what its class
protects excuse the rest.
"""

from typing import TYPE_CHECKING

from tests.gateway.control.walk.simulated_site import point_of

from quartier.control.link.state import LinkMode
from quartier.control.observe.meter_check.judge import MeterVerdict
from quartier.site import asset_types
from quartier.site.asset_types import (
    ROOT_NODE,
    Battery,
    ChargePointAsset,
    ControllableAsset,
    Load,
    OperationModeAsset,
    Pv,
)
from quartier.site.records import Now
from quartier.site.site_layout import Node

if TYPE_CHECKING:
    from tests.gateway.control.walk.judge import Judge

DEADLINE_S = 35.0
LEAST_W = 300.0
CAREFUL_S = 20.0


class Flows:
    """Counts for how long each row has been over although it could be kept."""

    def __init__(self, judge: "Judge") -> None:
        self.judge = judge
        self.over_s: dict[str, float] = {}
        self.t = judge.world.t

    def look(self, now: Now) -> None:
        """One more cycle."""
        world = self.judge.world
        dt_s, self.t = world.t - self.t, world.t
        if self._is_hidden() or world.simulated_site.is_out:
            self.over_s.clear()
            return
        self._batteries(dt_s, synced=now.synced)
        rows = list(self._rows())
        feeding = self._feeds_back()
        drawing = any(flow_w > 0.7 * cap_w for _, _, flow_w, cap_w in rows)
        for name, k, flow_w, cap_w in rows:
            if flow_w > 1.1 * cap_w + 200:
                self._over(f"{name} row {k}", dt_s, [] if feeding else self._lower(name, k))
            else:
                self.over_s.pop(f"{name} row {k}", None)
        export_w, cap_w = -sum(world.simulated_site.flows_w[ROOT_NODE]), world.state.active_limits.export_w
        if export_w > 1.1 * cap_w + 200 and not world.house.grid.is_apparent:
            self._over("export", dt_s, [] if drawing else [*self._curtailable()])
        else:
            self.over_s.pop("export", None)

    def _is_hidden(self) -> bool:
        """Whether what flows cannot be known, or is moved by what others cannot make up for at once."""
        simulated_site = self.judge.world.simulated_site
        wild = {a.name for a in self.judge.world.built.assets if not isinstance(a, ChargePointAsset | Load)}
        return bool(simulated_site.lies or simulated_site.silent or wild & self._stubborn())

    def _stubborn(self) -> set[str]:
        """Who does not obey, or obeys somebody else."""
        simulated_site = self.judge.world.simulated_site
        return simulated_site.deaf | {point.partition(".")[0] for point in simulated_site.other_writers}

    def _feeds_back(self) -> bool:
        """Whether some node, or a phase of one, carries half of what it may the other way."""
        for node in self.judge.world.house.nodes:
            flow, phase_w = self.judge.world.simulated_site.flows_w[node.name], node.fuse_a * 230
            if -sum(flow) > 0.5 * min(node.phases_count * phase_w, node.power_max_w):
                return True
            if any(-watts > 0.5 * min(phase_w, node.power_max_w) for watts in flow):
                return True
        return False

    def _over(self, row: str, dt_s: float, able: list[str]) -> None:
        if not able:
            self.over_s.pop(row, None)
            return
        self.over_s[row] = self.over_s.get(row, 0.0) + dt_s
        longest_s = DEADLINE_S + 3 * self.judge.world.house.grid.period_s + 3 * self.judge.world.house.cycle_s
        assert self.over_s[row] <= longest_s, (
            row,
            able,
            self.judge.world.state.active_limits,
            self.judge.world.simulated_site.flows_w,
        )

    def _rows(self):
        """Each row that has a cap: node, phase (0 the sum), what flows and what may, in W."""
        world = self.judge.world
        flows, house = world.simulated_site.flows_w, world.house
        yield ROOT_NODE, 0, sum(flows[ROOT_NODE]), world.state.active_limits.import_w
        for k in range(3):
            yield ROOT_NODE, k + 1, flows[ROOT_NODE][k], house.main_fuse_a * 230
        for node in house.nodes:
            if self._is_undeclared(node):
                continue
            flow = flows[node.name]
            yield node.name, 0, sum(flow), min(node.phases_count * node.fuse_a * 230, node.power_max_w)
            if node.phases_count == 3:
                yield from ((node.name, k + 1, flow[k], node.fuse_a * 230) for k in range(3))

    def _is_undeclared(self, node: Node) -> bool:
        """Whether what flows there and nobody measures is not as declared."""
        return not node.measured and any(
            self._is_below(where, node.name) for where in self.judge.world.simulated_site.base_w
        )

    def _is_below(self, node: str, top: str) -> bool:
        return top in self.judge.world.simulated_site._way(node)

    def _lower(self, name: str, k: int) -> list[str]:
        """Who could take less in a row, and has been able to for a while."""
        found, stubborn = [], self._stubborn()
        for asset in self.judge.world.house.assets:
            if name not in self.judge.world.simulated_site._ways[asset.name] or isinstance(asset, Pv):
                continue
            if asset.name in stubborn:
                continue
            part_w = self._part_w(asset, k)
            if isinstance(asset, Battery):
                if self._gives(asset, k):
                    found.append(asset.name)
            elif part_w > LEAST_W and self._takes_less(asset):
                found.append(asset.name)
        return found

    def _part_w(self, asset: ControllableAsset, k: int) -> float:
        simulated_site = self.judge.world.simulated_site
        return simulated_site.spread_w[asset.name][k - 1] if k else simulated_site.power_w[asset.name]

    def _gives(self, battery: Battery, k: int) -> bool:
        world = self.judge.world
        known = battery.phase is not None or not k
        floor_pct = max(battery.soc_min_pct, battery.reserve_soc_pct)
        if not known or world.state.active_limits.generation_w is not None or world.house.grid.is_apparent:
            return False
        way = world.simulated_site._ways[battery.name]
        if any(self._is_undeclared(node) for node in world.house.nodes if node.name in way):
            return False  # it would feed back there, for all that anybody knows
        if any(self._is_contested(asset) for asset in world.house.assets if isinstance(asset, Pv)):
            return False  # in a conflict PV counts at what the other sets (section 2, row conflict)
        most_w = battery.discharge_max_w
        if (
            world.state.meter.verdict is not MeterVerdict.GOOD
        ):  # what it gives, and unmeasured PV, may be export
            unseen_w = sum(
                asset.rated_w for asset in world.house.assets if isinstance(asset, Pv) and not asset.measured
            )
            most_w = min(most_w, max(0.0, world.state.active_limits.export_w - unseen_w))
        spare = world.simulated_site.power_w[battery.name] > -0.9 * most_w
        return (
            spare
            and world.simulated_site.soc_pct[battery.name] > floor_pct + 1.5
            and self.judge.may_move(battery)
        )

    def _is_contested(self, pv: Pv) -> bool:
        """Whether the gateway still counts a PV at what another controller has set."""
        conflict = self.judge.world.state.conflicts.get(point_of(pv))
        return conflict is not None and conflict.rests_ns is not None

    def _takes_less(self, asset: Load | ChargePointAsset | OperationModeAsset) -> bool:
        simulated_site = self.judge.world.simulated_site
        if isinstance(asset, ChargePointAsset):
            order_a = simulated_site.orders.get(point_of(asset), asset.current_max_a)
            able = (
                asset.tier != "A" and order_a > asset.current_min_a + 0.5 and self.judge.may_move(asset, -1e9)
            )
            return able or (order_a > 0 and self.judge.may_move(asset))
        if isinstance(asset, Load):
            return bool(simulated_site.orders.get(point_of(asset), 1.0)) and self.judge.may_move(asset)
        if isinstance(asset, asset_types.ChpUnit) or simulated_site.mode_of(asset) == len(asset.modes) - 1:
            return False
        return self._is_free(asset) and self.judge.may_move(asset)

    def _is_free(self, asset: OperationModeAsset) -> bool:
        """Whether its class lets a cap lower it now."""
        world = self.judge.world
        if asset.point in world.state.book.released:
            return False
        turn = world.state.switch_states.get(asset.name)
        if isinstance(asset, asset_types.HeatSubstation) and turn is not None and turn.back_ns is not None:
            return False
        if isinstance(asset, asset_types.HeatSubstation):
            return all(
                low_c + 1 < world.simulated_site.senses[f"{asset.name}.{q}"] < high_c - 1
                for q, low_c, high_c in asset.bands
            )
        if isinstance(asset, asset_types.VentilationUnit):
            return world.simulated_site.senses[f"{asset.name}.co2_ppm"] <= asset.co2_max_ppm
        return True

    def _curtailable(self):
        simulated_site = self.judge.world.simulated_site
        for asset in self.judge.world.house.assets:
            if simulated_site.power_w[asset.name] >= -LEAST_W or not isinstance(asset, Pv | Battery):
                continue
            able = isinstance(asset, Battery) or asset.curtail != "none"
            if able and self.judge.may_move(asset):
                yield asset.name

    def _batteries(self, dt_s: float, *, synced: bool) -> None:
        """Section 2, FAILSAFE: no battery export, no grid charging above the reserve.

        Of those that take our orders: nobody else's is lowered by us (section 1 rules 5 and 7: one without a
        device-side timer gets no setpoint, one that was given back is its device's).
        """
        del synced
        world = self.judge.world
        careful = world.link.mode in {LinkMode.INIT, LinkMode.FAILSAFE}
        grid_w = sum(world.simulated_site.flows_w[ROOT_NODE])
        ours = [a for a in world.house.assets if isinstance(a, Battery) and self.judge.may_move(a)]
        own_w = sum(world.simulated_site.power_w[a.name] for a in ours)
        above = all(world.simulated_site.soc_pct[a.name] > a.reserve_soc_pct + 1 for a in ours)
        for what, watts in (("export", min(-grid_w, -own_w)), ("charge", min(grid_w, own_w))):
            bad = careful and watts > LEAST_W and (what == "export" or above)
            self.over_s[what + " by battery"] = (
                self.over_s.get(what + " by battery", 0.0) + dt_s if bad else 0.0
            )
            longest_s = CAREFUL_S + 3 * world.house.grid.period_s + 2 * world.house.cycle_s
            assert self.over_s[what + " by battery"] <= longest_s, (what, grid_w, own_w, world.link.mode)
