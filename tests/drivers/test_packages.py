"""Driver packages of third parties: real distributions on the path of a process of its own."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from quartier_hil.testing import SimulatedBuilding

ROOT = Path(__file__).parents[2]
SOURCES = [str(ROOT / name) for name in ("gateway", "drivers", "native", "hil")]
INIT = """
from quartier_drivers.packages import DriverPackage, ProtocolEntry

DRIVERS = DriverPackage(
    contract_version={version},
    protocols={{"{protocol}": ProtocolEntry("", {{"{kind}": "AcmeBus"}}, package="{name}")}},
)
"""
PROTOCOL = """
from quartier_drivers.protocol import Protocol

PROTOCOLS = {{
    "{protocol}": Protocol(
        name="{protocol}",
        title="ACME protocol",
        factory="{name}.factory:FACTORY",
        endpoint_keys=("host", "port"),
        is_polled=True,
        unplanned="its requests are not known",
    )
}}
"""
SECTION = """
from typing import Literal

from quartier_drivers.modbus.bus_section import TcpBus


class AcmeBus(TcpBus):
    kind: Literal["{kind}"]
"""
FACTORY = """
from quartier_drivers.modbus.driver import ModbusDriver
from quartier_drivers.modbus.wire.tcp_line import TcpLine


class AcmeFactory:
    def line(self, name, bus, clock):
        {line}

    def driver(self, line, device, profile, clock):
        return ModbusDriver(line, device, profile, clock)

    async def replay(self, bus, writes):
        return []


FACTORY = AcmeFactory()
"""
PROFILE = """
[profile]
protocol = "acme"
maker = "ACME"
model = "AM1"
source = "a test"

[points.power_w]
register = "input:0x0034"
type = "float32"
low = -100000
high = 100000
scan = "fast"
"""


def install(folder, name, files, *, entry="DRIVERS", **words):
    """Lay down the distribution ``name``, as pip does."""
    package, about = folder / name, folder / f"{name}-1.0.dist-info"
    package.mkdir(parents=True)
    about.mkdir()
    (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text(f"[quartier.drivers]\n{name} = {name}:{entry}\n")
    values = {
        "name": name,
        "version": 1,
        "protocol": "acme",
        "kind": "acme-tcp",
        "line": "return TcpLine(name, bus, clock)",
        **words,
    }
    for file, text in files.items():
        (package / file).write_text(text.format(**values))


WHOLE = {"__init__.py": INIT, "protocol.py": PROTOCOL, "bus_section.py": SECTION, "factory.py": FACTORY}


@pytest.fixture
def run(tmp_path):
    """``run(*words)``: a command of Python with the packages in ``tmp_path`` on its path."""

    def start(*words):
        environ = {**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path / "site"), *SOURCES])}
        done = subprocess.run(
            [sys.executable, *words], env=environ, capture_output=True, text=True, timeout=120, check=False
        )
        return done.returncode, done.stdout, done.stderr

    return start


@pytest.fixture
def report(run):
    """``report()``: the packages that were found, and all kinds of bus."""
    code = (
        "import json, dataclasses; from quartier_drivers import registry as r; "
        "print(json.dumps([[dataclasses.asdict(one) for one in r.DRIVER_PACKAGES], list(r.BUS_KINDS)]))"
    )

    def read():
        status, output, errors = run("-c", code)
        assert 0 == status, errors
        return json.loads(output)

    return read


def test_a_package_adds_its_protocol_and_its_kind_of_bus(report, tmp_path):
    install(tmp_path / "site", "acme_driver", WHOLE)
    (package,), kinds = report()
    assert {"name": "acme_driver", "version": "1.0", "protocols": ["acme"], "refusal": ""} == package
    assert "acme-tcp" in kinds
    assert "modbus-tcp" in kinds


@pytest.mark.parametrize(
    ("files", "words", "why"),
    [
        (
            {},
            {"version": 2},
            "was written for version 2 of the contract of drivers; this Quartier has version 1",
        ),
        ({}, {"protocol": "modbus"}, "its protocol 'modbus' is there already"),
        ({}, {"kind": "modbus-tcp"}, "its kind of bus 'modbus-tcp' belongs to modbus already"),
        ({"__init__.py": "DRIVERS = 3"}, {}, "its entry point is int; expected a DriverPackage"),
        ({"__init__.py": "1 / 0"}, {}, "ZeroDivisionError: division by zero"),
        ({"__init__.py": "raise SystemExit(3)"}, {}, "SystemExit: 3"),
        (
            {"__init__.py": INIT.replace("{name}", "quartier_drivers.modbus")},
            {},
            "names no package of its own",
        ),
        ({"protocol.py": "PROTOCOLS = {{}}"}, {}, "acme_driver.protocol.PROTOCOLS['acme'] is not a Protocol"),
        ({"protocol.py": "PROTOCOLS = {{'acme': 'text'}}"}, {}, "PROTOCOLS['acme'] is not a Protocol"),
        (
            {"__init__.py": INIT.replace('package="{name}")', 'package="{name}", on="nothing")')},
            {},
            "is spoken on 'nothing', which is not there",
        ),
        ({"bus_section.py": ""}, {}, "has no attribute 'AcmeBus'"),
        ({}, {"entry": "NOTHING"}, "has no attribute 'NOTHING'"),
    ],
)
def test_a_package_that_cannot_be_used_is_refused_with_its_reason(report, tmp_path, files, words, why):
    install(tmp_path / "site", "acme_driver", {**WHOLE, **files}, **words)
    (package,), kinds = report()
    assert why in package["refusal"]
    assert "acme-tcp" not in kinds
    assert "modbus-tcp" in kinds


def test_a_package_that_is_imported_before_the_registry_is_used_too(run, tmp_path):
    install(tmp_path / "site", "acme_driver", WHOLE)
    code = (
        "import acme_driver; from quartier_drivers import registry; "
        "print(registry.DRIVER_PACKAGES[0].refusal or 'used')"
    )
    status, printed = run("-c", code)[:2]
    assert (status, printed.strip()) == (0, "used")


def test_the_second_of_two_packages_with_one_protocol_is_refused(report, tmp_path):
    install(tmp_path / "site", "acme_driver", WHOLE)
    install(tmp_path / "site", "other_driver", WHOLE, kind="other-tcp")
    (first, second), _ = report()
    assert "" == first["refusal"]
    assert "its protocol 'acme' is there already" == second["refusal"]


@pytest.fixture
def site(tmp_path):
    """The site file of a building whose meter speaks ACME."""
    (tmp_path / "profiles" / "acme").mkdir(parents=True)
    (tmp_path / "profiles" / "acme" / "am1.toml").write_text(PROFILE)
    path = tmp_path / "site.toml"
    path.write_text(
        """
site = { id = "b012", district = "issy", profiles = ["profiles"] }
limits = { contract_import_w = 12000 }
assets.grid = { role = "grid", device = "meter" }
buses.lan = { kind = "acme-tcp", host = "127.0.0.1" }
devices.meter = { bus = "lan", profile = "acme/am1", unit = 1 }
"""
    )
    return path


def test_a_site_file_may_have_its_buses_and_profiles(run, tmp_path, site):
    install(tmp_path / "site", "acme_driver", WHOLE)
    status, output, errors = run("-m", "quartier.cli", "check", str(site))
    assert 0 == status, output + errors


def test_a_site_file_with_a_bus_of_a_refused_package_says_why(run, tmp_path, site):
    install(tmp_path / "site", "acme_driver", WHOLE, version=2)
    status, output, errors = run("-m", "quartier.cli", "check", str(site))
    assert 78 == status
    said = output + errors
    assert "site.toml:5: buses.lan.kind: 'acme-tcp' is unknown" in said
    assert "the driver package acme_driver 1.0 is refused: was written for version 2" in said


RUN = """
import asyncio, json, sys
from pathlib import Path

from quartier.runtime.local_socket.questions import NoDaemon, ask


async def watch(words, until):
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", "quartier.cli", *words)
    try:
        async with asyncio.timeout(60):
            while True:
                try:
                    status = await asyncio.to_thread(ask, Path(words[-1]), "status")
                except NoDaemon:
                    status = None
                if status is not None and until(status):
                    return status
                await asyncio.sleep(0.1)
    finally:
        process.terminate()
        await process.wait()


def is_settled(status):
    states = {bus["name"]: bus for bus in status["buses"]}
    devices = [one for bus in states.values() for one in bus["devices"]]
    return any(one["name"] == "meter" and one["state"] == "good" for one in devices) and (
        "other" not in states or states["other"]["why"]
    )


print(json.dumps(asyncio.run(watch(sys.argv[1:], is_settled))))
"""


@pytest.mark.daemon
@pytest.mark.parametrize("is_broken", [False, True])
def test_its_bus_runs_beside_others_and_one_that_breaks_harms_no_other(run, tmp_path, site, is_broken):
    """A driver of a third party is isolated like any bus."""
    line = (
        "raise RuntimeError('the driver of ACME is broken')"
        if is_broken
        else "return TcpLine(name, bus, clock)"
    )
    install(tmp_path / "site", "acme_driver", WHOLE, line=line)
    building = tmp_path / "building.toml"
    text = site.read_text().replace("acme-tcp", "modbus-tcp").replace("acme/am1", "eastron/sdm630")
    building.write_text(text.replace(', profiles = ["profiles"]', ""))
    with SimulatedBuilding(building, tmp_path / "devices", load_w=700, sun_w_per_kw=0) as served:
        port = served.devices["meter"].port
        lan = f'buses.lan = {{ kind = "modbus-tcp", host = "127.0.0.1", port = {port} }}'
        other = 'buses.other = { kind = "acme-tcp", host = "127.0.0.2" }'
        own = f'buses.lan = {{ kind = "acme-tcp", host = "127.0.0.1", port = {port} }}'
        text = site.read_text().replace(
            'buses.lan = { kind = "acme-tcp", host = "127.0.0.1" }', f"{lan}\n{other}" if is_broken else own
        )
        if is_broken:
            text = text.replace("acme/am1", "eastron/sdm630")
            text += 'devices.odd = { bus = "other", profile = "acme/am1", unit = 1 }\n'
        site.write_text(text)
        (tmp_path / "run").mkdir()
        (tmp_path / "state").mkdir()
        folders = ("--state-dir", str(tmp_path / "state"), "--runtime-dir", str(tmp_path / "run"))
        status, output, errors = run("-c", RUN, "run", "--config", str(site), *folders)

    assert 0 == status, errors
    found = json.loads(output.splitlines()[-1])
    assert ["acme"] == found["gateway"]["driver_packages"][0]["protocols"]
    if is_broken:
        assert [True, False] == [bus["online"] for bus in found["buses"]]
        why = "its driver cannot be used: RuntimeError: the driver of ACME is broken"
        assert why == found["buses"][1]["why"]
