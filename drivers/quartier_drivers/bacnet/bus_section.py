"""The site file's section for a BACnet/IP network; imports no protocol library."""

import re
from ipaddress import IPv4Interface
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from quartier_drivers.bacnet.address import INSTANCE_WILDCARD, parse_place

_INTERFACE_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,14}")


def _check_interface(said: str) -> str:
    if _INTERFACE_NAME.fullmatch(said):
        return said
    try:
        return str(IPv4Interface(said)) if "/" in said else str(IPv4Interface(said).ip)
    except ValueError:
        raise ValueError(
            f"{said!r} is no interface; expected its name (eth0) or its address with the prefix "
            "(192.168.1.5/24)"
        ) from None


def _check_bbmd(said: str) -> str:
    try:
        found = parse_place(said)
    except ValueError:
        found = None
    if found is None or found.host is None or found.network is not None:
        raise ValueError(f"{said!r} is no BBMD; expected its address, or address:port")
    return said


class BacnetIpBus(BaseModel):
    """A BACnet/IP network: one UDP socket of ours; its devices have addresses or instances."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, strict=True, allow_inf_nan=False, use_attribute_docstrings=True
    )

    kind: Literal["bacnet-ip"]
    """BACnet/IP (Annex J of ASHRAE 135)."""
    interface: Annotated[str, AfterValidator(_check_interface)]
    """Where the network is: an interface's name (``eth0``), or its address with the prefix."""
    port: Annotated[int, Field(ge=1, le=65535)] = 47808
    """Our UDP port; broadcasts go to the same port of the others."""
    device_id: Annotated[int, Field(ge=0, le=INSTANCE_WILDCARD - 1)] | None = None
    """Our own device instance, unique on the network; absent: we ask, and answer to nobody."""
    bbmd: Annotated[str, AfterValidator(_check_bbmd)] | None = None
    """A BBMD of another subnet with which we register as a foreign device."""
    foreign_ttl_s: Annotated[int, Field(ge=30, le=65535)] = 300
    """How long a registration with the BBMD lasts; it is renewed at half of that."""
    timeout_s: Annotated[float, Field(gt=0, le=30)] = 1.0
    """How long an answer may take before the device counts as silent for that request."""
    retries_count: Annotated[int, Field(ge=0, le=5)] = 1
    """How often a read without an answer is repeated at once."""
    parallel_count: Annotated[int, Field(ge=1, le=128)] = 32
    """How many devices are asked at the same time, each one thing; 1: one after the other."""
    router_parallel_count: Annotated[int, Field(ge=1, le=128)] = 4
    """The same of the devices of one network behind a router; fewer where that is a slow MS/TP line."""

    @property
    def unit_max(self) -> int:
        """The largest device instance."""
        return INSTANCE_WILDCARD - 1

    def misfit(self, unit: int, address: str) -> tuple[str, str] | None:
        """Return which of ``unit`` and ``address`` cannot name a device here, and why; None if both can."""
        del unit
        if not address:
            return None
        try:
            parse_place(address)
        except ValueError as error:
            return "address", str(error)
        return None
