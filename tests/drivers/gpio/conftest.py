"""A kernel that answers as ``gpiod`` does, and the real ones where this machine has them."""

import errno
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

SIM = Path("/sys/kernel/config/gpio-sim")


@dataclass
class Kernel:
    """What a test says of the lines, and what was asked: gpiod's own types, no chip behind them."""

    levels: dict[int, int] = field(default_factory=lambda: {17: 0, 18: 1})
    names: dict[int, str] = field(default_factory=lambda: {17: "GPIO17"})
    busy: dict[int, str] = field(default_factory=dict)
    gone: bool = False
    held: dict[int, Any] = field(default_factory=dict)
    opened_count: int = 0

    def chip(self, path: str) -> "Chip":
        if self.gone:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path)
        self.opened_count += 1
        return Chip(self)

    def error(self, number: int) -> OSError:
        return OSError(number, os.strerror(number))


class Chip:
    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel

    def get_info(self) -> Any:
        return SimpleNamespace(label="pinctrl-test")

    def get_line_info(self, offset: int) -> Any:
        self._there(offset)
        return SimpleNamespace(
            name=self._kernel.names.get(offset, ""), consumer=self._kernel.busy.get(offset, "")
        )

    def request_lines(self, config: dict[int, Any], consumer: str) -> "Request":
        ((offset, settings),) = config.items()
        self._there(offset)
        if offset in self._kernel.busy or offset in self._kernel.held:
            raise self._kernel.error(errno.EBUSY)
        self._kernel.held[offset] = (settings, consumer)
        return Request(self._kernel, settings)

    def close(self) -> None:
        """The lines stay held: their requests have file descriptors of their own."""

    def _there(self, offset: int) -> None:
        if self._kernel.gone:
            raise self._kernel.error(errno.ENODEV)
        if offset not in self._kernel.levels:
            raise ValueError("line offset of out range")


class Request:
    def __init__(self, kernel: Kernel, settings: Any) -> None:
        self._kernel = kernel
        self._settings = settings

    def get_value(self, offset: int) -> Any:
        if self._kernel.gone:
            raise self._kernel.error(errno.ENODEV)
        from gpiod.line import Value  # noqa: PLC0415 - gpiod is optional

        return Value(self._kernel.levels[offset] ^ self._settings.active_low)

    def release(self) -> None:
        self._kernel.held.clear()


@pytest.fixture
def kernel(monkeypatch: pytest.MonkeyPatch) -> Kernel:
    kernel = Kernel()
    monkeypatch.setattr("gpiod.Chip", kernel.chip)
    return kernel


@dataclass(frozen=True)
class Simulated:
    """A chip of the kernel's gpio-sim."""

    path: str
    lines: Path

    def pull(self, offset: int, to: str) -> None:
        (self.lines / f"sim_gpio{offset}" / "pull").write_text(f"pull-{to}")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Without gpio-sim (modprobe gpio-sim, configfs mounted, root) its tests are deselected, and counted so."""
    if not os.access(SIM, os.W_OK):
        mine = [item for item in items if "simulated" in getattr(item, "fixturenames", ())]
        config.hook.pytest_deselected(items=mine)
        items[:] = [item for item in items if item not in mine]


@pytest.fixture
def simulated() -> Iterator[Simulated]:
    """A chip with 8 lines, the third of them named."""
    made = SIM / f"quartier-{os.getpid()}"
    bank, line = made / "bank", made / "bank" / "line2"
    for folder in (made, bank, line):
        folder.mkdir()
    try:
        (bank / "num_lines").write_text("8")
        (bank / "label").write_text("quartier-sim")
        (line / "name").write_text("DSO1")
        (made / "live").write_text("1")
        chip = (bank / "chip_name").read_text().strip()
        device = (made / "dev_name").read_text().strip()
        yield Simulated(f"/dev/{chip}", Path("/sys/devices/platform") / device / chip)
    finally:
        (made / "live").write_text("0")
        for folder in (line, bank, made):
            folder.rmdir()
