"""``quartier scan``: who is there, who it may be, and the lines for the site file."""

import asyncio
import json
import socket
import threading
import tomllib
from contextlib import contextmanager

import pytest

from quartier.cli import main
from quartier_drivers.modbus.bus_section import RtuBus
from quartier_drivers.modbus.discovery.scan import FoundDevice, ScanResult
from quartier_drivers.modbus.discovery.scan_report import render_modbus_lines
from quartier_sim.modbus.quirk_servers import QuirkyRtuSlave, QuirkyTcpServer
from quartier_sim.modbus.quirks import make_plain_unit, make_quirk

PROFILE = """
[profile]
protocol = "modbus"
maker = "ACME"
model = "AM300"
source = "s"
[recognise.code]
register = "input:11"
equals = 1011
[points.power_w]
register = "input:0"
"""


@contextmanager
def serving(server):
    """A quirk server in a thread of its own; gives itself."""
    ready, held = threading.Event(), []

    async def serve():
        held.extend([asyncio.get_running_loop(), asyncio.Event()])
        async with server:
            ready.set()
            await held[1].wait()

    thread = threading.Thread(target=asyncio.run, args=(serve(),))
    thread.start()
    assert ready.wait(60)
    try:
        yield server
    finally:
        held[0].call_soon_threadsafe(held[1].set)
        thread.join()


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "profiles" / "acme").mkdir(parents=True)
    (tmp_path / "profiles" / "acme" / "am300.toml").write_text(PROFILE)
    return tmp_path / "profiles"


def test_a_scan_shows_who_is_there_and_what_to_write_into_the_site_file(folder, capsys):
    with serving(QuirkyTcpServer({2: make_plain_unit(), 4: make_plain_unit(3)})) as server:
        url = f"{server.url}?timeout_s=1.0"
        assert 0 == main(["scan", "modbus", url, "--units", "1-4", "--profiles", str(folder)])

    said = capsys.readouterr()
    (known,) = [line for line in said.out.splitlines() if "acme/am300" in line and "input:11" in line]
    assert ["2", f"127.0.0.1:{server.port}", "reads", "0", "acme/am300", "sure"] == known.split()[:6]
    assert "no profile knows it by its marks" in said.out
    assert f'[buses.bus1]\nkind = "modbus-tcp"\nhost = "127.0.0.1"\nport = {server.port}\n' in said.out
    assert '[devices.unit2]\nbus = "bus1"\nprofile = "acme/am300"\nunit = 2\n' in said.out
    assert "asking 4 units, up to 4 s" in said.err


def test_two_devices_of_one_unit_number_have_names_of_their_own():
    buses = [RtuBus(kind="modbus-rtu", port="usb:A", baud=baud) for baud in (9600, 19200)]
    site = tomllib.loads(
        render_modbus_lines(ScanResult([FoundDevice(1, bus, "reads", {}, []) for bus in buses]))
    )
    assert {"unit1": "bus1", "unit1_bus2": "bus2"} == {
        name: one["bus"] for name, one in site["devices"].items()
    }


def test_the_same_as_json_for_a_serial_line(folder, capsys):
    with serving(QuirkyRtuSlave({2: make_plain_unit()}, baud=19200)) as server:
        more = ["--units", "2", "--bauds", "9600,19200", "--profiles", str(folder), "--json"]
        assert 0 == main(["scan", "modbus", f"{server.url}?timeout_s=1.0", *more])

    told = json.loads(capsys.readouterr().out)
    (found,) = told["found"]
    assert (2, 19200, "N") == (found["unit"], found["bus"]["baud"], found["bus"]["parity"])
    assert ("acme/am300", "sure") == (found["guesses"][0]["profile"], found["guesses"][0]["sure"])
    lines = tomllib.loads(told["site_file"])
    assert {"kind": "modbus-rtu", "port": server.path, "baud": 19200, "parity": "N", "stop_bits": 1} == lines[
        "buses"
    ]["bus1"]


def test_what_it_prints_belongs_into_a_site_file(folder, tmp_path, capsys):
    with serving(QuirkyTcpServer({2: make_plain_unit()})) as server:
        main(["scan", "modbus", server.url, "--units", "2", "--profiles", str(folder), "--json"])
    text = json.loads(capsys.readouterr().out)["site_file"]
    site = tmp_path / "site.toml"
    head = '[site]\nid = "b1"\nprofiles = ["profiles"]\n[assets.grid]\nrole = "grid"\ndevice = "unit2"\n'
    site.write_text(head + text)

    main(["check", str(site)])

    assert "unit2.profile" not in capsys.readouterr().err


def test_nobody_there_is_exit_1_with_what_to_look_at(capsys):
    with serving(QuirkyTcpServer({2: make_plain_unit()})) as server:
        assert 1 == main(["scan", "modbus", f"{server.url}?timeout_s=0.1", "--units", "7,9"])

    assert "no answer under 2 unit numbers; look whether Modbus is switched on" in capsys.readouterr().err


def test_a_gateway_that_answers_for_nobody_is_not_called_silent(capsys):
    with serving(QuirkyTcpServer({2: make_plain_unit()}, make_quirk("absent-answered"))) as server:
        assert 1 == main(["scan", "modbus", f"{server.url}?timeout_s=0.1", "--units", "7"])

    told = capsys.readouterr()
    assert "note: a gateway answered for 1 unit that is not there" in told.out
    assert "a gateway answers, but no device under 1 unit number; look at the power" in told.err
    assert "no answer under" not in told.err


def test_a_bus_that_cannot_be_opened_is_exit_1_and_named(capsys):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        url = f"tcp://127.0.0.1:{probe.getsockname()[1]}"
        assert 1 == main(["scan", "modbus", url, "--units", "1"])
    assert 1 == main(["scan", "modbus", "rtu:/dev/nowhere", "--units", "1"])

    assert "/dev/nowhere is not there" in capsys.readouterr().err


def test_a_url_that_is_wrong_is_exit_78(capsys):
    assert 78 == main(["scan", "modbus", "ftp://meter"])
    assert 78 == main(["scan", "modbus", "tcp://meter", "--bauds", "9600"])
    assert "bauds: fits serial lines only" in capsys.readouterr().err


def test_the_help_teaches_how_to_scan(capsys):
    with pytest.raises(SystemExit):
        main(["scan", "--help"])
    told = capsys.readouterr().out

    assert "quartier scan modbus 'rtu:/dev/ttyUSB0?baud=9600' --units 1-20" in told
    assert "The scan never writes" in told
    assert "sure" in told
