"""A process that outlives the rig: when the rig ends without having put its relays to rest, it does so.

It is told what is owed over its stdin, a JSON list a line, before anything is switched.  Where the pipe ends,
however the rig died, it writes what was owed last.  It has no bench file, and SIGTERM is not for it.
"""

import asyncio
import json
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from quartier_hil.rig.relays import Owed, lines_of, pay
from quartier_hil.stage.child import Child

FOR_REAL_S = 60.0
"""Time for which it tries a silent board, s."""
READY = b"ready"
READY_REAL_S = 30.0
_END_REAL_S = 5.0


class Guardian:
    """The rig's end of it; ``log`` is the log of its actions."""

    def __init__(self, log: Path) -> None:
        self.child = Child([sys.executable, "-m", "quartier_hil.rig.guardian"], log)

    async def start(self) -> None:
        """Start it and wait until SIGTERM is nothing to it.  Raises RuntimeError where it does not."""
        await self.child.start(talk=True, outlives=True)
        assert self.child.process is not None
        assert self.child.process.stdout is not None
        said = await asyncio.wait_for(self.child.process.stdout.readline(), READY_REAL_S)
        if said.strip() != READY:
            raise RuntimeError(f"the guardian of the relays does not come up, see {self.child.log}")

    def owe(self, debts: Sequence[Owed]) -> None:
        """Send it the final states to restore; none: all is at rest.  Raises RuntimeError if it is gone."""
        process = self.child.process
        if process is None or process.stdin is None or not self.child.alive:
            raise RuntimeError(f"the guardian of the relays is gone, see {self.child.log}")
        told = [json.loads(one.model_dump_json()) for one in debts]
        process.stdin.write(json.dumps(told).encode() + b"\n")

    async def end(self) -> int | None:
        """End it with its last orders; return its exit code, None while it is still busy."""
        process = self.child.process
        if process is None or process.stdin is None:
            return 0
        process.stdin.close()
        try:
            return await asyncio.wait_for(process.wait(), _END_REAL_S)
        except TimeoutError:
            return None


async def _paid(debts: Sequence[Owed]) -> list[str]:
    lines = lines_of(debts)
    try:
        return await pay(debts, lines, FOR_REAL_S)
    finally:
        await lines.close()


def main() -> int:
    """Listen until the pipe ends, then pay.  Exit code 1 where a relay could not be put to rest."""
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    sys.stdout.write(f"{READY.decode()}\n")
    sys.stdout.flush()
    debts: list[Owed] = []
    for line in sys.stdin:
        # A line that was cut off by the rig's end says less than the one before it.
        if line.endswith("\n"):
            debts = [Owed.model_validate(one) for one in json.loads(line)]
    failed = asyncio.run(_paid(debts))
    done = [one.words for one in debts if all(not text.startswith(one.words) for text in failed)]
    sys.stderr.writelines(f"{text}\n" for text in (*(f"{words}: at its rest" for words in done), *failed))
    return int(bool(failed))


if __name__ == "__main__":
    sys.exit(main())
