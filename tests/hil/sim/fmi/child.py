"""Run a test in a child process: an FMU that PythonFMU wrote leaves a damaged module behind when it is freed."""

import functools
import os
import traceback

import pytest


def run_in_child(test):
    """Decorate a test: its body runs in a forked child; its failure is the failure of the test."""

    @functools.wraps(test)
    def run(**fixtures):
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            code = 1
            try:
                test(**fixtures)
                code = 0
            except BaseException:  # noqa: BLE001 - whatever it is, the parent reports it
                os.write(writing, traceback.format_exc().encode()[-60_000:])
            finally:
                os._exit(code)
        os.close(writing)
        with os.fdopen(reading, "rb") as file:
            text = file.read().decode("utf-8", "replace")
        _, status = os.waitpid(child, 0)
        if status:
            pytest.fail(f"in the child process (status {status}):\n{text}", pytrace=False)

    return run
