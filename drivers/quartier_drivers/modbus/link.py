"""Makes the line for a section of the site file; a wire's libraries are imported only if needed."""

from typing import TYPE_CHECKING

from quartier_drivers.modbus.line import Line

if TYPE_CHECKING:  # who releases a dead daemon's outputs has no time for its models
    from quartier_drivers.contract import Clock
    from quartier_drivers.modbus.bus import RtuBus, TcpBus


def link(name: str, bus: "TcpBus | RtuBus", clock: "Clock") -> Line:
    """Return the line for a checked section of the site file."""
    if bus.kind == "modbus-tcp":
        if bus.framing == "rtu":
            from quartier_drivers.modbus.tunnel import TunnelLink  # noqa: PLC0415 - few sites have one

            return TunnelLink(name, bus, clock)
        from quartier_drivers.modbus.tcp import TcpLink  # noqa: PLC0415 - a serial site has no use for it

        return TcpLink(name, bus, clock)
    from quartier_drivers.modbus.rtu import RtuLink  # noqa: PLC0415 - brings pyserial, no use without a port

    return RtuLink(name, bus, clock)
