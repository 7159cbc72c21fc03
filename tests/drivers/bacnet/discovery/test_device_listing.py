"""``quartier read bacnet`` against the rig's devices on loopback."""

import json

import pytest
from tests.drivers.bacnet.discovery.test_scan_report import serving

from quartier.cli import main
from quartier_drivers.device_profile import loading
from quartier_sim.bacnet.building_controllers import RoomController, VentilationUnit
from quartier_sim.bacnet.services import Capabilities


@pytest.fixture
def unit():
    unit = VentilationUnit(201)
    unit.publish({"supply_c": 19.5})
    unit.limit.commands.put(40.0, 8, 0.0)
    return unit


def test_every_object_is_shown_with_value_unit_and_who_commands_it(unit, capsys):
    with serving(unit) as (network, address):
        assert 0 == main(["read", "bacnet", f"{network}&address={address}"])

    lines = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    assert "analog-input:1 Supply air temperature 19.5 degrees-celsius" in lines
    assert "analog-value:2 Most speed of the fans 40 percent 8: 40" in lines
    assert "multi-state-value:1 Operating mode 3 (normal) nobody" in lines
    assert "binary-output:1 Pre-heater off nobody 120 s on at least; 180 s off at least" in lines
    assert lines[0].startswith("Quartier rig quartier ventilation")


@pytest.mark.parametrize("apdu_max", [206, 50])
def test_the_same_as_json_from_a_device_that_can_bear_little(apdu_max, capsys):
    room = RoomController(
        301, sensors_count=20, habits=Capabilities(apdu_max=apdu_max, reads_multiple=apdu_max > 50)
    )
    with serving(room) as (network, address):
        assert 0 == main(["read", "bacnet", f"{network}&address={address}", "--json"])

    told = json.loads(capsys.readouterr().out)
    assert (301, apdu_max, apdu_max > 50, []) == (
        told["instance"],
        told["apdu_max"],
        told["multiple"],
        told["faults"],
    )
    assert 23 == len(told["objects"])
    assert {"object": "analog-input:3", "name": "Temperature 2", "unit": "degrees-celsius"}.items() <= told[
        "objects"
    ][2].items()


def test_the_draft_of_a_profile_loads(unit, capsys):
    with serving(unit) as (network, address):
        assert 0 == main(["read", "bacnet", f"{network}&address={address}", "--draft"])

    text = capsys.readouterr().out
    (points,) = loading.parse_profile(text, "acme/ahu", "ahu.toml").parts.values()
    assert "supply_air_temperature_c" in points


def test_a_profile_reads_its_points_in_the_houses_words(unit, capsys):
    unit.publish({"energy_import_wh": 12_500.0})
    with serving(unit) as (network, address):
        assert 0 == main(["read", "quartier/ventilation_bacnet", f"{network}&address={address}"])

    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert any(line[:3] == ["supply_c", "19.5", "°C"] for line in lines)
    assert any(line[:2] == ["energy_import_wh", "12,500"] for line in lines)
    assert any(line[:2] == ["speed_pct", "40"] for line in lines)
    assert any(line[:2] == ["identity.model", "quartier"] for line in lines)


def test_a_device_that_does_not_answer_is_exit_1(unit, capsys):
    unit.fault("silent")
    with serving(unit) as (network, address):
        assert 1 == main(["read", "bacnet", f"{network}&address={address}&timeout_s=0.1&retries_count=0"])

    assert "is silent" in capsys.readouterr().err


def test_a_url_that_names_no_device_is_exit_78(capsys):
    assert 78 == main(["read", "bacnet", "127.0.0.2?port=47999"])
    assert "names no device, expected eth0?unit=201" in capsys.readouterr().err
