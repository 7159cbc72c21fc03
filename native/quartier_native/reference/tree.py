"""Computes setpoints from requests under the limits of a tree of nodes: the specification of the kernel."""

import operator
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from quartier_native.reference.allocation import ASSET_MAX, STEP_MAX, power

ROWS = 4
"""Per node: total, l1, l2, l3."""
NODE_MAX = 64
SLACK_W = 1e-6
"""A row that another row's step brought this near to its cap has reached it: the rest is rounding."""

TreeSteps = Sequence[tuple[int, float, bool, int]]
POOL_MAX = 1024
_PHASES_FIRST = (1, 2, 3, 0)


class TreeAllocation(NamedTuple):
    """The result of ``allocate_tree``."""

    setpoint_w: tuple[float, ...]
    """Setpoint of each asset, in the order of the requests."""
    cap_row: tuple[int, ...]
    """Row of the last limit that moved each asset, -1 if none did."""
    step: tuple[int, ...]
    """Last step that moved each asset, counted through ``down`` and then ``up``; -1 if none did."""
    broken: tuple[int, ...]
    """Rows in which a limit does not hold at the end, ascending."""


class Tree:
    """The nodes of one building and the places of its assets, checked once for many calls.

    ``under[n]`` is the node that feeds ``n``; node 0 is the root, ``under[0] == -1``, and a node comes after
    the one that feeds it.  ``home[a]`` is the node of asset ``a``, ``share[a]`` the part of its power on l1,
    l2 and l3: 1/3 each for three phases, (1, 1, 1) where its phase is not known: it counts wholly on each.

    Up to 64 nodes and 256 assets.  Raises ValueError for more, for a node that is not there, and for shares
    outside 0..1; TypeError when something is not a number.
    """

    __slots__ = ("asset_count", "node_count", "share", "under", "way")

    def __init__(
        self, under: Sequence[int], home: Sequence[int], share: Sequence[tuple[float, float, float]]
    ) -> None:
        if not 1 <= len(under) <= NODE_MAX:
            raise ValueError(f"from 1 to {NODE_MAX} nodes are needed")
        if len(home) > ASSET_MAX:
            raise ValueError(f"more than {ASSET_MAX} assets")
        if len(share) != len(home):
            raise ValueError("as many shares as assets are needed")
        self.under = tuple(operator.index(number) for number in under)
        ways: list[tuple[int, ...]] = []
        for node, above in enumerate(self.under):
            if not (0 <= above < node if node else above == -1):
                raise ValueError("a node is fed by one that does not come before it")
            ways.append((node, *ways[above]) if node else (0,))
        homes = [operator.index(number) for number in home]
        if any(not 0 <= number < len(ways) for number in homes):
            raise ValueError("an asset stands at a node that is not there")
        self.node_count = len(ways)
        self.asset_count = len(homes)
        self.share = tuple(_shares(parts) for parts in share)
        """Per asset its part in the rows of each node on its way."""
        self.way = tuple(ways[number] for number in homes)
        """Per asset the nodes from its own to the root."""


def allocate_tree(
    tree: Tree,
    high_w: Sequence[float],
    low_w: Sequence[float],
    want_w: Sequence[float],
    import_max_w: Sequence[float],
    export_max_w: Sequence[float],
    down: TreeSteps,
    up: TreeSteps,
) -> TreeAllocation:
    """Bring every row of the tree between ``-export_max_w`` and ``import_max_w``.

    A row is ``4 * node + k``: the power through that node in total (0), on l1, l2 or l3.  ``high_w`` and
    ``low_w`` say per row what takes power under that node and is no asset here, at its most and at its least:
    import caps are held against the most, export caps against the least.  To both come the wishes, then the
    setpoints, of all assets under the node, each by its share.

    A step is ``(asset, target_w, divisible, pool)``: the asset may leave its present setpoint for
    ``target_w``, only downward in ``down`` and only upward in ``up``.  First the import caps, from the last
    node to the root, the phases of a node before its total.  A row above its cap walks ``down`` in order
    until the cap holds, and takes the steps of those assets that have a share in that row:

    - a divisible step goes only as far as needed, and the row then lands on the cap itself;
    - consecutive divisible steps of one pool from 0 up move together, each in proportion to its whole way (an
      asset's second step begins anew); a pool of -1 moves alone;
    - an indivisible step goes wholly to its target.

    No step breaks the export cap of a row on its asset's way to the root, where it held before: a divisible
    one ends there (others of its pool go on), an indivisible one is skipped.  Then the export caps by ``up``,
    held by the import caps in the same way.  With one node and caps on the total alone this is ``allocate``.

    All powers in W, plus takes energy from the bus.  Up to 1024 steps a list.  Raises, before anything is
    decided, ValueError when a number is not finite or beyond 1e12 W, an asset does not exist, a step has not
    four parts, a list has not the right length or the caps of a row exclude each other, and TypeError when
    something is not a number.
    """
    rows = ROWS * tree.node_count
    if len(want_w) != tree.asset_count:
        raise ValueError("as many wishes as assets are needed")
    if not len(high_w) == len(low_w) == len(import_max_w) == len(export_max_w) == rows:
        raise ValueError("four numbers per node are needed")
    if len(down) > STEP_MAX or len(up) > STEP_MAX:
        raise ValueError(f"more than {STEP_MAX} steps")
    high = _Side([power("high_w", number) for number in high_w], [])
    low = _Side([power("low_w", number) for number in low_w], [])
    high.cap_w = [power("import_max_w", number) for number in import_max_w]
    low.cap_w = [0.0 - power("export_max_w", number) for number in export_max_w]
    if any(most < least for most, least in zip(high.cap_w, low.cap_w, strict=True)):
        raise ValueError("the caps exclude each other")
    spread_w = [most - least for most, least in zip(high.total_w, low.total_w, strict=True)]
    setpoint_w = [power("want_w", number) for number in want_w]
    lower, higher = _check_steps(down, tree.asset_count), _check_steps(up, tree.asset_count)

    for asset, want in enumerate(setpoint_w):
        for row, share in _rows(tree, asset):
            high.total_w[row] += want * share
            low.total_w[row] += want * share
    plan = _Plan(setpoint_w, [-1] * tree.asset_count, [-1] * tree.asset_count)
    _Walk(tree, plan, high, low, spread_w, lower, _ends(lower), 1.0, 0).all_rows()
    _Walk(tree, plan, low, high, spread_w, higher, _ends(higher), -1.0, len(lower)).all_rows()
    broken = tuple(
        row for row in range(rows) if high.total_w[row] > high.cap_w[row] or low.total_w[row] < low.cap_w[row]
    )
    return TreeAllocation(tuple(setpoint_w), tuple(plan.cap_row), tuple(plan.step), broken)


@dataclass(slots=True)
class _Side:
    """One way over a cap, by row: imports look at the most, exports at the least."""

    total_w: list[float]
    cap_w: list[float]


@dataclass(slots=True)
class _Plan:
    """The result that both walks change: setpoints, and the limit and step that moved each last."""

    setpoint_w: list[float]
    cap_row: list[int]
    step: list[int]


@dataclass(slots=True)
class _Walk:
    """One list of steps on its way through the rows.

    ``near`` is the side whose caps shall hold, ``far`` the other, which holds steps back.  ``sign`` is
    1.0 where steps lower and -1.0 where they raise; ``offset`` is added to a step's place.  ``spread_w`` is
    what the most has above the least, by row; ``ends`` where a step's company ends.
    """

    tree: Tree
    plan: _Plan
    near: _Side
    far: _Side
    spread_w: list[float]
    steps: list[tuple[int, float, bool, int]]
    ends: list[int]
    sign: float
    offset: int

    def all_rows(self) -> None:
        """From the last node to the root, its phases before its total."""
        for node in reversed(range(self.tree.node_count)):
            for phase in _PHASES_FIRST:
                self._relieve(ROWS * node + phase)

    def _relieve(self, row: int) -> None:
        place = 0
        while place < len(self.steps) and self._over_w(row) > 0.0:
            end = self.ends[place]
            if end - place > 1:
                self._together(row, place, end)
            elif self.steps[place][2]:
                self._part(row, place)
            else:
                self._whole(row, place)
            place = end

    def _over_w(self, row: int) -> float:
        """Return how far the row is beyond its near cap; not above 0 where that holds."""
        return (self.near.total_w[row] - self.near.cap_w[row]) * self.sign

    def _room_w(self, row: int) -> float:
        """Return how far the row is from its far cap; below 0 where that does not hold."""
        return (self.far.total_w[row] - self.far.cap_w[row]) * self.sign

    def _reach_w(self, row: int, place: int) -> float:
        """Return how far the step goes, 0 where it has no share in the row."""
        asset, target_w, _, _ = self.steps[place]
        if self._share(row, asset) <= 0.0:
            return 0.0
        return (self.plan.setpoint_w[asset] - target_w) * self.sign

    def _share(self, row: int, asset: int) -> float:
        node, phase = divmod(row, ROWS)
        return self.tree.share[asset][phase] if node in self.tree.way[asset] else 0.0

    def _whole(self, row: int, place: int) -> None:
        asset, target_w, _, _ = self.steps[place]
        reach_w = self._reach_w(row, place)
        if reach_w <= 0.0:
            return
        for other, share in _rows(self.tree, asset):
            room_w = self._room_w(other)
            after_w = self.far.total_w[other] - self.sign * (reach_w * share)
            if room_w >= 0.0 and (after_w - self.far.cap_w[other]) * self.sign < 0.0:
                return
        self._move(row, place, target_w)
        for other, share in _rows(self.tree, asset):
            self._shift(other, row, reach_w * share)

    def _part(self, row: int, place: int) -> None:
        asset, target_w, _, _ = self.steps[place]
        reach_w = self._reach_w(row, place)
        if reach_w <= 0.0:
            return
        share = self._share(row, asset)
        lands = self._lands(row, reach_w * share)
        moved_w, bound = self._over_w(row) / share if lands else reach_w, -1
        for other, part in _rows(self.tree, asset):
            room_w = self._room_w(other)
            if room_w >= 0.0 and room_w / part < moved_w:
                moved_w, bound = room_w / part, other
        if moved_w <= 0.0:
            return
        whole = not lands and bound < 0
        self._move(row, place, target_w if whole else self.plan.setpoint_w[asset] - self.sign * moved_w)
        for other, part in _rows(self.tree, asset):
            self._shift(other, row, moved_w * part)
        self._settle(row, bound, lands=lands)

    def _together(self, row: int, place: int, end: int) -> None:
        bound = 0
        while bound >= 0 and self._over_w(row) > 0.0:
            members = [at for at in range(place, end) if self._reach_w(row, at) > 0.0 and self._is_free(at)]
            drop_w = self._drop_w(row, members)
            if drop_w.get(row, 0.0) <= 0.0:
                return
            part, bound = 1.0, -1
            lands = self._lands(row, drop_w[row])
            if lands and self._over_w(row) / drop_w[row] < 1.0:
                part = self._over_w(row) / drop_w[row]
            for other, whole_w in drop_w.items():
                room_w = self._room_w(other)
                if room_w >= 0.0 and whole_w > 0.0 and room_w / whole_w < part:
                    part, bound = room_w / whole_w, other
            for at in members:
                asset, target_w, _, _ = self.steps[at]
                part_w = self.plan.setpoint_w[asset] - self.sign * (self._reach_w(row, at) * part)
                self._move(row, at, target_w if part >= 1.0 else part_w)
            for other, whole_w in drop_w.items():
                self._shift(other, row, whole_w * part)
            self._settle(row, bound, lands=lands)

    def _drop_w(self, row: int, members: Sequence[int]) -> dict[int, float]:
        """By row, in the order of members and their ways, what all take from it on their whole way."""
        drop_w: dict[int, float] = {}
        for place in members:
            for other, share in _rows(self.tree, self.steps[place][0]):
                drop_w[other] = drop_w.get(other, 0.0) + self._reach_w(row, place) * share
        return drop_w

    def _is_free(self, place: int) -> bool:
        """Return whether no row on the asset's way stands at its far cap."""
        return all(self._room_w(other) != 0.0 for other, _ in _rows(self.tree, self.steps[place][0]))

    def _lands(self, row: int, drop_w: float) -> bool:
        """Return whether ``drop_w`` less brings the row to its cap or further."""
        after_w = self.near.total_w[row] - self.sign * drop_w
        return (after_w - self.near.cap_w[row]) * self.sign <= 0.0

    def _move(self, row: int, place: int, setpoint_w: float) -> None:
        """Set it, never beyond the target, and remember why."""
        asset, target_w, _, _ = self.steps[place]
        if (setpoint_w - target_w) * self.sign < 0.0:
            setpoint_w = target_w
        if setpoint_w != self.plan.setpoint_w[asset]:
            self.plan.setpoint_w[asset] = setpoint_w
            self.plan.cap_row[asset], self.plan.step[asset] = row, self.offset + place

    def _shift(self, row: int, relieved: int, drop_w: float) -> None:
        """Take ``drop_w`` from a row; rounding neither keeps it beyond a cap nor brings it there."""
        over_w, room_w = self._over_w(row), self._room_w(row)
        self.near.total_w[row] -= self.sign * drop_w
        self.far.total_w[row] -= self.sign * drop_w
        if row != relieved and over_w > 0.0 and 0.0 < self._over_w(row) <= SLACK_W:
            self.near.total_w[row] = self.near.cap_w[row]
        if room_w >= 0.0 and self._room_w(row) < 0.0:
            self.far.total_w[row] = self.far.cap_w[row]

    def _settle(self, row: int, bound: int, *, lands: bool) -> None:
        """The total that ended a move is its cap itself: a rest of 1e-12 W must not take the next step."""
        if bound >= 0:
            self.far.total_w[bound] = self.far.cap_w[bound]
        elif lands:
            room_w = self._room_w(row)
            self.near.total_w[row] = self.near.cap_w[row]
            self.far.total_w[row] = self.near.cap_w[row] - self.sign * self.spread_w[row]
            if room_w >= 0.0 and self._room_w(row) < 0.0:
                self.far.total_w[row] = self.far.cap_w[row]


def _rows(tree: Tree, asset: int) -> list[tuple[int, float]]:
    """The rows that an asset counts in, with its share."""
    shares = tree.share[asset]
    return [
        (ROWS * node + phase, part)
        for node in tree.way[asset]
        for phase, part in enumerate(shares)
        if part > 0.0
    ]


def _ends(steps: Sequence[tuple[int, float, bool, int]]) -> list[int]:
    """Per step the place after the last that moves together with it, seen from the first of them."""
    ends = list(range(1, len(steps) + 1))
    first = 0
    while first < len(steps):
        end, seen = first + 1, {steps[first][0]}
        if steps[first][2] and steps[first][3] >= 0:
            while end < len(steps) and steps[end][2:] == steps[first][2:] and steps[end][0] not in seen:
                seen.add(steps[end][0])
                end += 1
        ends[first] = end
        first = end
    return ends


def _check_steps(steps: TreeSteps, asset_count: int) -> list[tuple[int, float, bool, int]]:
    return [_step(step, asset_count) for step in steps]


def _step(step: tuple[int, float, bool, int], asset_count: int) -> tuple[int, float, bool, int]:
    if len(step) != 4:
        raise ValueError("a step is (asset, target_w, divisible, pool)")
    asset = operator.index(step[0])
    if not 0 <= asset < asset_count:
        raise ValueError("a step names an asset that is not there")
    target_w, divisible = power("target_w", step[1]), bool(step[2])
    pool = operator.index(step[3])
    if not -1 <= pool < POOL_MAX:
        raise ValueError(f"a pool is -1 or below {POOL_MAX}")
    return asset, target_w, divisible, pool


def _shares(parts: tuple[float, float, float]) -> tuple[float, float, float, float]:
    if len(parts) != 3:
        raise ValueError("a share is one part for each of three phases")
    l1, l2, l3 = (_part_of_one(part) for part in parts)
    return 1.0, l1, l2, l3


def _part_of_one(part: float) -> float:
    number = power("share", part)
    if not 0.0 <= number <= 1.0:
        raise ValueError("a share is outside 0..1")
    return number
