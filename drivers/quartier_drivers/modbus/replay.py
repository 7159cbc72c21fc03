"""Makes the encoded writes of a release table, when there is little time and nothing else is known."""

from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any

from quartier_drivers.errors import LinkLost, WireError
from quartier_drivers.modbus.frame import Request, meaning
from quartier_drivers.modbus.line import Line


def restore(write: Mapping[str, Any]) -> Request:
    """Return the write that ``orders.dump`` encoded."""
    values = tuple(write["values"])
    return Request(write["unit"], write["function"], write["address"], len(values), values)


async def replayed(line: Line, writes: Sequence[Mapping[str, Any]]) -> list[str]:
    """Make every write once; return one line of text per failed write.

    The order stays within a unit.  Once a unit was silent, its other writes wait until all the other units
    have had theirs.
    """
    failures: list[str] = []
    silent: set[int] = set()
    left = deque(writes)
    turns_count = len(left)
    while left:
        write = left.popleft()
        if write["unit"] in silent and turns_count > 0:
            turns_count -= 1
            left.append(write)
            continue
        try:
            answer = await line.exchange(restore(write))
        except WireError as error:
            silent.add(write["unit"])
            failures.append(f"{write['point']}: {error}")
        else:
            if answer.exception:
                failures.append(f"{write['point']}: {meaning(answer)}")
    return failures


async def each(steps: Iterable[Callable[[], Awaitable[None]]]) -> None:
    """Make every step of a release.

    Goes on after a failed step, unless the bus is lost twice in a row; then raises the first failure.
    """
    failed: WireError | None = None
    lost_count = 0
    for step in steps:
        try:
            await step()
        except WireError as error:
            failed = failed or error
            lost_count = lost_count + 1 if isinstance(error, LinkLost) else 0
        else:
            lost_count = 0
        if lost_count > 1:
            break
    if failed is not None:
        raise failed
