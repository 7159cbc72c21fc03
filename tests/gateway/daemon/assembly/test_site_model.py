"""From a real site file, profiles of our own included, to what the rooms are given."""

from dataclasses import replace
from math import inf

import pytest

from quartier.config import loading
from quartier.control.cycle import run_cycle
from quartier.control.records import LinkLimits
from quartier.control.requests import Requests
from quartier.control.state import ControlState
from quartier.daemon.assembly import bus_specs, site_model
from quartier.site import site_layout
from quartier.site.asset_types import BatchLoad
from quartier.site.process_image import ProcessImage
from quartier.site.records import Now
from quartier_drivers.contract import DeviceSpec
from quartier_drivers.readings import Quality, Reading, make_readings
from quartier_drivers.registry import load_factory

INVERTER = """\
[profile]
protocol = "modbus"
maker = "Acme"
model = "Sun 10"
source = "made for this test"
[points.power_w]
register = "input:0x0000"
type = "int32"
low = -100000
high = 1000
scan = "fast"
[points.generation_max_w]
register = "holding:0x0010"
type = "uint32"
low = 0
high = 100000
scan = "normal"
[points.generation_max_w.write]
low = 0
high = 100000
on_release = "cap"
"""
CHARGER = """\
[profile]
protocol = "modbus"
maker = "Acme"
model = "Plug"
source = "made for this test"
[points.power_w]
register = "input:0x0000"
type = "int32"
low = -1000
high = 100000
[points.plugged_on]
register = "discrete:0x0000"
type = "bool"
[points.current_max_a]
register = "holding:0x0001"
type = "uint16"
low = 0
high = 32
[points.current_max_a.write]
low = 0
high = 32
on_release = "own"
own = { register = "holding:0x0002", type = "uint16", value = 0 }
"""
SITE = """\
site = { id = "b012", district = "issy", profiles = ["profiles"] }
limits = { contract_import_w = 12000, contract_export_w = 6000, failsafe_export_w = 1500, failsafe_min_s = 9000 }
control = { cycle_s = 2, grid_target_w = 50 }
store.deadbands = { power_w = 80, soc_pct = 2 }
buses.lan = { kind = "modbus-tcp", host = "127.0.0.1", port = 1502 }
buses.board = { kind = "modbus-tcp", host = "127.0.0.1", port = 1503 }
devices.gx = { bus = "lan", profile = "victron/gx", unit = 227 }
devices.relays = { bus = "board", profile = "waveshare/relay8", unit = 3 }
devices.meter = { bus = "board", profile = "eastron/sdm630", unit = 1 }
devices.roof = { bus = "board", profile = "acme/sun10", unit = 9 }
devices.barn = { bus = "board", profile = "eastron/sdm630", unit = 4 }
devices.plug = { bus = "lan", profile = "acme/plug", unit = 5 }
devices.spare = { bus = "lan", profile = "eastron/sdm630", unit = 6 }
nodes.yard = { fuse_a = 32 }
assets.grid = { role = "grid", device = "gx", part = "grid" }
assets.bat1 = { role = "battery", device = "gx", part = "battery", rated_w = 5000, capacity_wh = 10000, discharge_max_w = 4000 }
assets.pv1 = { role = "pv", device = "roof", rated_w = 10000 }
assets.pv2 = { role = "pv", device = "barn", rated_w = 1000, switch_device = "relays", switch_part = "relay2", node = "yard" }
assets.pv3 = { role = "pv", device = "gx", part = "pv", rated_w = 3000, share = "local" }
assets.ev1 = { role = "ev", device = "plug", current_min_a = 7 }
assets.boiler = { role = "load", device = "meter", tier = "C", rated_w = 2000, switch_device = "relays", switch_part = "relay1" }
"""


@pytest.fixture
def read(tmp_path):
    """``read(text)``: a site file as the daemon loads it."""
    folder = tmp_path / "profiles" / "acme"
    folder.mkdir(parents=True)
    (folder / "sun10.toml").write_text(INVERTER)
    (folder / "plug.toml").write_text(CHARGER)

    def reads(text=SITE):
        path = tmp_path / "site.toml"
        path.write_text(text)
        return loading.load_site_leniently(path)

    return reads


class Clock:
    """The time of drivers that are asked for their points only."""

    rate = 1.0

    def now_ns(self):
        return 0


def served(loaded):
    """The points that drivers on these wires serve, wires, release values and house."""
    wires = bus_specs.make_bus_specs(loaded)
    points = {}
    for wire in wires:
        opened = load_factory(wire.section.kind)
        line = opened.line(wire.name, wire.section, Clock())
        for spec, profile in wire.devices:
            own = load_factory(wire.section.kind, profile.protocol)
            points |= own.driver(line, spec, profile, Clock()).points
    values = bus_specs.find_release_values(wires, points)
    return points, values, site_model.make_site(loaded.site, points, values)


def asset(house, name):
    return {found.name: found for found in house.assets}[name]


def specs(loaded):
    return {spec.name: spec for wire in bus_specs.make_bus_specs(loaded) for spec, _ in wire.devices}


def test_a_site_without_faults_gives_every_bus_its_devices(read):
    loaded = read()

    assert {} == loaded.disabled
    found = {wire.name: [spec.name for spec, _ in wire.devices] for wire in bus_specs.make_bus_specs(loaded)}
    assert {"lan": ["gx", "plug"], "board": ["relays", "meter", "roof", "barn"]} == found


def test_a_device_that_no_asset_uses_is_not_polled(read):
    assert "spare" not in specs(read())


def test_parts_are_owned_by_assets_and_of_a_switch_only_the_relay_is_wanted(read):
    found = specs(read())

    assert {"grid": "grid", "battery": "bat1", "pv": "pv3"} == found["gx"].owners
    assert {"relay1": "boiler", "relay2": "pv2"} == found["relays"].owners
    assert {"relay1": {"relay_on"}, "relay2": {"relay_on"}} == found["relays"].points
    assert {"": "boiler"} == found["meter"].owners
    assert {} == found["meter"].points, "all that its profile has"


def test_the_cap_that_on_release_writes_is_the_failsafe_value(read):
    found = specs(read())

    assert {"pv1.generation_max_w": 1500.0} == found["roof"].caps
    assert 1000.0 == found["relays"].caps["pv2.generation_max_w"], "never above what it can make"
    assert {"ev1.current_max_a": 7.0} == found["plug"].caps


def test_two_readings_of_one_file_give_equal_wires(read):
    assert bus_specs.make_bus_specs(read()) == bus_specs.make_bus_specs(read())


def test_a_changed_unit_changes_its_own_wire_only(read):
    before = {wire.name: wire for wire in bus_specs.make_bus_specs(read())}
    after = {
        wire.name: wire for wire in bus_specs.make_bus_specs(read(SITE.replace("unit = 9", "unit = 10")))
    }

    assert before["lan"] == after["lan"]
    assert before["board"] != after["board"]


def test_devices_share_a_moment_until_it_is_full(read, monkeypatch):
    def moments():
        return {name: spec.phase_ns // bus_specs.POLL_PHASE_NS for name, spec in specs(read()).items()}

    assert {0} == set(moments().values())

    monkeypatch.setattr(bus_specs, "BATCH_POINTS_COUNT_MAX", 5)
    assert {"gx": 0, "relays": 1, "meter": 2, "roof": 3, "barn": 4, "plug": 5} == moments()
    monkeypatch.setattr(bus_specs, "BATCH_POINTS_COUNT_MAX", 1)
    assert 5 == max(moments().values()), "what is too large for any has one alone"


def test_the_connection_meter_is_asked_in_the_moment_before_the_cycle_wherever_it_stands(read, monkeypatch):
    monkeypatch.setattr(bus_specs, "BATCH_POINTS_COUNT_MAX", 5)
    text = SITE.replace('device = "gx", part = "grid"', 'device = "meter"')
    found = {name: spec.phase_ns // bus_specs.POLL_PHASE_NS for name, spec in specs(read(text)).items()}

    assert (0, 1) == (found["meter"], found["gx"])


def test_a_device_that_comes_before_moves_no_other_wire(read, monkeypatch):
    before = {wire.name: wire for wire in bus_specs.make_bus_specs(read())}
    monkeypatch.setattr(bus_specs, "BATCH_POINTS_COUNT_MAX", 1)

    assert before == {wire.name: wire for wire in bus_specs.make_bus_specs(read())}, (
        "its moment is none of its identity"
    )


def test_the_house_has_the_limits_and_the_cycle_of_the_file(read):
    _, _, house = served(read())

    assert ("b012", "grid", 2.0, 50.0) == (house.name, house.grid.name, house.cycle_s, house.grid_target_w)
    limits = house.limits
    assert (12000.0, 6000.0) == (limits.import_hard_w, limits.export_hard_w)
    assert (6000.0, 1500.0) == (limits.import_failsafe_w, limits.export_failsafe_w)
    assert (9600.0, 6000.0) == (limits.import_autonomous_w, limits.export_autonomous_w)


def test_curtailment_is_what_the_points_allow(read):
    _, _, house = served(read())

    assert ["limit", "relay", "none"] == [asset(house, name).curtail for name in ("pv1", "pv2", "pv3")]


def test_an_operator_may_forbid_curtailment_but_cannot_invent_it(read):
    text = SITE.replace("rated_w = 10000 }", 'rated_w = 10000, curtail = "none" }')
    _, _, house = served(read(text))

    assert ("none", True) == (asset(house, "pv1").curtail, asset(house, "pv1").is_output_unused)
    assert not asset(house, "pv3").is_output_unused


def test_a_battery_is_what_file_and_profile_say_together(read):
    _, _, house = served(read())
    battery = asset(house, "bat1")

    assert (5000.0, 4000.0) == (battery.charge_max_w, battery.discharge_max_w)
    assert 1000.0 == battery.ramp_max_w_per_s, "a fifth of its power a second where nothing is said"
    assert battery.lease_s <= 60.0, "renewed before the GX forgets it"
    assert (True, True) == (battery.writable, battery.measured)


def test_an_ev_without_a_rating_can_take_what_its_cable_can(read):
    _, _, house = served(read())
    ev = asset(house, "ev1")

    assert (16 * 230 * 3, 7.0, True) == (ev.rated_w, ev.current_min_a, ev.writable)


@pytest.mark.parametrize(("tier", "switchable"), [("A", False), ("B", True), ("C", True), ("D", True)])
def test_a_load_of_tier_a_is_never_switched_even_with_a_relay(read, tier, switchable):
    _, _, house = served(read(SITE.replace('tier = "C"', f'tier = "{tier}"')))

    assert switchable is asset(house, "boiler").switchable


def test_assets_stand_under_their_node(read):
    _, _, house = served(read())

    assert ("yard", "grid") == (asset(house, "pv2").node, asset(house, "pv1").node)


def test_release_values_are_numbers_caps_or_nothing(read):
    _, values, house = served(read())

    expected = {
        "bat1.setpoint_w": 0.0,
        "boiler.relay_on": 0.0,
        "pv2.relay_on": 0.0,
        "pv1.generation_max_w": 1500.0,
        "ev1.current_max_a": None,
    }
    assert expected == values
    assert values == house.release_values


def test_a_disabled_device_leaves_its_asset_at_the_worst_case(read):
    loaded = read(SITE.replace("waveshare/relay8", "waveshare/relay9").replace("acme/plug", "acme/plugg"))

    assert {"devices.relays", "devices.plug"} <= set(loaded.disabled)
    assert {"relays", "plug"}.isdisjoint(specs(loaded))
    points, _, house = served(loaded)
    assert not any(point.startswith("ev1.") for point in points)
    boiler, ev = asset(house, "boiler"), asset(house, "ev1")
    assert (True, False) == (boiler.measured, boiler.switchable)
    assert (False, False) == (ev.measured, ev.writable)
    assert "none" == asset(house, "pv2").curtail


def test_a_bus_with_a_fault_takes_its_devices_along_and_nothing_else(read):
    loaded = read(SITE.replace("port = 1503", "port = 150300"))

    assert ["lan"] == [wire.name for wire in bus_specs.make_bus_specs(loaded)]
    _, _, house = served(loaded)
    assert asset(house, "bat1").writable
    assert not asset(house, "boiler").measured


def test_a_house_whose_grid_meter_is_out_of_action_still_stands(read):
    loaded = read(SITE.replace("victron/gx", "victron/gxx"))
    points, _, house = served(loaded)

    assert "grid" == house.grid.name
    assert 1.0 == house.grid.period_s
    assert "grid.power_w" not in points


def test_devices_of_models_stand_beside_plain_ones_and_a_cap_that_ends_by_itself_is_leased(read):
    text = SITE.replace('profile = "acme/sun10"', 'profile = "sunspec/pv"')
    loaded = read(text)
    points, values, house = served(loaded)

    assert {} == loaded.disabled
    assert (1500.0, 60.0) == (
        points["pv1.generation_max_w"].fallback.value,
        points["pv1.generation_max_w"].fallback.after_s,
    )
    assert ("limit", 60.0, True) == (
        asset(house, "pv1").curtail,
        asset(house, "pv1").lease_s,
        asset(house, "pv1").falls_back,
    )
    assert 1500.0 == values["pv1.generation_max_w"]


def test_a_wire_says_what_a_driver_is_made_from(read):
    spec, profile = next(w for w in bus_specs.make_bus_specs(read()) if w.name == "lan").devices[0]

    assert isinstance(spec, DeviceSpec)
    assert ("gx", 227, "modbus") == (spec.name, spec.unit, profile.protocol)


CONTACTS = """\
devices.inputs = { bus = "board", profile = "waveshare/io8", unit = 7 }
contacts.dso1 = { device = "inputs", part = "in1", import_max_w = 4200 }
contacts.dso2 = { device = "inputs", part = "in2", acts = "open", generation_max_w = 0, release_s = 300, debounce_s = 0.5 }
"""


def test_contacts_own_their_inputs_and_nothing_else_of_the_board_is_read(read):
    loaded = read(SITE + CONTACTS)
    points, _, house = served(loaded)

    assert {"in1": "dso1", "in2": "dso2"} == specs(loaded)["inputs"].owners
    assert {"dso1.input_on", "dso2.input_on"} == {point for point in points if point.startswith("dso")}
    assert (
        site_layout.LimitContact(name="dso1", import_max_w=4200.0),
        site_layout.LimitContact(
            name="dso2", acts_open=True, generation_max_w=0.0, release_s=300.0, debounce_s=0.5
        ),
    ) == house.contacts


def test_a_contact_on_a_device_that_is_disabled_is_still_there_and_will_act(read):
    loaded = read(SITE + CONTACTS.replace("waveshare/io8", "waveshare/gone"))
    points, _, house = served(loaded)

    assert ["dso1", "dso2"] == [contact.name for contact in house.contacts]
    assert not any(point.startswith("dso") for point in points)


LINES = """\
buses.header = { kind = "gpio", bias = "pull-up", active_low = true }
devices.terminal1 = { bus = "header", profile = "linux/gpio", unit = 17 }
devices.terminal2 = { bus = "header", profile = "linux/gpio", unit = 27 }
contacts.dso1 = { device = "terminal1", import_max_w = 4200 }
contacts.dso2 = { device = "terminal2", export_max_w = 0 }
"""


def test_a_gpio_line_is_a_contact_as_an_input_of_a_board_is(read):
    points, _, house = served(read(SITE + LINES))

    assert {"dso1.input_on", "dso2.input_on"} == {point for point in points if point.startswith("dso")}
    assert ("line 17", 0.25) == (points["dso1.input_on"].address, points["dso1.input_on"].period_s)
    assert ["dso1", "dso2"] == [contact.name for contact in house.contacts]


LINKY = """\
buses.tic = { kind = "tic", port = "usb:TIC1" }
devices.tic1 = { bus = "tic", profile = "enedis/linky_standard" }
"""


def test_a_supply_owns_its_meter_and_caps_the_house(read):
    loaded = read(SITE + LINKY + 'supplies.linky = { device = "tic1", release_s = 30 }\n')
    points, _, house = served(loaded)

    assert (site_layout.SupplyMeter(name="linky", release_s=30.0, period_s=2.0),) == house.supplies
    assert "linky.over_power_on" in points
    assert not house.grid.is_apparent


@pytest.mark.parametrize(("mode", "period_s"), [("standard", 2.0), ("historique", 3.0)])
def test_a_linky_as_the_grid_meter_is_a_supply_by_itself(read, mode, period_s):
    grid = 'grid = { role = "grid", device = "gx", part = "grid"'
    assert grid in SITE
    text = SITE.replace(grid, 'grid = { role = "grid", device = "tic1"') + LINKY.replace("standard", mode)
    _, _, house = served(read(text))

    assert (True, period_s) == (house.grid.is_apparent, house.grid.period_s)
    assert (site_layout.SupplyMeter(name="grid", period_s=period_s, is_grid=True),) == house.supplies


DISTRICT = """\
site = { id = "b012", district = "issy", latitude = 48.82, longitude = 2.27 }
limits = { contract_import_w = 90000, contract_export_w = 30000 }
buses.lan = { kind = "modbus-tcp", host = "127.0.0.1" }
devices.gx = { bus = "lan", profile = "victron/gx", unit = 227 }
devices.cabinet = { bus = "lan", profile = "quartier/lights_cabinet", unit = 1 }
devices.plant = { bus = "lan", profile = "quartier/waste_plant", unit = 2 }
devices.substation = { bus = "lan", profile = "quartier/substation", unit = 3 }
devices.pump = { bus = "lan", profile = "quartier/heat_pump", unit = 4 }
devices.engine = { bus = "lan", profile = "quartier/chp", unit = 5 }
devices.unit = { bus = "lan", profile = "quartier/ventilation", unit = 6 }
devices.meter = { bus = "lan", profile = "eastron/sdm630", unit = 7 }
devices.relays = { bus = "lan", profile = "waveshare/relay8", unit = 8 }
assets.grid = { role = "grid", device = "gx", part = "grid" }
assets.street = { role = "lights", device = "cabinet", rated_w = 4000 }
assets.waste = { role = "waste", device = "plant", rated_w = 45000 }
assets.loop = { role = "substation", device = "substation", rated_w = 7500, pump_min_pct = 40, supply_max_c = 75 }
assets.hp = { role = "heat", device = "pump", rated_w = 12000, comfort_max_c = 55 }
assets.chp = { role = "chp", device = "engine", rated_w = 20000, led = "electricity", start_import_w = 60000 }
assets.chp2 = { role = "chp", device = "engine2", rated_w = 20000 }
assets.air = { role = "ventilation", device = "unit", rated_w = 3000, speed_min_pct = 40 }
devices.engine2 = { bus = "lan", profile = "kwenergie/smartblock", unit = 9 }
[assets.boiler]
role = "heat"
device = "meter"
rated_w = 3000
switch_device = "relays"
switch_part = "relay1"
accept_no_fallback = "a boiler left on or off is within fuse and contract, decided with the owner"
"""


def test_each_class_of_a_district_is_steered_by_what_its_device_takes(read):
    loaded = read(DISTRICT)
    points, values, house = served(loaded)
    steered = {one.name: one for one in house.assets}

    assert {} == loaded.disabled
    assert {
        "street.dim_pct": 100,
        "waste.run_on": 1,
        "loop.pump_pct": 100,
        "hp.sg_ready_state": 2,
        "chp.request_on": None,
        "air.speed_pct": 100,
        "boiler.relay_on": 0,
    } == values
    assert values.keys() == {one.point for one in steered.values() if one.writable}
    assert ("tank_c", "room_c") == steered["hp"].senses
    assert ("waiting_on", "left_s") == steered["waste"].senses
    assert ("supply_c", "return_c") == steered["loop"].senses
    assert (("supply_c", -inf, 75.0),) == steered["loop"].bands
    assert (48.82, 2.27) == steered["street"].place
    assert [600, 900, 600, 600, 900, 600] == [
        steered[name].lease_s for name in ("street", "waste", "loop", "hp", "chp", "air")
    ]
    assert "boiler.power_w" in points


@pytest.mark.parametrize(("tier", "led"), [("D", True), ("A", False)])
def test_a_load_with_a_run_is_led_by_its_relay_and_one_of_tier_a_is_only_measured(read, tier, led):
    run = f'role = "load"\ntier = "{tier}"\nrun_w = [3000]'
    _, _, house = served(read(DISTRICT.replace('[assets.boiler]\nrole = "heat"', f"[assets.boiler]\n{run}")))
    (boiler,) = (one for one in house.assets if one.name == "boiler")

    assert isinstance(boiler, BatchLoad)
    assert ("boiler.relay_on", led, True, ()) == (
        boiler.point,
        boiler.writable,
        boiler.measured,
        boiler.senses,
    )
    assert boiler.accepts_no_fallback


def test_a_cap_on_a_district_reaches_the_points_of_its_classes(read):
    _, _, house = served(read(DISTRICT))
    image, state = ProcessImage(), ControlState.fresh(house)
    told = {
        "grid.power_w": 30_000.0,
        "street.power_w": 4_000.0,
        "hp.power_w": 9_000.0,
        "air.power_w": 3_000.0,
    }
    told |= {"loop.power_w": 7_500.0, "loop.supply_c": 40.0, "loop.return_c": 30.0, "chp.power_w": 0.0}
    caps = LinkLimits(mode="CONTROLLED", why="", since_ns=0, import_max_w=90_000.0, export_max_w=30_000.0)
    orders: dict[str, float] = {}
    for second in range(130):
        ns = second * 1_000_000_000
        image.put(make_readings((Reading(p, v, Quality.GOOD, ns) for p, v in told.items()), ns))
        tight = replace(caps, import_max_w=8_000.0) if second > 30 else caps
        decision = run_cycle(image.freeze(ns), Requests(caps=tight), state, Now(ns, 1_790_000_000_000, True))
        state = decision.state
        orders |= {command.point: command.value for command in decision.commands}

    assert {"hp.sg_ready_state": 1, "loop.pump_pct": 40, "street.dim_pct": 50, "chp.request_on": 1} == {
        point: orders[point]
        for point in ("hp.sg_ready_state", "loop.pump_pct", "street.dim_pct", "chp.request_on")
    }
    assert 40 == orders["air.speed_pct"]


@pytest.mark.parametrize(("profile", "own"), [("grundfos/cim", True), ("quartier/substation", False)])
def test_a_pump_that_can_be_given_back_is_its_own_while_nothing_is_wanted(read, profile, own):
    text = DISTRICT.replace("quartier/substation", profile).replace(", supply_max_c = 75", "")
    text = text.replace(
        "pump_min_pct = 40",
        'pump_min_pct = 40, accept_no_fallback = "a slow pump harms nobody, says its owner"',
    )
    _, _, house = served(read(text))

    assert own is asset(house, "loop").own_normal
