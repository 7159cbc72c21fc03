import json
import signal
import socket
import sys

import pytest
from pydantic import ValidationError

from quartier_bench.measured_process import Process, find_python_path
from quartier_sim.bacnet import udp_endpoint
from quartier_sim.bacnet.program import ServedDevice, ServerPlan, update_values
from quartier_sim.bacnet.udp_endpoint import NetworkAddress, Packet

WHO_IS = bytes.fromhex("1008")


def test_it_serves_its_plan_until_it_is_told_to_stop(tmp_path):
    plan = {"stations": [{"instance": 300 + mac, "network": 2001, "mac": mac} for mac in (1, 2)]}
    (tmp_path / "plan.json").write_text(json.dumps(plan))
    argv = [sys.executable, "-m", "quartier_sim.bacnet.program", str(tmp_path / "plan.json")]
    with Process(argv, tmp_path / "log", env={"PYTHONPATH": find_python_path()}, talks=True) as process:
        word, port = process.line().split()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            client.settimeout(60.0)
            client.bind(("127.0.0.1", 0))
            client.sendto(
                udp_endpoint.build_datagram(Packet(WHO_IS, to=NetworkAddress(0xFFFF))),
                ("127.0.0.1", int(port)),
            )
            heard = {udp_endpoint.parse_datagram(client.recv(2048)).source for _ in range(2)}

        assert "ready" == word
        assert {NetworkAddress(2001, b"\1"), NetworkAddress(2001, b"\2")} == heard
        assert 0 == process.end(signal.SIGTERM)


def test_its_values_move_with_the_seconds_each_device_by_itself():
    rooms = [ServedDevice(instance=number, sensors_count=2).station() for number in (1, 2)]
    unit = ServedDevice(instance=3, kind="ventilation").station()
    seen = []
    for now_s in (0.0, 5.0):
        update_values([*rooms, unit], now_s)
        seen.append([room.sensors[0].value for room in rooms])

    assert 4 == len({value for pair in seen for value in pair})
    assert 100.0 == unit.inputs["fan_supply_pct"].value


def test_what_a_device_can_bear_is_said_in_the_plan():
    room = ServedDevice(instance=1, apdu_max=50, multiple=False, changes=False).station()

    assert (50, False, False) == (
        room.service.habits.apdu_max,
        room.service.habits.reads_multiple,
        room.service.habits.sends_cov,
    )
    with pytest.raises(ValidationError, match="stations"):
        ServerPlan(stations=[])
