"""What cannot be asked of real devices is refused by its name and with the reason, all at once."""

import datetime as dt

import pytest

from quartier_hil.real_devices import bench_file
from quartier_hil.real_devices.feasibility import list_obstacles
from quartier_hil.scenario.plant_assets import build_plant_spec
from quartier_hil.scenario.scenario_file import Scenario
from quartier_sim.plant import building_model

START = dt.datetime(2026, 6, 12, 15)  # noqa: DTZ001 - the house's local time


def _scenario(*events, rate=1, **house):
    return Scenario(title="x", start=START, duration_s=300, rate=rate, events=events, house=house)


def _told(bench, scenario, real=("charger",)):
    spec = build_plant_spec(scenario)
    known = {
        *building_model.measure_quantities(spec, building_model.build_initial_state(spec)),
        *building_model.Orders().values,
    }
    return {fault.key: fault.what for fault in list_obstacles(scenario, bench, real, known)}


def _fault(kind, device="charger", **told):
    return {"at_s": 1, "do": "fault", "device": device, "kind": kind, **told}


def test_what_a_bench_can_do_is_not_refused(plain):
    bench = bench_file.load_bench(plain())
    events = (
        _fault("off"),
        _fault("unplugged"),
        _fault("off", "charger_net"),
        {"at_s": 1, "do": "clear", "device": "charger"},
        {"at_s": 1, "do": "plug"},
        {"at_s": 1, "do": "blackout", "for_s": 9},
        _fault("garbage", "meter"),
    )

    assert {} == _told(bench, _scenario(*events))


def test_where_nothing_is_real_nothing_is_refused(plain):
    assert {} == _told(bench_file.load_bench(plain()), _scenario(_fault("stuck"), rate=60), real=())


def test_a_second_of_a_real_device_is_a_real_one(plain):
    assert (
        "60: a second of charger is a real one; expected --rate 1"
        == _told(bench_file.load_bench(plain()), _scenario(rate=60))["rate"]
    )


@pytest.mark.parametrize(
    ("kind", "told"),
    [
        ("silent", {}),
        ("stuck", {}),
        ("garbage", {}),
        ("wrong", {"factor": 2}),
        ("bent", {"factor": 2}),
        ("slow", {"seconds": 1}),
        ("late", {"seconds": 1}),
        ("delayed", {"seconds": 1}),
        ("intermittent", {"seconds": 1}),
    ],
)
def test_every_verb_that_no_relay_can_do_is_refused_with_its_reason(plain, kind, told):
    what = _told(bench_file.load_bench(plain()), _scenario(_fault(kind, **told)))["events.0.kind"]

    assert what.startswith(f"charger is real and cannot be {kind}: ")
    assert len(what) > len(f"charger is real and cannot be {kind}: ") + 10


def test_a_verb_without_its_relay_is_refused_with_the_key_that_brings_it(plain):
    relay = 'cable = {{ board = "power", relay = 2, contact = "nc", rest = "connected" }}\n'
    bench = bench_file.load_bench(plain(x=(relay, "")))

    assert _told(bench, _scenario(_fault("unplugged")))["events.0.kind"].endswith("devices.charger.cable")


def test_a_cable_through_which_the_power_is_read_is_not_cut(plain):
    own = '{{ register = "holding:1020", type = "uint32", scale = 0.001 }}'
    bench = bench_file.load_bench(plain(x=('{{ meter = "clamp" }}', own)))

    assert "give it a meter of the bench" in _told(bench, _scenario(_fault("unplugged")))["events.0.kind"]
    assert {} == _told(bench, _scenario(_fault("off")))


def test_what_needs_hands_or_another_master_is_refused(plain):
    car = 'car = {{ board = "power", relay = 3, contact = "no", rest = "cut" }}\n'
    power = 'power = {{ board = "power", relay = 1, contact = "no", rest = "cut" }}\n'
    bench = bench_file.load_bench(plain(x=(car, ""), y=(power, "")))
    master = {"at_s": 1, "do": "master", "point": "ev1.current_max_a", "value": 16, "for_s": 9, "every_s": 1}
    told = _told(
        bench, _scenario({"at_s": 1, "do": "plug"}, master, {"at_s": 1, "do": "blackout", "for_s": 9})
    )

    assert "devices.charger.car" in told["events.0.do"]
    assert "no second client" in told["events.1.point"]
    assert "devices.charger.power" in told["events.2.do"]


@pytest.mark.parametrize(
    ("word", "name"),
    [("no current of that flows through a real device", "meter"), ("is no device of this house", "storage")],
)
def test_what_cannot_be_real_is_refused_with_the_reason(plain, word, name):
    bench = bench_file.load_bench(
        plain(x=('["charger"]', f'["{name}"]'), y=("devices.charger", f"devices.{name}"))
    )

    assert word in _told(bench, _scenario(), (name,))["real"]


def test_a_device_that_is_not_on_the_bench_is_told(plain):
    assert (
        "is not in [devices]: charger" in _told(bench_file.load_bench(plain()), _scenario(), ("gx",))["real"]
    )


def test_a_quantity_without_which_the_house_does_not_feel_it_is_asked_for_and_a_misspelt_one_is_told(plain):
    bench = bench_file.load_bench(plain(x=("power_w = {{ meter", "total_power_w = {{ meter")))
    told = _told(bench, _scenario())

    assert "does not feel the real device" in told["devices.charger.measured.power_w"]
    assert "did you mean power_w?" in told["devices.charger.measured.total_power_w"]


def test_a_fault_of_the_simulated_line_is_refused_where_one_of_its_devices_is_elsewhere(plain):
    text = bench_file.load_bench(plain()) and plain(
        x=("devices.charger", "devices.heatmeter"),
        y=('"charger"', '"heatmeter"'),
        z=("current_max_a = {{ register", "energy_import_wh = {{ register"),
    )
    told = _told(bench_file.load_bench(text), _scenario(_fault("off", "rs485")), ("heatmeter",))

    assert {"events.0.device": "heatmeter is real and not on rs485; name the devices one by one"} == told
