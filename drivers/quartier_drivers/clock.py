"""Real time for callers without a daemon: ``quartier read``, ``scan`` and ``release``."""

import asyncio


class LoopClock:
    """The event loop's time, as a ``contract.Clock``."""

    def now_ns(self) -> int:
        """Return the time of the event loop's clock in ns."""
        return int(asyncio.get_running_loop().time() * 1e9)

    async def sleep(self, seconds: float) -> None:
        """Wait ``seconds``."""
        await asyncio.sleep(seconds)
