"""Restart failed tasks and park those that keep failing; the only broad except.

A device may fail for ever, a broken driver may not.  After five failures in a row without a minute of work
between them the task is parked; its points become stale and control reacts.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:  # releasing the outputs of a dead daemon leaves no time to import the whole contract
    from quartier_drivers.contract import Clock

_T = TypeVar("_T")

PARK_AFTER_COUNT = 5
SOUND_RUN_S = 60.0
BACKOFF_S = (1.0, 2.0, 5.0, 10.0, 30.0)


@dataclass(frozen=True, slots=True)
class Failure:
    """One failure of a supervised task: its name, the error, how many in a row, parked or not."""

    name: str
    error: Exception
    count: int
    parked: bool


def log_failure(log: Any, failure: Failure) -> None:
    """Log the failure of a supervised task."""
    event = "task.parked" if failure.parked else "task.failed"
    log.error(event, task=failure.name, count=failure.count, exc_info=failure.error)


async def supervise(
    name: str,
    run: Callable[[], Awaitable[None]],
    clock: "Clock",
    report: Callable[[Failure], None],
) -> None:
    """Run until it returns or is parked; report each failure with its number in a row."""
    failures_count = 0
    while True:
        started_ns = clock.now_ns()
        try:
            await run()
        except Exception as error:  # noqa: BLE001 - the one place: a bug in a driver stops that bus only
            if clock.now_ns() - started_ns > SOUND_RUN_S * 1e9:
                failures_count = 0
            failures_count += 1
            parked = failures_count >= PARK_AFTER_COUNT
            report(Failure(name, error, failures_count, parked))
            if parked:
                return
            await clock.sleep(BACKOFF_S[failures_count - 1])
        else:
            return


async def run_once(run: Callable[[], Awaitable[None]], report: Callable[[Exception], None]) -> bool:
    """Run once; if an error ended it, report the error and return False: the caller continues, or leaves."""
    try:
        await run()
    except Exception as error:  # noqa: BLE001 - a bug must not keep the outputs from being released
        report(error)
        return False
    return True


def catch_error(job: Callable[[], _T]) -> tuple[_T | None, Exception | None]:
    """Return the result of a thread's job, or the error that ended it, for the caller that waits for it."""
    try:
        return job(), None
    except Exception as error:  # noqa: BLE001 - it is raised again where it is waited for
        return None, error
