"""The site file's sections for lines with meters; imports no library of a wire."""

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from quartier_drivers.registry import check_host

Baud = Literal[300, 600, 1200, 2400, 4800, 9600, 19200, 38400, 57600, 115200]
Framing = Literal["7E1", "7O1", "7N1", "8N1", "8E1", "8O1", "8N2"]

# EN 13757-2, 5.7.5: primary addresses; EN 13757-7, clause 8: secondary ones.
_PRIMARY_MAX, _POINT_TO_POINT = 250, 254
_SECONDARY = re.compile(r"[0-9A-Fa-f]{8}(?:[0-9A-Fa-f]{8})?")
_TCP = re.compile(r"tcp://(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9_.-]+):([0-9]{1,5})")


def _check_port(port: str) -> str:
    found = _TCP.fullmatch(port)
    if re.fullmatch(r"usb:.+|/.+", port) or (found and 0 < int(found[2]) <= 65535):
        check_host(found[1] if found else "")
        return port
    raise ValueError(f"{port!r} is no port; expected usb:SERIAL, an absolute path or tcp://HOST:PORT")


class MeterBus(BaseModel):
    """A line with a meter."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, strict=True, allow_inf_nan=False, use_attribute_docstrings=True
    )

    kind: str
    """Which protocol its meters speak."""
    port: Annotated[str, AfterValidator(_check_port)]
    """``usb:SERIAL`` (the adapter's serial number or USB path), an absolute path, or ``tcp://HOST:PORT``."""
    baud: Baud | None = None
    """Bits per second; absent: as the protocol has it, found out where there are several."""
    framing: Framing | None = None
    """Data bits, parity and stop bits; absent: as the protocol has it."""

    @property
    def speeds_name(self) -> str:
        """The name under which the usual speeds of the line are listed."""
        return self.kind

    @property
    def asks(self) -> Mapping[str, Any] | None:
        """The settings of the line for a reader; None if the meters send by themselves."""
        return None

    def misfit(self, unit: int, address: str) -> tuple[str, str] | None:
        """Return which of a device's ``unit`` and ``address`` is invalid here, and why.

        None if both are valid.
        """
        del unit, address
        return None


class TicBus(MeterBus):
    """The customer output of a Linky; 1200 or 9600 baud is found out, and again when it changes."""

    kind: Literal["tic"]
    """Linky TIC, historique or standard."""
    baud: Literal[1200, 9600] | None = None
    """Bits per second: 1200 historique, 9600 standard; absent: found out, and again when it changes."""


class P1Bus(MeterBus):
    """The P1 port of a Dutch, Belgian, Luxembourg, Swedish, Hungarian or Austrian meter."""

    kind: Literal["p1"]
    """DSMR P1."""


class Iec62056Bus(MeterBus):
    """The optical or electrical interface of IEC 62056-21."""

    kind: Literal["iec62056"]
    """IEC 62056-21."""
    mode: Literal["c", "d"] = "c"
    """``c``: the meter is asked and says how fast it goes on; ``d``: it speaks by itself."""

    @property
    def speeds_name(self) -> str:
        """The name of the usual speeds; mode D has speeds of its own."""
        return self.kind if self.mode == "c" else "iec62056-d"

    @property
    def asks(self) -> Mapping[str, Any] | None:
        """The settings of the line for a reader, None in mode D.

        A serial server on TCP cannot change its speed.
        """
        if self.mode == "d":
            return None
        return {
            "speed": self.baud or 300,
            "framing": self.framing or "7E1",
            "over_tcp": self.port.startswith("tcp://"),
        }


class SmlBus(MeterBus):
    """The information interface of a German meter, by an optical head."""

    kind: Literal["sml"]
    """Smart Message Language."""


class DlmsBus(MeterBus):
    """A DLMS/COSEM meter: the HAN port that pushes, or a client that asks."""

    kind: Literal["dlms"]
    """DLMS/COSEM."""
    mode: Literal["push", "client"] = "push"
    """``push``: it speaks by itself; ``client``: it is asked."""
    client: Annotated[int, Field(ge=1, le=127)] = 16
    """Who we are to it: 16 public, others as its operator says."""
    security: Literal["none", "low", "high"] = "none"
    """How a client shows who it is: not at all, by the password, or by GMAC with the keys."""

    @property
    def asks(self) -> Mapping[str, Any] | None:
        """The client id, the security and whether frames go in the TCP wrapper; None for ``push``."""
        if self.mode == "push":
            return None
        return {"client": self.client, "security": self.security, "over_tcp": self.port.startswith("tcp://")}


class MbusBus(MeterBus):
    """Meters on a two-wire M-Bus, by a level converter; we are its master."""

    kind: Literal["mbus"]
    """Wired M-Bus (EN 13757)."""
    timeout_s: Annotated[float, Field(gt=0, le=10)] = 0.5
    """How long an answer may take beyond what the line speed asks for."""
    retries_count: Annotated[int, Field(ge=0, le=5)] = 2
    """How often a request without an answer is repeated."""

    @property
    def asks(self) -> Mapping[str, Any] | None:
        """The speed of the line, the timeout and the number of retries."""
        return {
            "baud": self.baud or 2400,
            "timeout_s": self.timeout_s,
            "retries_count": self.retries_count,
            "over_tcp": self.port.startswith("tcp://"),
        }

    def misfit(self, unit: int, address: str) -> tuple[str, str] | None:
        """Return why a primary or secondary address is invalid; None if it is valid.

        A secondary address has 8 or 16 hex digits.  Primary addresses end at 250; 254 reaches a meter that is
        alone.
        """
        if address:
            what = f"{address!r} is no secondary address; expected 8 or 16 hex digits, F for any"
            return None if _SECONDARY.fullmatch(address.strip()) else ("address", what)
        what = (
            f"{unit} is no primary address; expected 0..{_PRIMARY_MAX}, {_POINT_TO_POINT} where it is alone"
        )
        return None if unit <= _PRIMARY_MAX or unit == _POINT_TO_POINT else ("unit", what)
