"""Write requests of a foreign controller: units and PDUs, encoded by hand (pure).

They follow the public manuals of a Victron GX, a KEBA P30, the plants of ``plc`` and SunSpec batteries.
"""

import struct
from collections.abc import Iterator

from quartier_sim.devices.simulated_device import Device
from quartier_sim.modbus import keba_p30
from quartier_sim.modbus.keba_p30 import P30
from quartier_sim.modbus.plc import Plc
from quartier_sim.modbus.victron_gx import Gx
from quartier_sim.sunspec.battery_inverter import BatteryInverter
from quartier_sim.sunspec.model_layout import encode_value
from quartier_sim.sunspec.register_image import RegisterImage

WRITE_COIL, WRITE_ONE, WRITE_MANY = 5, 6, 16
WriteRequest = tuple[int, bytes]
"""Unit and PDU."""
_GX_SETPOINTS = 96  # three times 32 bits, one for each phase
_SHARE_MAX_PCT = 100.0


def build_foreign_writes(device: Device, value: float) -> list[WriteRequest]:
    """Return the writes that order ``value``, in gateway units.  Raises TypeError if it takes no orders."""
    if isinstance(device, Gx):
        thirds = struct.pack(">3i", *(round(value / 3) for _ in range(3)))
        return [(device.vebus, _write_many(_GX_SETPOINTS, thirds))]
    if isinstance(device, P30):
        return [(keba_p30.UNIT, pdu) for pdu in _write_charging(value)]
    (unit,) = device.units
    if isinstance(device, Plc):
        return [(unit, _write_plc(device, value))]
    if isinstance(device, BatteryInverter):
        return [(unit, pdu) for pdu in _write_battery(device.image, value)]
    raise TypeError(f"nobody else orders a {type(device).__name__}")


def _write_one(address: int, word: int) -> bytes:
    return struct.pack(">BHH", WRITE_ONE, address, word & 0xFFFF)


def _write_many(address: int, data: bytes) -> bytes:
    return struct.pack(">BHHB", WRITE_MANY, address, len(data) // 2, len(data)) + data


def _write_charging(ampere: float) -> Iterator[bytes]:
    """KEBA: a current of 6 A at least and the enabling, or a pause."""
    if ampere >= keba_p30.MIN_MA / 1_000:
        yield _write_one(5004, round(ampere * 1_000))
    yield _write_one(5014, int(ampere > 0))


def _write_plc(device: Plc, value: float) -> bytes:
    if device.map.table == "coil":
        return struct.pack(">BHH", WRITE_COIL, device.map.address, 0xFF00 if value else 0)
    return _write_one(device.map.address, round(value * device.map.scale))


def _write_battery(image: RegisterImage, value_w: float) -> Iterator[bytes]:
    """SunSpec: model 704 where there is one, plus generates; else both limits of model 124 in percent."""
    if "704.WSet" in image.cells:
        wanted = {"704.WSetMod": 1.0, "704.WSet": -value_w, "704.WSetEna": 1.0}
    else:
        share = value_w / image.number("124.WChaMax") * _SHARE_MAX_PCT
        wanted = {"124.OutWRte": -share, "124.InWRte": share, "124.StorCtl_Mod": 3.0}
    for path, value in wanted.items():
        cell = image.cells[path]
        raw = round(value / 10.0 ** image.power(cell))
        words = encode_value(cell.point.kind, raw, cell.point.words)
        yield _write_many(cell.address, struct.pack(f">{len(words)}H", *words))
