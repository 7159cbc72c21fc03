"""One key exchanges a real device and its twin: nothing else of the site file changes."""

import tomllib
from pathlib import Path

from quartier_district.gateway_session import TopicNames
from quartier_hil.real_devices import bench_file
from quartier_hil.real_devices.bench_model import Bench
from quartier_hil.real_devices.bench_run import replace_devices
from quartier_hil.runner.device_wiring import DeviceWiring
from quartier_hil.scenario.site import SiteSpec
from quartier_hil.scenario.site_file import format_site_file


def _site(house=None, real=()):
    house = house or SiteSpec()
    wiring = DeviceWiring(1, house, real)
    wiring.ports = dict.fromkeys(("gx", "charger", "storage", "solar"), 1)
    wiring.ports = {name: port for name, port in wiring.ports.items() if name in wiring.devices}
    return format_site_file(
        house,
        wiring,
        TopicNames(group="g", edge="e"),
        pty=Path("/rs485"),
        broker_port=2,
        issuers_file=Path("/issuers"),
        rate=1.0,
    )


def test_without_a_real_device_every_word_of_the_site_stays(plain):
    text = _site()

    assert tomllib.loads(text) == tomllib.loads(replace_devices(text, bench_file.load_bench(plain()), ()))


def test_a_real_device_in_the_network_takes_the_place_of_its_twin_and_of_nothing_else(plain):
    before = tomllib.loads(_site())
    after = tomllib.loads(replace_devices(_site(), bench_file.load_bench(plain()), ("charger",)))

    assert {"kind": "modbus-tcp", "host": "127.0.0.1", "port": 3, "timeout_s": 1.0} == after["buses"][
        "charger_net"
    ]
    assert {"bus": "charger_net", "profile": "keba/p30", "unit": 255} == after["devices"]["charger"]
    for site in (before, after):
        del site["buses"]["charger_net"], site["devices"]["charger"]
    assert before == after


def test_a_real_device_on_an_adapter_gets_a_line_of_its_own():
    meter = {"adapter": "a", "unit": 9, "profile": "eastron/sdm630"}
    bench = Bench(
        title="x",
        adapters={"a": {"port": "/dev/serial/by-id/a", "baud": 19200, "parity": "E"}},
        devices={"heatmeter": meter},
    )
    after = tomllib.loads(replace_devices(_site(), bench, ("heatmeter",)))

    assert {
        "kind": "modbus-rtu",
        "port": "/dev/serial/by-id/a",
        "baud": 19200,
        "parity": "E",
        "stop_bits": 1,
        "timeout_s": 1.0,
    } == after["buses"]["bench_a"]
    assert {"bus": "bench_a", "profile": "eastron/sdm630", "unit": 9} == after["devices"]["heatmeter"]
    assert "rs485" == after["devices"]["meter"]["bus"]


def test_units_behind_one_gateway_share_one_connection():
    place = {"host": "10.0.0.4", "profile": "eastron/sdm630"}
    bench = Bench(title="x", devices={"heatmeter": {**place, "unit": 1}, "charger": {**place, "unit": 2}})
    after = tomllib.loads(replace_devices(_site(), bench, ("heatmeter", "charger")))

    assert after["devices"]["charger"]["bus"] == after["devices"]["heatmeter"]["bus"]
    assert "charger_net" not in after["buses"]
