"""Plans which registers are read together: the fewest requests that a device allows.  Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter

# Modbus Application Protocol V1.1b3, 6.1 and 6.3: most bits and registers of one read.
BITS_MAX = 2000
REGISTERS_MAX = 125


@dataclass(frozen=True, slots=True)
class WantedRegisters:
    """One thing to read: ``width`` coils or registers from ``start``, every ``period_s`` seconds.

    ``keys`` identify the user of the value; the planner only carries them.
    """

    unit: int
    table: str
    start: int
    width: int
    period_s: float
    keys: tuple[str, ...] = ()

    @property
    def end(self) -> int:
        """The first address after it."""
        return self.start + self.width


@dataclass(frozen=True, slots=True)
class RequestBlock:
    """One request: ``count`` coils or registers of one table of one unit, and the wants that it serves."""

    unit: int
    table: str
    start: int
    count: int
    period_s: float
    wants: tuple[WantedRegisters, ...]

    @property
    def end(self) -> int:
        """The first address after it."""
        return self.start + self.count


def plan_blocks(
    wants: Iterable[WantedRegisters],
    *,
    block_max: int = REGISTERS_MAX,
    gap_max: int = 0,
    request_cost: float = 0.0,
) -> list[RequestBlock]:
    """Return the fewest blocks that cover ``wants``, each of one scan class.

    No block is longer than ``block_max`` registers (16 times as many coils, 2000 at most) or bridges more
    than ``gap_max`` unwanted ones.  A slower want that lies wholly inside a faster block is added at no cost.
    ``request_cost`` is how many registers one more request costs: if it is more than the cost of reading too
    often, faster blocks bridge slower wants between them and are extended to slower ones next to them.
    Raises ValueError for a want that fits no block.
    """
    blocks: list[RequestBlock] = []
    place = attrgetter("unit", "table")
    for _, group in groupby(sorted(wants, key=lambda want: (want.unit, want.table)), key=place):
        blocks += _plan_table(list(group), block_max, gap_max, request_cost)
    return sorted(blocks, key=lambda block: (block.period_s, block.unit, block.table, block.start))


def _plan_table(
    wants: Sequence[WantedRegisters], block_max: int, gap_max: int, request_cost: float
) -> list[RequestBlock]:
    """Return the blocks of one table of one unit, the fastest class first."""
    blocks: list[RequestBlock] = []
    left = sorted(wants, key=lambda want: (want.period_s, want.start, want.end))
    while left:
        own = [want for want in left if want.period_s == left[0].period_s]
        slower = left[len(own) :]
        for run in _find_runs(own, slower, block_max, gap_max, request_cost):
            host = _find_host_block(blocks, run, block_max, gap_max, request_cost)
            if host is None:
                blocks.append(run)
            else:
                blocks[host] = _extend_block(blocks[host], run.wants)
        left = []
        for want in slower:
            at = next((at for at, block in enumerate(blocks) if _is_inside(block, want)), None)
            if at is None:
                left.append(want)
            else:
                blocks[at] = _extend_block(blocks[at], (want,))
    return blocks


def split_block(block: RequestBlock) -> list[RequestBlock]:
    """Return two smaller blocks for one that the device refused as a whole; itself if there is no seam.

    The seam is the widest gap, or else the middle, so a bad register is found in few steps and its neighbours
    are still read.
    """
    wants = sorted(block.wants, key=lambda want: (want.start, want.end))
    seams = _find_seams(wants)
    if not seams:
        return [block]
    middle = block.start + block.count / 2
    at = max(seams, key=lambda seam: (seams[seam], -abs(wants[seam].start - middle)))
    return [_make_block(wants[:at]), _make_block(wants[at:])]


def find_length_max(table: str, block_max: int) -> int:
    """Return how many coils or registers one read may ask for."""
    if table in ("coil", "discrete"):
        return min(BITS_MAX, 16 * block_max)
    return min(REGISTERS_MAX, block_max)


def _find_runs(
    wants: Sequence[WantedRegisters],
    slower: Sequence[WantedRegisters],
    block_max: int,
    gap_max: int,
    request_cost: float,
) -> list[RequestBlock]:
    """Return the longest runs from the left.

    This is optimal: whatever the first run leaves starts further right.
    """
    blocks = []
    run: list[WantedRegisters] = []
    start = end = 0
    for want in wants:
        longest = find_length_max(want.table, block_max)
        if want.width > longest:
            raise ValueError(f"{want.table}:{want.start} takes {want.width}, more than a block of {longest}")
        wide = want.start - end > gap_max and (
            want.start - end > request_cost or _find_gap(start, end, want, slower) > gap_max
        )
        if run and (wide or max(end, want.end) - start > longest):
            blocks.append(_make_block(run))
            run = []
        if not run:
            start = end = want.start
        run.append(want)
        end = max(end, want.end)
    return [*blocks, _make_block(run)] if run else blocks


def _find_gap(start: int, end: int, want: WantedRegisters, slower: Sequence[WantedRegisters]) -> int:
    """Return the widest gap between ``end`` and ``want`` that none of the slower wants there covers."""
    widest, at = 0, end
    inside = (one for one in slower if start <= one.start and one.end <= want.end)
    for one in sorted(inside, key=attrgetter("start")):
        widest = max(widest, min(one.start, want.start) - at)
        at = max(at, one.end)
    return max(widest, want.start - at)


def _find_host_block(
    blocks: Sequence[RequestBlock], run: RequestBlock, block_max: int, gap_max: int, request_cost: float
) -> int | None:
    """Return the index of the faster block that includes ``run`` at the lowest price.

    None if that is not cheaper than a request of its own.
    """
    prices = {}
    for at, block in enumerate(blocks):
        count = max(block.end, run.end) - min(block.start, run.start)
        apart = max(run.start - block.end, block.start - run.end) > gap_max
        price = (count - block.count) / block.period_s
        if count <= find_length_max(run.table, block_max) and not apart:
            prices[at] = price
    host = min(prices, key=prices.__getitem__, default=None)
    worth = request_cost and host is not None and prices[host] <= (request_cost + run.count) / run.period_s
    return host if worth else None


def _is_inside(block: RequestBlock, want: WantedRegisters) -> bool:
    return block.period_s < want.period_s and block.start <= want.start and want.end <= block.end


def _extend_block(block: RequestBlock, wants: Sequence[WantedRegisters]) -> RequestBlock:
    start = min(block.start, *(want.start for want in wants))
    end = max(block.end, *(want.end for want in wants))
    return RequestBlock(block.unit, block.table, start, end - start, block.period_s, (*block.wants, *wants))


def _make_block(wants: Sequence[WantedRegisters]) -> RequestBlock:
    first = wants[0]
    end = max(want.end for want in wants)
    period_s = min(want.period_s for want in wants)
    return RequestBlock(first.unit, first.table, first.start, end - first.start, period_s, tuple(wants))


def _find_seams(wants: Sequence[WantedRegisters]) -> dict[int, int]:
    """Return where wants do not overlap: index of the want after the seam -> width of the gap there."""
    seams = {}
    end = wants[0].end
    for at, want in enumerate(wants[1:], start=1):
        if want.start >= end:
            seams[at] = want.start - end
        end = max(end, want.end)
    return seams
