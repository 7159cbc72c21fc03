"""A faulty bench file is told with all its faults at once, each with its key."""

import re
from importlib.resources import files
from pathlib import Path

import pytest

from quartier_drivers.errors import ConfigError
from quartier_hil.real_devices import bench_file

LINE = """
[adapters.a]
port = "/dev/serial/by-id/a"
[devices.heatmeter]
adapter = "a"
unit = 2
profile = "eastron/sdm630"
[devices.heatmeter.measured]
power_w = {{ meter = "clamp" }}
"""


def _faults(path):
    with pytest.raises(ConfigError) as caught:
        bench_file.load_bench(path)
    return {fault.key: fault.what for fault in caught.value.faults}


def test_a_sound_file_is_taken_as_it_is(plain):
    bench = bench_file.load_bench(plain())

    assert ("charger",) == bench.real
    assert "23456789" == bench.devices["charger"].serial


def test_every_unknown_key_is_told_with_the_one_that_may_be_meant(plain):
    faults = _faults(plain(contact="kontakt", scale="scael"))

    assert "is no key of this table; did you mean 'contact'?" == faults["devices.charger.power.kontakt"]
    assert (
        "is no key of this table; did you mean 'scale'?"
        == faults["devices.charger.measured.current_max_a.scael"]
    )
    assert "is missing" == faults["devices.charger.car.contact"]


@pytest.mark.parametrize(
    ("key", "word", "old", "new"),
    [
        ("real", "is not in [devices]", 'real = ["charger"]', 'real = ["heatmeter"]'),
        ("devices.charger.profile", "is unknown", "keba/p30", "keba/p31"),
        ("devices.charger.profile", "speaks tic", "keba/p30", "enedis/linky_standard"),
        ("devices.charger.power.board", "is not in [boards]", 'board = "power", relay = 1', 'board = "strip", relay = 1'),
        ("devices.charger.car.relay", "beyond the 8", "relay = 3", "relay = 9"),
        ("devices.charger.cable.relay", "is devices.charger.power already", "relay = 2", "relay = 1"),
        ("devices.charger.measured.power_w.meter", "is not in [meters]", 'meter = "clamp"', 'meter = "tongs"'),
        ("devices.charger.measured.power_w", "one of them", '{{ meter = "clamp" }}', "{{ scale = 2.0 }}"),
        ("meters.clamp", "one of them", '[meters.clamp]\nhost = "127.0.0.1"', "[meters.clamp]"),
        ("meters.clamp.unit", "is boards.power already", "port = {meter}", "port = {board}"),
    ],
)  # fmt: skip
def test_what_does_not_fit_together_is_told(plain, key, word, old, new):
    assert word in _faults(plain(x=(old, new)))[key]


def test_an_adapter_that_is_another_one_after_the_next_start_is_refused(plain):
    text = bench_file.load_bench(plain()) and plain(x=("real =", 'adapters.a.port = "/dev/ttyUSB0"\nreal ='))

    assert "/dev/serial/by-id" in _faults(text)["adapters.a.port"]


def test_the_rig_does_not_ask_on_a_line_whose_master_is_the_gateway(plain):
    faults = _faults(
        plain(x=("[boards.power]", LINE + "[boards.relays]\nadapter = 'a'\nunit = 9\n[boards.power]"))
    )

    assert "a serial line has one master" in faults["adapters.a"]
    own = LINE.replace('{{ meter = "clamp" }}', '{{ register = "input:0x34" }}')
    faults = _faults(plain(x=("[boards.power]", own + "[boards.power]")))
    assert "the rig cannot ask there" in faults["devices.heatmeter.measured.power_w"]


def test_a_meter_of_the_bench_reads_power_alone(plain):
    faults = _faults(
        plain(x=('{{ register = "holding:1100", type = "uint32", scale = 0.001 }}', '{{ meter = "clamp" }}'))
    )

    assert "reads power alone" in faults["devices.charger.measured.current_max_a.meter"]


def test_what_is_no_file_and_no_toml_is_told(tmp_path):
    assert "cannot be read" in _faults(tmp_path / "none.toml")["file"]
    (tmp_path / "bad.toml").write_text("[")
    assert "is not valid TOML" in _faults(tmp_path / "bad.toml")["file"]


def test_the_worked_example_of_the_page_is_a_sound_file(tmp_path):
    page = Path(str(files("quartier_hil"))) / "real_devices" / "README.md"
    (block,) = re.findall(r"^```toml\n(.*?)^```", page.read_text(), re.MULTILINE | re.DOTALL)
    file = tmp_path / "bench.toml"
    file.write_text(block)

    assert ("charger", "heatmeter") == bench_file.load_bench(file).real
