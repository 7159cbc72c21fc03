"""For every test: hypothesis profiles, the measurement of costs and the folder of shared fixtures."""

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

effort.register_profiles()
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "dev"))


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_collection() -> Iterator[None]:
    """What is collected stays to the end: never look through it again, neither while it grows nor afterwards.

    Each process holds some 21,000 tests; the collections of all of it took two fifths of the collecting.
    """
    gc.disable()
    try:
        return (yield)
    finally:
        gc.collect()
        gc.freeze()
        gc.enable()


@pytest.fixture(scope="session")
def shared() -> Path:
    """The measured and published data that lie beside the repository, not in it."""
    folder = Path(__file__).parents[2] / "shared" / "fixtures"
    if not folder.is_dir():
        pytest.skip(f"{folder} is not there")
    return folder


@pytest.fixture(autouse=True)
def log_as_it_was() -> Iterator[None]:
    """Who sets up the log in a test's own process leaves it set up for a stream that is closed after it."""
    yield
    structlog.reset_defaults()
