import pytest
import structlog

from quartier.runtime.supervisor import PARK_AFTER_COUNT, Failure, catch_error, log_failure, supervise


class Time:
    """A clock that jumps to the end of each sleep."""

    def __init__(self):
        self.ns = 0

    def now_ns(self):
        return self.ns

    async def sleep(self, seconds):
        self.ns += int(seconds * 1e9)


async def test_a_driver_with_a_bug_is_restarted_and_parked_after_five_failures_in_a_row():
    failures = []

    async def broken():
        raise ZeroDivisionError("a bug")

    await supervise("rs485", broken, Time(), failures.append)

    assert [(n, n == PARK_AFTER_COUNT) for n in range(1, 6)] == [(f.count, f.parked) for f in failures]


async def test_a_minute_of_sound_work_forgives_what_was_before():
    time, failures = Time(), []

    async def hourly():
        time.ns += int(3600e9)
        if len(failures) == 20:
            return
        raise ZeroDivisionError

    await supervise("rs485", hourly, time, failures.append)

    assert {1} == {failure.count for failure in failures}
    assert len(failures) == 20


def test_what_ends_a_job_of_a_thread_is_told_beside_what_it_returned():
    value, error = catch_error(lambda: 1 / 0)

    assert value is None
    assert isinstance(error, ZeroDivisionError)
    assert (7, None) == catch_error(lambda: 7)


@pytest.mark.parametrize(("parked", "event"), [(False, "task.failed"), (True, "task.parked")])
def test_failure_of_a_task_is_logged_with_its_number_in_a_row(parked, event):
    log, error = structlog.testing.CapturingLogger(), ZeroDivisionError("bug")
    log_failure(log, Failure("bus lan", error, 3, parked))

    assert [
        structlog.testing.CapturedCall("error", (event,), {"task": "bus lan", "count": 3, "exc_info": error})
    ] == log.calls
