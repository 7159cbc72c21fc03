"""``quartier read sunspec`` against a battery inverter on a real wire, and against what is none."""

import json

import pytest
from tests.gateway.cli.devices.test_read import serving

from quartier.cli import main
from quartier_sim.devices import catalog
from quartier_sim.sunspec.battery_inverter import BatteryInverter
from quartier_sim.sunspec.measurements import SunSpecMeter


@pytest.fixture
def battery():
    device = BatteryInverter("7xx", unit=3)
    device.show({"power_w": -1500.0, "soc_pct": 62.5})
    with serving(device) as url:
        yield f"{url}?unit=3"


def test_every_model_and_point_is_shown_with_value_unit_and_meaning(battery, capsys):
    assert 0 == main(["read", "sunspec", battery])

    text = capsys.readouterr().out
    assert "DER AC Measurement (model 701 at " in text
    lines = [line.split() for line in text.splitlines()]
    assert ["701.W", "1500", "W", "05DC", "good"] in lines
    assert ["713.SoC", "62.5", "Pct", "0271", "good"] in lines
    assert ["714.Prt[1].PrtTyp", "1", "ESS", "0001", "good"] in lines
    assert any(line[:2] == ["1.SN", "BAT-0001"] for line in lines)


def test_the_same_as_json_holds_models_and_points(battery, capsys):
    assert 0 == main(["read", "sunspec", battery, "--json"])

    told = json.loads(capsys.readouterr().out)
    assert (40000, []) == (told["base"], told["faults"])
    (measured,) = [one for one in told["models"] if one["model"] == 701]
    assert (1, "DER AC Measurement", []) == (measured["instance"], measured["label"], measured["faults"])
    (power,) = [point for point in measured["points"] if point["point"] == "701.W"]
    assert (1500, "W", "GOOD") == (power["value"], power["unit"], power["quality"])


def test_a_device_without_models_is_told_with_the_next_step(capsys):
    with serving(catalog.make_device("eastron/sdm630", unit=1)) as url:
        assert 1 == main(["read", "sunspec", f"{url}?unit=1"])

    assert "is SunSpec switched on in its settings?" in capsys.readouterr().err


def test_a_profile_of_models_reads_its_points_in_the_houses_words(battery, capsys):
    assert 0 == main(["read", "sunspec/battery", battery])

    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert any(line[:3] == ["power_w", "-1,500", "W"] for line in lines)
    assert any(line[:2] == ["soc_pct", "62.5"] for line in lines)
    assert any(line[:2] == ["identity.serial", "BAT-0001"] for line in lines)


def test_a_device_of_another_kind_is_exit_1_with_the_next_step(capsys):
    with serving(SunSpecMeter(203, unit=3)) as url:
        assert 1 == main(["read", "sunspec/battery", f"{url}?unit=3"])

    assert "quartier scan modbus names the profiles that fit it" in capsys.readouterr().err


def test_a_scan_names_the_profiles_that_fit_its_models(battery, capsys):
    url = battery.partition("?")[0]

    assert 0 == main(["scan", "modbus", url, "--units", "3"])

    text = capsys.readouterr().out
    assert "sunspec/battery" in text
    assert "its models are 1 701 702 704 713 714 715 802" in text


def test_a_device_of_another_maker_does_not_look_like_the_profile(capsys):
    device = BatteryInverter("1xx", unit=3)
    with serving(device) as url:
        assert 1 == main(["read", "fronius/gen24", f"{url}?unit=3"])
    said = capsys.readouterr()

    assert "does not look like fronius/gen24: its maker is" in said.err
    assert "expected 'Fronius'" in said.err
    assert " good" not in said.out
