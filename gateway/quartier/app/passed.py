"""Writes of a share's clients as people are told of them: in the ledger, and aloud where they may not."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from quartier.runtime.clock import HouseClock
from quartier.runtime.witness import Witness
from quartier_drivers.contract import Note
from quartier_drivers.who import Who

if TYPE_CHECKING:  # a site that shares nothing does not even import it
    from quartier_drivers.modbus.share.client import Passed

# Of one who tries again and again people are told once in so long (real seconds).
TELL_EVERY_S = 60.0
_VALUES_MAX = 8


class Passing:
    """``witness`` hears of writes to devices of assets, ``tell`` of others and of what was not allowed."""

    def __init__(
        self, clock: HouseClock, witness: Callable[[], Witness], tell: Callable[[Note], None]
    ) -> None:
        self._clock = clock
        self._witness = witness
        self._tell = tell
        self._told_s: dict[str, float] = {}
        self._untold_count: dict[str, int] = {}

    def __call__(self, owners: Mapping[int, Sequence[str]], passed: "Passed") -> None:
        """Hear of one; ``owners`` are the assets whose device answers under each unit."""
        if passed.verdict == "barred":
            self._barred(passed)
            return
        written = passed.written
        assert written is not None, passed  # it went out
        why = f"function {passed.function} from {passed.address}: {_values(written.values)}"
        if passed.unit not in owners:
            place = f"{passed.unit}/{written.table}:{written.first}"
            text = f"share {passed.client} wrote {place}, {why}: {passed.verdict} {passed.why}".rstrip()
            self._tell(Note("share.wrote", text, {"share": passed.client, "address": passed.address}))
        for owner in owners.get(passed.unit, ()):
            point = f"{owner}.{written.table}_{written.first}_index"
            value = float(written.values[0])
            who = Who("client", passed.client, passed.address)
            self._witness().passed(point, who, why, value, passed.verdict, passed.why, self._clock.now_ns())

    def _barred(self, passed: "Passed") -> None:
        now_s = asyncio.get_running_loop().time()
        more_count = self._untold_count.get(passed.client, 0)
        if now_s - self._told_s.get(passed.client, -TELL_EVERY_S) < TELL_EVERY_S:
            self._untold_count[passed.client] = more_count + 1
            return
        self._told_s[passed.client], self._untold_count[passed.client] = now_s, 0
        place = f"unit {passed.unit}"
        if passed.written is not None:
            place = f"{passed.unit}/{passed.written.table}:{passed.written.first}"
        more = f"; {more_count} more since the last time this was told" if more_count else ""
        text = (
            f"{passed.address} of share {passed.client} may not write {place} by function {passed.function}"
        )
        self._tell(
            Note("share.write_refused", text + more, {"share": passed.client, "address": passed.address})
        )


def _values(values: Sequence[int]) -> str:
    shown = " ".join(map(str, values[:_VALUES_MAX]))
    return f"{shown} …" if len(values) > _VALUES_MAX else shown
