"""Reads a SunSpec device as pysunspec2's client does: ``tcp PORT UNIT`` or ``rtu PATH UNIT``, then the largest read.

Prints JSON: the models in their order with their errors, and each point by its path with its value, and the value
with its scale factor taken in.  Then orders: a line of JSON ``[[path, value], ...]`` on stdin is written, with scale
factors, in one write per model, and answered by what is read back after it.
"""

import json
import sys

from sunspec2.device import ModelError
from sunspec2.modbus.client import SunSpecModbusClientDeviceRTU, SunSpecModbusClientDeviceTCP
from sunspec2.modbus.modbus import ModbusClientError


def opened(kind, where, unit, words_max):
    if kind == "tcp":
        device = SunSpecModbusClientDeviceTCP(slave_id=unit, ipport=int(where), timeout=30)
        device.client.max_count = words_max
        return device
    return SunSpecModbusClientDeviceRTU(unit, where, baudrate=115200, timeout=30, max_count=words_max)


def points(group, path):
    for name, point in group.points.items():
        yield f"{path}.{name}", point
    for name, below in group.groups.items():
        several = isinstance(below, list)
        for index, one in enumerate(below if several else [below]):
            yield from points(one, f"{path}.{name}[{index}]" if several else f"{path}.{name}")


def every(device):
    seen = {}
    for model in device.model_list:
        times = seen[model.model_id] = seen.get(model.model_id, -1) + 1
        yield from points(model, f"{model.model_id}#{times}" if times else str(model.model_id))


def computed(point):
    try:
        return point.cvalue
    except ModelError as error:
        return str(error)


def told(device):
    return {
        "base": device.base_addr,
        "models": [
            [model.model_id, model.model_addr, model.model_len, model.error_info]
            for model in device.model_list
        ],
        "points": {path: [point.value, computed(point)] for path, point in every(device)},
    }


def say(what):
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


def main():
    kind, where, unit, words_max = sys.argv[1:5]
    device = opened(kind, where, int(unit), int(words_max))
    device.scan()
    say(told(device))
    for line in sys.stdin:
        known = dict(every(device))
        for path, value in json.loads(line):
            known[path].cvalue = value
        if kind == "tcp":
            device.connect()
        try:
            for model in device.model_list:
                model.write()
            for model in device.model_list:
                model.read()
            answer = told(device)
        except ModbusClientError as error:
            answer = {"refused": str(error)}
        say(answer)


main()
