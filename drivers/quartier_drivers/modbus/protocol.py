"""What Quartier asks of Modbus."""

from typing import Any

from quartier_drivers.protocol import Capture, Protocol

_PORT = 502  # IANA
_RTU_MIN_BYTES, _RTU_MAX_BYTES = 4, 256


class ModbusProtocol(Protocol):
    """Modbus TCP, and Modbus RTU on a serial line or through TCP."""

    def describe_bus(self, section: Any) -> str:
        """Return the settings of the line, or the host."""
        if not hasattr(section, "host"):
            return f"Modbus RTU, {section.baud} baud 8{section.parity}{section.stop_bits}"
        rtu = " with serial frames" if section.framing == "rtu" else ""
        return f"Modbus TCP{rtu}, {section.host}:{section.port}"

    def find_framing(self, section: Any) -> str:
        """Return ``rtu`` for the frames of a serial line that come through TCP."""
        return "rtu" if getattr(section, "framing", "") == "rtu" else ""

    def find_capture(self, kind: str, framing: str) -> Capture:
        """Return a TCP connection, or the frames of a serial line, also of one behind TCP."""
        if kind == "modbus-rtu" or framing == "rtu":
            return Capture("frames", dissector="mbrtu", is_whole=_is_whole_frame)
        return Capture("connection", _PORT)

    def repair_checksums(self, before: bytes, after: bytearray) -> None:
        """Correct the checksum of one whole frame of Modbus RTU."""
        from quartier_native import crc16  # noqa: PLC0415 - only a masked record needs it

        if len(before) >= _RTU_MIN_BYTES and not crc16(before):
            after[-2:] = crc16(bytes(after[:-2])).to_bytes(2, "little")


def _is_whole_frame(data: bytes) -> bool:
    from quartier_native import crc16  # noqa: PLC0415 - only a record needs it

    return len(data) > _RTU_MAX_BYTES or (len(data) >= _RTU_MIN_BYTES and not crc16(data))


PROTOCOLS = {
    "modbus": ModbusProtocol(
        name="modbus",
        title="Modbus",
        factory="quartier_drivers.modbus.factory:FACTORY",
        endpoint_keys=("host", "port"),
        release="quartier_drivers.modbus.release_writes:write_release",
        lint="quartier_drivers.device_profile.register_lint:find_findings",
        vectors="quartier_drivers.register_codec:decode_vector",
        is_polled=True,
        is_shareable=True,
        reader="quartier_drivers.modbus.discovery.reader:read_profile",
        scan="quartier_drivers.modbus.discovery.scan_report:scan",
        scanned_urls=("tcp://", "rtu://"),
        example_values={"rts_on_send": "high"},
    )
}
