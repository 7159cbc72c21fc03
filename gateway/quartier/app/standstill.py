"""The whole gateway stood still (stopped, or its machine suspended): nothing was lost, nothing was read."""

from collections.abc import Callable, Mapping
from typing import Any

from quartier.house.now import Now

CODE = "gateway.stood_still"
LEAST_S = 60.0
_S = 1_000_000_000


class Standstill:
    """Looked at in each cycle; a pause of ``LEAST_S`` or more is one event, from when to when."""

    def __init__(self, event: Callable[[str, str, Mapping[str, Any], Now], None]) -> None:
        self._event = event
        self._before: Now | None = None

    def look(self, now: Now) -> None:
        """A cycle is under way."""
        before, self._before = self._before, now
        if before is None or now.ns - before.ns < LEAST_S * _S:
            return
        for_s = (now.ns - before.ns) / _S
        # Counted back from now: the wall clock may have jumped meanwhile, this time did not.
        data = {
            "for_s": round(for_s, 1),
            "from_utc_ms": now.utc_ms - round(1000 * for_s),
            "to_utc_ms": now.utc_ms,
        }
        self._event(CODE, f"nothing was read or decided for {for_s:.0f} s", data, now)
