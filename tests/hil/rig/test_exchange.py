"""One key exchanges a real device and its twin: nothing else of the site file changes."""

import tomllib
from pathlib import Path

from quartier_hil.district.session import Names
from quartier_hil.house import House
from quartier_hil.rig import loading
from quartier_hil.rig.bench import Bench
from quartier_hil.rig.exchange import exchanged
from quartier_hil.wiring import Wiring, site_file


def _site(house=None, real=()):
    house = house or House()
    wiring = Wiring(1, house, real)
    wiring.ports = dict.fromkeys(("gx", "charger", "storage", "solar"), 1)
    wiring.ports = {name: port for name, port in wiring.ports.items() if name in wiring.devices}
    return site_file(
        house,
        wiring,
        Names(group="g", edge="e"),
        pty=Path("/rs485"),
        broker_port=2,
        issuers_file=Path("/issuers"),
        rate=1.0,
    )


def test_without_a_real_device_every_word_of_the_site_stays(plain):
    text = _site()

    assert tomllib.loads(text) == tomllib.loads(exchanged(text, loading.load(plain()), ()))


def test_a_real_device_in_the_network_takes_the_place_of_its_twin_and_of_nothing_else(plain):
    before = tomllib.loads(_site())
    after = tomllib.loads(exchanged(_site(), loading.load(plain()), ("charger",)))

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
    after = tomllib.loads(exchanged(_site(), bench, ("heatmeter",)))

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
    after = tomllib.loads(exchanged(_site(), bench, ("heatmeter", "charger")))

    assert after["devices"]["charger"]["bus"] == after["devices"]["heatmeter"]["bus"]
    assert "charger_net" not in after["buses"]
