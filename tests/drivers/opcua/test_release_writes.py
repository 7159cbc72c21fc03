"""Safe values without a daemon: quickly, and not less carefully."""

import subprocess
import sys

import pytest
from asyncua import ua
from tests.drivers.opcua.conftest import DEVICE

from quartier_drivers.opcua import release_writes
from quartier_drivers.opcua.bus_section import OpcuaBus
from quartier_drivers.opcua.connection import credentials
from quartier_drivers.opcua.connection.line import OpcuaLine
from quartier_drivers.opcua.driver import OpcuaDriver
from quartier_drivers.transport.event_loop import LoopClock


async def left(bus, sheet):
    """The table of a daemon that has met its device, and is gone."""
    line = OpcuaLine("plant", bus, LoopClock())
    driver = OpcuaDriver(line, DEVICE, sheet, LoopClock())
    await line.open()
    await driver.open()
    writes = driver.releases()
    await line.close()
    return bus.model_dump(mode="json"), writes


def test_a_section_that_says_little_means_the_same_as_in_the_site_file():
    fields = OpcuaBus.model_fields
    said = {key: field.default for key, field in fields.items() if not field.is_required()}

    assert said == dict(release_writes.SECTION_DEFAULTS)
    assert {key for key, field in fields.items() if field.is_required()} == release_writes.REQUIRED_KEYS


def test_neither_models_nor_profiles_are_imported():
    code = "import sys; from quartier_drivers.opcua import release_writes; print(*sys.modules)"
    environment = {"PYTHONPATH": ":".join(sys.path)}
    ran = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, check=True, text=True, env=environment
    )
    there = set(ran.stdout.split())

    assert not there & {
        "pydantic",
        "asyncua",
        "quartier_drivers.device_profile.loading",
        "quartier_drivers.opcua.schema",
    }


async def test_what_the_daemon_knew_is_not_asked_for_again(section, sheet, plant, trusting, relay):
    table = await left(section(url=relay.url), sheet)
    plant.set("Valve", 900, ua.VariantType.Int16)
    before = relay.connections_count
    failures = await release_writes.write_release(*table)

    assert ([], 300) == (list(failures), plant.get("Valve"))
    assert 1 == relay.connections_count - before
    assert "Int16" == table[1][0]["type"]
    assert trusting.entries()


async def test_a_server_with_another_certificate_than_the_table_names_is_met_anew(
    section, sheet, plant, trusting, tmp_path
):
    bus, writes = await left(section(timeout_s=0.5), sheet)
    other = credentials.load_own_certificate(tmp_path / "other").der
    trusting.refuse(other, "opc.tcp://127.0.0.1")
    trusting.accept(credentials.find_fingerprint(other))
    plant.set("Valve", 900, ua.VariantType.Int16)
    offer = ["Basic256Sha256", "sign-and-encrypt", credentials.find_fingerprint(other)]
    failures = await release_writes.write_release(bus, [{**write, "offer": offer} for write in writes])

    assert ([], 300) == (list(failures), plant.get("Valve"))


async def test_a_table_without_an_endpoint_asks_for_it(section, sheet, plant, trusting, relay):
    bus, writes = await left(section(url=relay.url), sheet)
    plant.set("Valve", 900, ua.VariantType.Int16)
    before = relay.connections_count
    failures = await release_writes.write_release(
        bus, [{**write, "offer": ["Basic256Sha256", "sign", "0" * 64]} for write in writes]
    )

    assert ([], 300) == (list(failures), plant.get("Valve"))
    assert 2 == relay.connections_count - before
    assert trusting.entries()


async def test_a_certificate_that_is_not_trusted_any_more_gets_nothing(section, sheet, plant, trusting):
    table = await left(section(), sheet)
    plant.set("Valve", 900, ua.VariantType.Int16)
    for entry in trusting.entries():
        trusting.remove(entry.report.fingerprint)
    (failure,) = await release_writes.write_release(*table)

    assert failure.startswith("pump.valve_pct: ")
    assert "is not trusted yet" in failure
    assert 900 == plant.get("Valve")


async def test_a_type_that_changed_since_is_asked_for(section, sheet, plant, trusting):
    bus, writes = await left(section(), sheet)
    plant.set("Valve", 900, ua.VariantType.Int16)
    failures = await release_writes.write_release(bus, [{**write, "type": "Double"} for write in writes])

    assert ([], 300) == (list(failures), plant.get("Valve"))
    assert trusting.entries()


async def test_what_a_newer_version_wrote_is_not_guessed(section):
    with pytest.raises(ValueError, match="colour: not known here"):
        await release_writes.write_release(section().model_dump(mode="json") | {"colour": "red"}, [])
