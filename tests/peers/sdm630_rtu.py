"""A three-phase meter with the registers of Eastron's SDM630, on pymodbus: a device that is not of our making.

python sdm630_rtu.py TTY UNIT WATTS    9600 8N1; prints "ready" when it listens.
"""

import asyncio
import struct
import sys

from pymodbus.datastore import ModbusDeviceContext, ModbusSequentialDataBlock, ModbusServerContext
from pymodbus.server import ModbusSerialServer

SIZE = 0x180


def words(value):
    return list(struct.unpack(">HH", struct.pack(">f", value)))


def inputs(watts):
    values = [0] * SIZE
    told = {0x34: watts, 0x46: 50.0, 0x48: 1234.5, 0x4A: 0.0}
    for phase in range(3):
        told |= {2 * phase: 230.0, 6 + 2 * phase: watts / 3 / 230, 0x0C + 2 * phase: watts / 3}
    for address, value in told.items():
        values[address : address + 2] = words(value)
    return values


async def main():
    tty, unit, watts = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
    # pymodbus counts its blocks from 1; 64512 and 64513 hold the serial number.
    device = ModbusDeviceContext(
        ir=ModbusSequentialDataBlock(1, inputs(watts)),
        hr=ModbusSequentialDataBlock(0xFC01, [0x0138, 0x7F22]),
    )
    server = ModbusSerialServer(
        ModbusServerContext(devices={unit: device}, single=False), port=tty, baudrate=9600
    )
    await server.listen()
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    await asyncio.Event().wait()


asyncio.run(main())
