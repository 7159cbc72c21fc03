"""Who else may use the connection of a Modbus bus: the keys of a share."""

from ipaddress import ip_address, ip_network
from typing import Annotated

from pydantic import AfterValidator, Field, Strict

from quartier.config.words import Section
from quartier_drivers.modbus.share.span import spans


def _listen(text: str) -> str:
    address, colon, port = text.rpartition(":")
    try:
        ip_address(address.removeprefix("[").removesuffix("]"))
        is_bare = ":" in address and not address.startswith("[")
        if colon and not is_bare and 1 <= int(port) <= 65535:
            return text
    except ValueError:
        pass
    raise ValueError(f"{text!r} is no place to listen; expected ADDRESS:PORT, as '192.168.1.10:1502'")


def _networks(texts: tuple[str, ...]) -> tuple[str, ...]:
    if not texts:
        raise ValueError("names nobody; expected addresses or networks, as ['192.168.1.40']")
    for text in texts:
        try:
            ip_network(text)
        except ValueError as error:
            raise ValueError(
                f"{text!r} is neither an address nor a network; expected '192.168.1.40' or '192.168.1.0/24'"
            ) from error
    return texts


def _writes(texts: tuple[str, ...]) -> tuple[str, ...]:
    spans(texts)
    return texts


def _units(units: tuple[int, ...]) -> tuple[int, ...]:
    for unit in units:
        if not 0 <= unit <= 255:
            raise ValueError(f"{unit} is no unit; expected 0..255")
    return units


class Share(Section):
    """Other Modbus TCP clients on the connection or line of a Modbus bus; they read, unless it says more."""

    bus: str
    """The Modbus bus whose connection they share."""
    listen: Annotated[str, AfterValidator(_listen)] = "127.0.0.1:1502"
    """Address and port for them; the default serves this machine only, for Modbus knows no password."""
    clients: Annotated[tuple[str, ...], Strict(False), AfterValidator(_networks)]
    """Addresses or networks they come from; the narrowest that fits counts, all others are sent away."""
    units: Annotated[tuple[int, ...], Strict(False), AfterValidator(_units)] = ()
    """Units they may ask beside those of the site's devices on the bus."""
    writes: Annotated[tuple[str, ...], Strict(False), AfterValidator(_writes)] = ()
    """What they may write, as "1/holding:1000..1009" or "1/coil:3 by 5"; never what Quartier writes."""
    diagnostics: bool = False
    """Whether functions 8 (echo and counters) and 43/14 (identity) are passed on."""
    requests_per_s: Annotated[float, Field(ge=0.1, le=200)] = 10.0
    """Requests a second, over ten seconds, that are answered; more get exception 6, busy."""
    writes_per_h: Annotated[float, Field(ge=1, le=3_600)] = 60.0
    """Writes an hour that are passed on: registers may wear."""
    connections_max: Annotated[int, Field(ge=1, le=16)] = 4
    """Connections at once."""
    outstanding_max: Annotated[int, Field(ge=1, le=16)] = 4
    """Requests that may wait for their answers at once; more get exception 6."""
    age_max_s: Annotated[float, Field(ge=0, le=60)] = 1.0
    """A read is given what the device answered at most so long ago, if it did; 0: it is always asked."""
    wire_max_s: Annotated[float, Field(ge=0.05, le=5)] = 1.0
    """How long one request may hold the wire, if the bus's timeout_s is not less."""
