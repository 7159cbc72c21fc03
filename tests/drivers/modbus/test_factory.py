"""The factory: releases replayed from a table, without site or profile."""

import json

from tests.drivers.modbus.conftest import Device, HandClock, TcpServer
from tests.drivers.modbus.test_driver import BATTERY, driver_of, line_to

from quartier_drivers.modbus.bus_section import TcpBus
from quartier_drivers.modbus.factory import FACTORY


async def test_releases_can_be_replayed_without_site_or_profile(
    device: Device, tcp_server: TcpServer, clock: HandClock
) -> None:
    line = line_to(tcp_server, clock)
    writes = json.loads(json.dumps(list(driver_of(line, BATTERY, clock).releases())))
    bus = TcpBus(kind="modbus-tcp", host="127.0.0.1", port=tcp_server.port, timeout_s=1)
    device.refused = {30}

    failed = await FACTORY.replay(json.loads(bus.model_dump_json()), writes)

    assert ["m.setpoint_w: illegal data address"] == list(failed)
    assert [(30, 1), (31, 0), (40, 4200), (7, 0xFF00)] == device.blocks


async def test_a_replay_on_a_bus_that_is_gone_names_every_write(free_port: int) -> None:
    bus = {"kind": "modbus-tcp", "host": "127.0.0.1", "port": free_port}
    writes = [
        {"point": f"a.p{at}_w", "unit": 1, "function": 6, "address": at, "values": [0]} for at in range(3)
    ]

    failed = await FACTORY.replay(bus, writes)

    assert ["a.p0_w", "a.p1_w", "a.p2_w"] == [line.split(":")[0] for line in failed]
