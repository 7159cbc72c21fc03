"""A BACnet device on bacpypes3's own application: a judge of our driver that is not of our making.

    python bacpypes3_device.py --address 127.0.0.1:47901 --instance 900 [--bbmd 10.1.1.1] [--foreign 10.1.1.1 --ttl 30]

Forty analog values with names as long as segmentation needs, a commandable one, a binary output with least
times (which bacpypes3 does not keep), a multi-state value.  Prints "ready" when it listens.
"""

import asyncio
import sys

from bacpypes3.app import Application
from bacpypes3.argparse import SimpleArgumentParser
from bacpypes3.local.analog import AnalogValueObject
from bacpypes3.local.binary import BinaryOutputObject
from bacpypes3.local.cmd import Commandable
from bacpypes3.local.multistate import MultiStateValueObject

COUNT = 40


class CommandableValue(Commandable, AnalogValueObject):
    """An analog value with a priority array."""


async def main() -> None:
    """Serve for ever; a line ``VALUE`` on standard input becomes the first value."""
    args = SimpleArgumentParser().parse_args()
    app = Application.from_args(args)
    for number in range(1, COUNT + 1):
        app.add_object(
            AnalogValueObject(
                objectIdentifier=("analogValue", number),
                objectName=f"Temperature of a room with a long name, number {number}",
                presentValue=20.0 + number,
                units="degreesCelsius",
                statusFlags=[0, 0, 0, 0],
                eventState="normal",
                covIncrement=0.5,
                description="as long as a description may well be in a building that was handed over twice",
            )
        )
    app.add_object(
        CommandableValue(
            objectIdentifier=("analogValue", 100),
            objectName="Limit",
            presentValue=100.0,
            relinquishDefault=100.0,
            units="percent",
            statusFlags=[0, 0, 0, 0],
            eventState="normal",
            covIncrement=1.0,
        )
    )
    app.add_object(
        BinaryOutputObject(
            objectIdentifier=("binaryOutput", 1),
            objectName="Heater",
            presentValue="inactive",
            relinquishDefault="inactive",
            statusFlags=[0, 0, 0, 0],
            eventState="normal",
            polarity="normal",
            minimumOnTime=60,
            minimumOffTime=120,
        )
    )
    app.add_object(
        MultiStateValueObject(
            objectIdentifier=("multiStateValue", 1),
            objectName="Mode",
            presentValue=2,
            numberOfStates=3,
            stateText=["off", "night", "day"],
            statusFlags=[0, 0, 0, 0],
            eventState="normal",
        )
    )
    await asyncio.sleep(0.2)  # its socket is bound by a task of its own
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    loop = asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        app.get_object_name("Temperature of a room with a long name, number 1").presentValue = float(line)
    await asyncio.Future()


if __name__ == "__main__":
    asyncio.run(main())
