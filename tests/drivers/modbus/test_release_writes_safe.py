"""The writes of a release table, made by somebody who has little time and knows nothing else."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from quartier_drivers.modbus import release_writes
from quartier_drivers.modbus.bus_section import RtuBus, TcpBus
from quartier_drivers.modbus.frames import Request
from quartier_drivers.modbus.write_requests import dump_write
from quartier_hil.devices import catalog
from quartier_hil.devices.endpoint import serve_pty, serve_tcp

HEAVY = (
    *("pydantic", "pymodbus", "ssl"),
    *(f"quartier_drivers.{name}" for name in ("device_profile.loading", "device_profile.schema", "contract")),
)
SOURCES = os.pathsep.join(str(Path(__file__).parents[3] / name) for name in ("drivers", "native"))
OFF = dump_write("relay1.relay_on", Request(3, 5, 0, 1, (0,)))


@pytest.mark.parametrize("model", [TcpBus, RtuBus])
def test_what_a_section_leaves_out_is_what_the_model_says(model):
    fields = {name: field for name, field in model.model_fields.items() if not field.is_required()}
    kind = {TcpBus: "modbus-tcp", RtuBus: "modbus-rtu"}[model]

    assert {name: field.default for name, field in fields.items()} == dict(
        release_writes.SECTION_DEFAULTS[kind]
    )


@pytest.mark.parametrize("more", [{}, {"timeout_s": 0.5, "retries_count": 0, "pause_s": 0.0}])
async def test_a_value_reaches_its_device_by_a_section_of_ours_or_of_an_older_version(tmp_path, more):
    relays = catalog.make("waveshare/relay8", unit=3)
    async with await serve_tcp(relays) as tcp:
        section = {"kind": "modbus-tcp", "host": "127.0.0.1", "port": tcp.port, **more}

        assert [] == await release_writes.write_release(section, [OFF])
        assert 1 == relays.writes_count

    async with await serve_pty(relays, tmp_path / "line"):
        section = {"kind": "modbus-rtu", "port": str(tmp_path / "line"), **more}

        assert [] == await release_writes.write_release(section, [OFF])
        assert 2 == relays.writes_count


async def test_a_line_that_cannot_be_opened_fails_each_write_once(tmp_path):
    section = {"kind": "modbus-rtu", "port": str(tmp_path / "gone")}
    failures = await release_writes.write_release(section, [OFF, OFF])

    assert 2 == len(failures)
    assert all(line.startswith("relay1.relay_on: ") for line in failures)
    with pytest.raises(KeyError):
        await release_writes.write_release({"kind": "carrier-pigeon"}, [OFF])


def test_it_brings_no_models_no_profiles_no_contract_and_no_tls():
    code = "import sys; sys.modules['ssl'] = None; from quartier_drivers.modbus import release_writes; from quartier_drivers.modbus.wire import tcp_line, serial_line"
    code += f"; print([m for m in {HEAVY!r} if sys.modules.get(m)])"
    env = {**os.environ, "PYTHONPATH": SOURCES}
    seen = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=env)

    assert "[]" == seen.stdout.strip()
