"""Set up every test: hypothesis profiles, measurement of costs, shared fixtures, a clean log."""

import gc
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog
from hypothesis import settings
from tests import effort
from tests.costs import pytest_addoption, pytest_configure

__all__ = ["pytest_addoption", "pytest_configure"]

# A process of tests holds many objects to its end: the default of 700, 10, 10 spends 5 % of the time on them.
COLLECT_AFTER = (20_000, 10, 50)

effort.register_profiles()
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "dev"))


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_collection() -> Iterator[None]:
    """Switch the garbage collector off during collection, and exempt the collected tests from it afterwards.

    Each process holds some 21,000 tests until it ends; garbage collection took two fifths of the collection time.
    """
    gc.disable()
    try:
        return (yield)
    finally:
        gc.collect()
        gc.freeze()
        gc.set_threshold(*COLLECT_AFTER)
        gc.enable()


@pytest.fixture(scope="session")
def shared() -> Path:
    """Return the folder of measured and published data beside the repository; skip the test without it."""
    folder = Path(__file__).parents[2] / "shared" / "fixtures"
    if not folder.is_dir():
        pytest.skip(f"{folder} does not exist")
    return folder


@pytest.fixture(autouse=True)
def reset_log() -> Iterator[None]:
    """Reset structlog after each test: a test that configures it binds it to a stream that pytest closes."""
    yield
    structlog.reset_defaults()
