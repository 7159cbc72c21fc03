"""The site file's sections for Modbus buses; imports no protocol library."""

import re
from ipaddress import ip_address
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from quartier_drivers.registry import check_host

Baud = Literal[1200, 2400, 4800, 9600, 19200, 38400, 57600, 115200]
Parity = Literal["N", "E", "O"]


def _check_host(host: str) -> str:
    check_host(host)
    if re.fullmatch(r"[A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9_.])?", host):
        return host
    try:
        return str(ip_address(host))
    except ValueError:
        raise ValueError(
            f"{host!r} is no host; expected a name or an address, without port or scheme"
        ) from None


def _check_serial_port(port: str) -> str:
    if re.fullmatch(r"usb:.+|/.+", port):
        return port
    raise ValueError(f"{port!r} is no serial port; expected usb:SERIAL or an absolute path")


class _Bus(BaseModel):
    model_config = ConfigDict(
        extra="forbid", frozen=True, strict=True, allow_inf_nan=False, use_attribute_docstrings=True
    )

    timeout_s: Annotated[float, Field(gt=0, le=30)] = 1.0
    """How long an answer may take before the device counts as silent for that request."""
    retries_count: Annotated[int, Field(ge=0, le=5)] = 1
    """How often a request without an answer is repeated at once."""
    pause_s: Annotated[float, Field(ge=0, le=5)] = 0.0
    """Pause between an answer and the next request, on top of what the protocol asks for."""


class TcpBus(_Bus):
    """A Modbus TCP endpoint; its units share one connection."""

    kind: Literal["modbus-tcp"]
    """Modbus TCP."""
    host: Annotated[str, AfterValidator(_check_host)]
    """Name or address of the device or gateway."""
    port: Annotated[int, Field(ge=1, le=65535)] = 502
    """TCP port."""
    framing: Literal["tcp", "rtu"] = "tcp"
    """Frames of Modbus TCP, or ``rtu``: a serial server that passes on the frames of its line."""
    connect_pause_s: Annotated[float, Field(ge=0, le=30)] = 0.0
    """Pause after connecting, for gateways that drop early requests."""

    @property
    def is_serial(self) -> bool:
        """Return whether a serial line is behind it, whose frames it passes on."""
        return self.framing == "rtu"


class RtuBus(_Bus):
    """A serial line with Modbus RTU."""

    kind: Literal["modbus-rtu"]
    """Modbus RTU on a serial port."""
    port: Annotated[str, AfterValidator(_check_serial_port)]
    """``usb:SERIAL`` (the adapter's serial number) or a path such as ``/dev/serial/by-id/…``."""
    baud: Baud = 9600
    """Bits per second."""
    parity: Parity = "N"
    """None, even or odd."""
    stop_bits: Literal[1, 2] = 1
    """Stop bits."""
    rts_on_send: Literal["high", "low"] | None = None
    """Level of RTS while sending, for RS-485 ports that do not switch direction by themselves; most do."""
    rts_before_s: Annotated[float, Field(ge=0, le=0.1)] = 0.0
    """How long RTS is set before the first bit, in whole milliseconds; with ``rts_on_send`` only."""
    rts_after_s: Annotated[float, Field(ge=0, le=0.1)] = 0.0
    """How long RTS is set after the last bit, in whole milliseconds; with ``rts_on_send`` only."""

    @property
    def is_serial(self) -> bool:
        """Return whether it is a serial line."""
        return True

    def misfit(self, unit: int, address: str) -> tuple[str, str] | None:
        """Return why a device's ``unit`` is invalid here; None if it is valid."""
        del address
        what = "0 is the broadcast address of a serial line; expected 1..247"
        return None if unit else ("unit", what)
