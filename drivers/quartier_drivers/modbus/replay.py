"""Makes the encoded writes of a release table, when there is little time and nothing else is known."""

from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any

from quartier_drivers.errors import WireError
from quartier_drivers.modbus import orders
from quartier_drivers.modbus.frame import meaning
from quartier_drivers.modbus.line import Line


async def replayed(line: Line, writes: Sequence[Mapping[str, Any]]) -> list[str]:
    """Make every write once; one line per write that failed.

    The order stays within a unit.  Once a unit was silent, its other writes wait until all the other
    units have had theirs.
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
            answer = await line.exchange(orders.restore(write))
        except WireError as error:
            silent.add(write["unit"])
            failures.append(f"{write['point']}: {error}")
        else:
            if answer.exception:
                failures.append(f"{write['point']}: {meaning(answer)}")
    return failures
