"""Site files of any size for a measurement: devices with registers, each a point; the same for Node-RED
and thingsboard-gateway.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

PROFILE = "bench/meter"
_PROFILE_HEAD = """\
[profile]
protocol = "modbus"
maker = "Bench"
model = "{count} registers"
source = "made for a measurement: every register holds the time of the answer"

[scan]
fast = {period}
"""
_POINT = """
[points.{name}]
register = "holding:{at}"
type = "uint16"
scan = "fast"
"""
_SITE = """\
[site]
id = "bench"
district = "bench"
profiles = ["profiles"]

[limits]
contract_import_w = 10000000.0
contract_export_w = 10000000.0

[store]
size_max_mb = 2000

[store.deadbands]
power_w = 0.0
power_pct = 0.0
power_period_s = 0.0
"""
_LINK = """
[district_link]
url = "mqtt://127.0.0.1:{port}"
watermark = false
"""
_BUS = """
[buses.bus{at}]
kind = "modbus-tcp"
host = "127.0.0.1"
port = {port}
"""
_DEVICE = """
[devices.device{at}]
bus = "{bus}"
profile = "{profile}"
unit = {unit}

[assets.{asset}]
role = "{role}"
device = "device{at}"
{rated}"""


_SERIAL_BUS = """
[buses.line]
kind = "modbus-rtu"
port = "{port}"
baud = {baud}
"""


@dataclass(frozen=True, slots=True)
class SerialLine:
    """An RS-485 line with so many units, beside the TCP devices."""

    port: str
    baud: int
    units: int


def render_profile(registers: int, period_s: float = 1.0) -> str:
    """The TOML of a device with ``registers`` holding registers, each read every ``period_s``."""
    names = ["power_w", *(f"r{at}_w" for at in range(1, registers))]
    points = (_POINT.format(name=name, at=at) for at, name in enumerate(names))
    return _PROFILE_HEAD.format(count=registers, period=period_s) + "".join(points)


def write_site(
    folder: Path,
    ports: Sequence[int],
    registers: int,
    *,
    broker_port: int | None = None,
    period_s: float = 1.0,
    line: SerialLine | None = None,
) -> Path:
    """Write a site of one device a port, ``registers`` points each, and its profile; returns the site file.

    The first device is the grid's meter, the others are loads.  Deadbands are zero: every change counts.
    """
    place = folder / "profiles" / f"{PROFILE}.toml"
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(render_profile(registers, period_s))
    parts = [_SITE]
    if broker_port is not None:
        parts.append(_LINK.format(port=broker_port))
    parts += [_BUS.format(at=at, port=port) for at, port in enumerate(ports)]
    places = [(f"bus{at}", at + 1) for at in range(len(ports))]
    if line is not None:
        parts.append(_SERIAL_BUS.format(port=line.port, baud=line.baud))
        places += [("line", unit + 1) for unit in range(line.units)]
    for at, (bus, unit) in enumerate(places):
        asset, role, rated = ("grid", "grid", "") if at == 0 else (f"load{at}", "load", "rated_w = 1e5\n")
        parts.append(
            _DEVICE.format(at=at, bus=bus, profile=PROFILE, unit=unit, asset=asset, role=role, rated=rated)
        )
    file = folder / "site.toml"
    file.write_text("".join(parts))
    return file


def build_node_red_flow(ports: Sequence[int], registers: int, block_max: int, broker_port: int) -> str:
    """The same as a Node-RED flow: one reading node a block, each answer published as one JSON array.

    The cheapest flow that publishes every value: a message per value would cost it many times more.
    """
    nodes: list[dict[str, object]] = [
        {"id": "tab", "type": "tab", "label": "bench"},
        {
            "id": "broker",
            "type": "mqtt-broker",
            "broker": "127.0.0.1",
            "port": broker_port,
            "protocolVersion": "4",
            "cleansession": True,
            "autoConnect": True,
            "keepalive": 60,
        },
    ]
    for at, port in enumerate(ports):
        nodes.append(
            {
                "id": f"client{at}",
                "type": "modbus-client",
                "name": f"device{at}",
                "clienttype": "tcp",
                "bufferCommands": True,
                "tcpHost": "127.0.0.1",
                "tcpPort": port,
                "tcpType": "DEFAULT",
                "unit_id": at + 1,
                "commandDelay": 1,
                "clientTimeout": 1000,
                "reconnectOnTimeout": True,
                "reconnectTimeout": 2000,
                "parallelUnitIdsAllowed": True,
            }
        )
        for start in range(0, registers, block_max):
            key = f"{at}x{start}"
            nodes += [
                {
                    "id": f"read{key}",
                    "type": "modbus-read",
                    "z": "tab",
                    "name": "",
                    "topic": f"bench/device{at}/{start}",
                    "dataType": "HoldingRegister",
                    "adr": start,
                    "quantity": min(block_max, registers - start),
                    "rate": 1,
                    "rateUnit": "s",
                    "server": f"client{at}",
                    "wires": [[f"out{key}"], []],
                },
                {
                    "id": f"out{key}",
                    "type": "mqtt out",
                    "z": "tab",
                    "topic": f"bench/device{at}/{start}",
                    "qos": "0",
                    "retain": "false",
                    "broker": "broker",
                    "wires": [],
                },
            ]
    return json.dumps(nodes)


def write_thingsboard_config(
    folder: Path, ports: Sequence[int], registers: int, block_max: int, broker_port: int
) -> Path:
    """The same as a configuration folder of thingsboard-gateway: one wide range a device, read in blocks."""
    folder.mkdir(parents=True, exist_ok=True)
    slaves = [
        {
            "type": "tcp",
            "method": "socket",
            "host": "127.0.0.1",
            "port": port,
            "unitId": at + 1,
            "deviceName": f"device{at}",
            "deviceType": "default",
            "timeout": 5,
            "byteOrder": "BIG",
            "wordOrder": "BIG",
            "retries": 3,
            "pollPeriod": 1000,
            "attributes": [],
            "timeseries": [
                {
                    "tag": "r${address}",
                    "type": "16uint",
                    "functionCode": 3,
                    "objectsCount": 1,
                    "address": f"0-{registers - 1}",
                    "maxRegistersPerRequest": block_max,
                }
            ],
        }
        for at, port in enumerate(ports)
    ]
    (folder / "modbus.json").write_text(json.dumps({"master": {"slaves": slaves}}))
    general = {
        "thingsboard": {
            "host": "127.0.0.1",
            "port": broker_port,
            "remoteShell": False,
            "remoteConfiguration": False,
            "statistics": {"enable": False},
            "maxPayloadSizeBytes": 65_536,
            "minPackSendDelayMS": 50,
            "minPackSizeToSend": 500,
            "security": {"type": "accessToken", "accessToken": "bench"},
            "qos": 0,
            "rateLimits": "0:0,",
            "dpRateLimits": "0:0,",
            "messagesRateLimits": "0:0,",
            "deviceMessagesRateLimits": "0:0,",
            "deviceRateLimits": "0:0,",
            "deviceDpRateLimits": "0:0,",
        },
        "storage": {"type": "memory", "read_records_count": 1000, "max_records_count": 1_000_000},
        "grpc": {"enabled": False},
        "connectors": [{"name": "Modbus", "type": "modbus", "configuration": "modbus.json"}],
    }
    (folder / "tb_gateway.json").write_text(json.dumps(general))
    return folder
