"""``quartier release``."""

import asyncio
import json
import os
import socket
from dataclasses import replace

import pytest

from quartier.cli import main
from quartier.runtime import release
from quartier.runtime.clock import SiteClock
from quartier_drivers.contract import DeviceSpec
from quartier_drivers.device_profile import loading
from quartier_drivers.modbus.bus_section import TcpBus
from quartier_drivers.registry import load_factory
from quartier_sim.devices import catalog
from quartier_sim.modbus.endpoints import serve_tcp


def released(tmp_path, *words):
    return main(["release", "--runtime-dir", str(tmp_path), *words])


def relays(port):
    """The table of a bus with a relay board, as its driver encodes it."""
    opened, clock = load_factory("modbus-tcp"), SiteClock()
    bus = TcpBus(kind="modbus-tcp", host="127.0.0.1", port=port, timeout_s=5.0, retries_count=0)
    spec = DeviceSpec("relays", 3, {"relay1": "boiler"}, {"relay1": frozenset({"relay_on"})})
    driver = opened.driver(
        opened.line("lan", bus, clock), spec, loading.load_profile("waveshare/relay8"), clock
    )
    return release.BusRelease("lan", bus.model_dump(mode="json"), driver.releases())


def free_port():
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


def test_without_a_table_there_is_nothing_to_release_and_that_is_well(tmp_path, capsys):
    assert 0 == released(tmp_path)
    assert f"nothing to release: no release.json in {tmp_path}" in capsys.readouterr().out

    assert 0 == released(tmp_path, "--json")
    assert [] == json.loads(capsys.readouterr().out)


@pytest.mark.parametrize("text", ["", "{", "[1]", '[{"bus": "lan"}]', "null", '{"bus": 1}'])
def test_a_damaged_table_is_exit_1_and_named(tmp_path, capsys, text):
    (tmp_path / release.RELEASE_FILE).write_text(text)

    assert 1 == released(tmp_path)
    said = capsys.readouterr().err
    assert f"{tmp_path / release.RELEASE_FILE}: damaged" in said
    assert 1 == len(said.splitlines())


def test_a_folder_that_is_not_there_is_exit_1_and_asks_where_the_daemon_ran(tmp_path, capsys):
    assert 1 == released(tmp_path / "none")
    assert "where the daemon ran" in capsys.readouterr().err


def test_a_bus_without_outputs_is_said_to_have_none(tmp_path, capsys):
    release.save_release(tmp_path, [replace(relays(502), writes=[])])

    assert 0 == released(tmp_path)
    assert "lan: 0 safe values, 0 failed" in capsys.readouterr().out


def test_a_safe_value_that_cannot_be_written_is_exit_1_and_says_which_and_where(tmp_path, capsys):
    port = free_port()
    release.save_release(tmp_path, [relays(port)])

    assert 1 == released(tmp_path)
    said = capsys.readouterr()
    assert "lan: 1 safe value, 1 failed" in said.out
    assert "boiler.relay_on" in said.err
    assert f"127.0.0.1:{port}" in said.err

    assert 1 == released(tmp_path, "--json")
    (found,) = json.loads(capsys.readouterr().out)
    assert ("lan", 1, 1) == (found["bus"], found["writes"], len(found["failed"]))


async def test_the_safe_values_are_written_from_the_table_alone(tmp_path, capsys):
    board = catalog.make_device("waveshare/relay8", unit=3)
    async with await serve_tcp(board) as endpoint:
        release.save_release(tmp_path, [relays(endpoint.port)])
        before = board.writes_count
        assert 0 == await asyncio.to_thread(released, tmp_path)

    assert before + 1 == board.writes_count
    assert "lan: 1 safe value, 0 failed" in capsys.readouterr().out


def test_never_beside_a_running_daemon(tmp_path, capsys):
    with release.take_lock(tmp_path):
        assert 75 == released(tmp_path)
    assert f"process {os.getpid()}: a daemon is running" in capsys.readouterr().err
