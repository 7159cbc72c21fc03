"""A GPIO chip and the lines asked of it; the only user of gpiod, which is imported on first use."""

import contextlib
import errno
from collections.abc import Mapping
from typing import TYPE_CHECKING

from quartier_drivers.errors import LinkLost, NoReply

if TYPE_CHECKING:
    import gpiod

    from quartier_drivers.gpio.bus_section import GpioBus

_GONE_ERRORS = (errno.ENODEV, errno.EIO, errno.ENXIO)


class GpioChip:
    """One chip.  Its lines are asked for when they are first read, and held until it is closed.

    A read is a system call: microseconds on a processor's own lines, milliseconds behind I2C.
    """

    def __init__(self, name: str, bus: "GpioBus") -> None:
        self.name = name
        self._bus = bus
        self._chip: gpiod.Chip | None = None
        self._held: dict[int, gpiod.LineRequest] = {}
        self._stats = {"requests_count": 0.0, "exceptions_count": 0.0, "connects_count": 0.0}

    @property
    def stats(self) -> Mapping[str, float]:
        """Counters since start: reads, refusals of the kernel, openings of the chip."""
        return self._stats

    async def open(self) -> None:
        """Open the chip.  Raises LinkLost, naming what is absent."""
        if self._chip is not None:
            return
        try:
            import gpiod  # noqa: PLC0415 - optional: only sites with GPIO need it
        except ImportError as error:
            raise LinkLost("gpiod is not installed; pip install 'quartier[gpio]'") from error
        try:
            self._chip = gpiod.Chip(self._bus.chip)
        except OSError as error:
            raise LinkLost(f"{self._bus.chip} cannot be opened: {error.strerror or error}") from error
        self._stats["connects_count"] += 1

    async def close(self) -> None:
        """Give the lines back and close the chip; may be opened again."""
        while self._held:
            _, request = self._held.popitem()
            with contextlib.suppress(OSError):
                request.release()
        chip, self._chip = self._chip, None
        if chip is not None:
            chip.close()

    async def read_description(self, offset: int) -> Mapping[str, str]:
        """Return what the kernel knows: ``model`` of the chip and, if the line has a name, ``serial``.

        Raises NoReply (no such line) or LinkLost.
        """
        await self.open()
        chip = self._require_chip()
        try:
            label, name = chip.get_info().label, chip.get_line_info(offset).name
        except (OSError, ValueError) as error:
            raise self._make_error(offset, error) from error
        return {"model": label} | ({"serial": name} if name else {})

    async def value(self, offset: int) -> bool:
        """Return whether a line is on, as ``active_low`` counts.

        Raises NoReply (no such line, or in use by another program) or LinkLost.
        """
        await self.open()
        self._stats["requests_count"] += 1
        try:
            held = self._held.get(offset) or self._request_line(offset)
            return bool(held.get_value(offset).value)
        except (OSError, ValueError) as error:
            raise self._make_error(offset, error) from error

    def _request_line(self, offset: int) -> "gpiod.LineRequest":
        import gpiod  # noqa: PLC0415 - optional, as in open

        settings = gpiod.LineSettings(
            direction=gpiod.line.Direction.INPUT,
            bias=gpiod.line.Bias[self._bus.bias.upper().replace("-", "_")],
            active_low=self._bus.active_low,
        )
        held = self._require_chip().request_lines({offset: settings}, consumer="quartier")
        self._held[offset] = held
        return held

    def _require_chip(self) -> "gpiod.Chip":
        if self._chip is None:
            raise LinkLost(f"{self._bus.chip} is closed")
        return self._chip

    def _make_error(self, offset: int, error: OSError | ValueError) -> LinkLost | NoReply:
        self._stats["exceptions_count"] += 1
        if isinstance(error, OSError) and error.errno in _GONE_ERRORS:
            return LinkLost(f"{self._bus.chip} is gone: {error.strerror or error}")
        if isinstance(error, ValueError) or error.errno == errno.EINVAL:
            return NoReply(f"{self._bus.chip} has no line {offset}")
        if error.errno == errno.EBUSY:
            return NoReply(f"line {offset} of {self._bus.chip} is in use{self._by(offset)}")
        return NoReply(f"line {offset} of {self._bus.chip}: {error.strerror or error}")

    def _by(self, offset: int) -> str:
        with contextlib.suppress(OSError, ValueError):
            consumer = self._require_chip().get_line_info(offset).consumer
            if consumer:
                return f" by {consumer}"
        return ""
