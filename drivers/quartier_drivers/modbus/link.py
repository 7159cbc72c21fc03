"""The line for a section of the site file; what a wire needs is imported when a site has such a wire."""

from quartier_drivers.contract import Clock
from quartier_drivers.modbus.bus import RtuBus, TcpBus
from quartier_drivers.modbus.line import Line


def link(name: str, bus: TcpBus | RtuBus, clock: Clock) -> Line:
    """The line for a checked section of the site file."""
    if isinstance(bus, TcpBus):
        if bus.framing == "rtu":
            from quartier_drivers.modbus.tunnel import TunnelLink  # noqa: PLC0415 - few sites have one

            return TunnelLink(name, bus, clock)
        from quartier_drivers.modbus.tcp import TcpLink  # noqa: PLC0415 - a serial site has no use for it

        return TcpLink(name, bus, clock)
    from quartier_drivers.modbus.rtu import RtuLink  # noqa: PLC0415 - brings pyserial, no use without a port

    return RtuLink(name, bus, clock)
