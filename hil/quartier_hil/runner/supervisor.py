"""Act as systemd does: call ``quartier release`` after each end of the daemon and start it again.

A machine that loses its power, or freezes, has no supervisor: then the devices are on their own.
"""

import asyncio
import time
from typing import TYPE_CHECKING

from quartier_hil.checks.verdicts import ReleaseResult

if TYPE_CHECKING:
    from quartier_hil.runner.run import Run
    from quartier_hil.scenario.events import DaemonFreeze, DaemonStop

READY_REAL_S = 30.0
RESTART_S = 5.0
# A fresh daemon needs a moment until its first readings.
_SETTLES_S = 30.0


class RigError(RuntimeError):
    """The run cannot go on: something around the daemon, or the daemon's start, failed."""


class TooSlowError(RigError):
    """The machine does not keep up with the rate of the run; a lower one is worth a try."""


def find_rig_error(group: BaseExceptionGroup[BaseException]) -> RigError | None:
    """The first failure of the rig in a group, however deep."""
    for error in group.exceptions:
        found = find_rig_error(error) if isinstance(error, BaseExceptionGroup) else error
        if isinstance(found, RigError):
            return found
    return None


class DaemonSupervisor:
    """The daemon's comings and goings in one run; what is found goes to the run's lists."""

    def __init__(self, run: "Run") -> None:
        self._run = run
        self._lock = asyncio.Lock()

    async def ready(self) -> None:
        """Wait until the daemon answers.  Raises RigError with the end of its log when it does not."""
        daemon = self._run.daemon
        deadline = time.monotonic() + READY_REAL_S
        while time.monotonic() < deadline and daemon.child.alive:
            status = await daemon.ask("status")
            if status is not None:
                self._run.status = status
                return
            await asyncio.sleep(0.05)
        tail = daemon.child.log.read_text(errors="replace")[-2_000:]
        raise RigError(f"the daemon does not answer; the end of {daemon.child.log}:\n{tail}")

    async def perform_event(self, event: "DaemonStop | DaemonFreeze") -> None:
        """Apply an event to the daemon, with everything that follows."""
        if event.do == "freeze":
            await self._freeze(event)
        else:
            await self._down(event)

    async def restart_after_exit(self) -> None:
        """Start a daemon again that ended by itself, and remember that it did."""
        run = self._run
        async with self._lock:
            if run.daemon.child.alive or run.daemon.child.process is None:
                return
            began, code = run.elapsed_s(), run.daemon.child.process.returncode or 0
            run.crashes.append((began, code))
            run.record.mark(began, f"the daemon ended by itself with exit code {code}", "fault")
            await self._restart(began, RESTART_S, releases=True)

    async def release(self) -> None:
        """Run ``quartier release`` as ``ExecStopPost`` does, and record the outputs after it."""
        run = self._run
        code = await run.daemon.release()
        run.releases.append(ReleaseResult(run.now_s, code, run.wiring.list_unreleased_outputs()))

    async def blackout(self, down_s: float) -> None:
        """Switch the gateway's machine off for ``down_s``, then start it again."""
        run, began = self._run, self._run.elapsed_s()
        async with self._lock:
            await run.daemon.kill()
            run.daemon.reboot()
            await self._restart(began, down_s, releases=False)
            run.record.mark(run.elapsed_s(), "the gateway is there again")

    async def _down(self, event: "DaemonStop") -> None:
        run, began = self._run, self._run.elapsed_s()
        async with self._lock:
            if event.do == "kill":
                await run.daemon.kill()
            else:
                run.exit_code = await run.daemon.stop()
            words = "kill -9" if event.do == "kill" else "the daemon is stopped"
            run.record.mark(began, words if event.release else f"{words}, and nothing releases", "fault")
            await self._restart(began, event.down_s, releases=event.release)

    async def _freeze(self, event: "DaemonFreeze") -> None:
        run, began = self._run, self._run.elapsed_s()
        async with self._lock:
            run.daemon.freeze()
            run.record.mark(began, "the daemon is frozen", "fault")
            await asyncio.sleep(run.clock.real_s(event.for_s))
            run.daemon.thaw()
            run.record.mark(run.elapsed_s(), "the daemon goes on")
            run.downs.append((began, run.elapsed_s() + _SETTLES_S))

    async def _restart(self, began_s: float, down_s: float, *, releases: bool) -> None:
        """Do as systemd does after a stop: ExecStopPost, a pause, a new start."""
        run = self._run
        if releases:
            await self.release()
        await asyncio.sleep(run.clock.real_s(down_s))
        await run.daemon.start()
        await self.ready()
        run.downs.append((began_s, run.elapsed_s() + _SETTLES_S))
