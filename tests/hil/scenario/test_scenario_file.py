import pytest

from quartier_drivers.errors import ConfigError
from quartier_hil.scenario.builtin_scenarios import find_scenario, list_builtin
from quartier_hil.scenario.outside_events import LimitEnvelope
from quartier_hil.scenario.scenario_file import load_scenario

HEAD = 'title = "x"\nstart = 2026-06-12T12:00:00\nduration_s = 100\n'


def _faults(tmp_path, text):
    path = tmp_path / "x.toml"
    path.write_text(text)
    with pytest.raises(ConfigError) as caught:
        load_scenario(path)
    return [str(fault) for fault in caught.value.faults]


@pytest.mark.parametrize("name", sorted(list_builtin()))
def test_our_scenarios_load(name):
    scenario = load_scenario(find_scenario(name))

    assert scenario.checks
    assert scenario.story


def test_the_wanted_scenarios_are_there():
    wanted = {"demo", "cap-kept", "battery-band", "grid-meter-lost", "device-lost-and-back", "three-meters"}

    wanted |= {f"{kind}-{generation}" for kind in ("timers", "cap-stays") for generation in ("1xx", "7xx")}
    wanted |= {
        "frequency-jolt",
        "frequency-half",
        "blackout-restart",
        "cars-metered-board",
        "clock-verbs",
        "wire-verbs",
    }
    wanted |= {"frequency-slow", "frequency-fast", "brown-out", "blackout"}
    assert wanted | {"broker-away", "contact-acts", "kill-nine", "day"} <= set(list_builtin())


def test_all_faults_come_at_once_with_file_and_key(tmp_path):
    faults = _faults(
        tmp_path,
        HEAD
        + '[house]\nbattery_wattage = 3\n[[events]]\nat_s = 3\ndo = "caps"\nimport_maxw = 4\n'
        + '[[checks]]\ncheck = "within"\n',
    )

    path = tmp_path / "x.toml"
    assert f"{path}: house.battery_wattage: is no key of this table; did you mean battery_w?" in faults
    assert f"{path}: events.0.import_maxw: is no key of this table; did you mean import_max_w?" in faults
    assert f"{path}: events.0.for_s: is missing" in faults
    assert f"{path}: checks.0.point: is missing" in faults


def test_a_renamed_key_is_a_fault_that_names_the_new_one(tmp_path):
    faults = _faults(tmp_path, HEAD + '[[checks]]\ncheck = "faults"\ntold_s = 20\n')

    assert [
        f"{tmp_path / 'x.toml'}: checks.0.told_s: is no key of this table; it is now called report_max_s"
    ] == faults


def test_an_event_after_the_end_is_a_fault(tmp_path):
    assert (
        "events.0.at_s: 101 is after the end, 100"
        in _faults(tmp_path, HEAD + '[[events]]\nat_s = 101\ndo = "say"\ntext = "late"\n')[0]
    )


def test_a_key_that_no_picture_has_is_told_with_those_it_has(tmp_path):
    panel = '[[pictures.panels]]\nunit = "kW"\nhight = 5\ncurves = [{ label = "a", pont = "x" }]\n'
    faults = _faults(tmp_path, f'{HEAD}[[pictures]]\nname = "a"\ntitel = "b"\n{panel}')

    assert [] == [near for near in ("title", "height", "point") if f"mean {near}?" not in "".join(faults)]


def test_a_curve_is_a_point_or_a_level(tmp_path):
    panel = '[[pictures.panels]]\nunit = "kW"\ncurves = [{ label = "a" }]\n'
    faults = _faults(tmp_path, f'{HEAD}[[pictures]]\nname = "a"\ntitle = "b"\n{panel}')

    assert "either point or level" in faults[0]


def test_what_is_no_toml_says_so(tmp_path):
    assert "is not valid TOML" in _faults(tmp_path, "title = ")[0]


def test_an_unknown_name_names_those_that_exist():
    with pytest.raises(ConfigError, match="cap-kept"):
        find_scenario("cap-keep")


def test_events_become_what_they_do():
    event = load_scenario(find_scenario("cap-kept")).events[1]

    assert isinstance(event, LimitEnvelope)
    assert (600, 5000) == (event.at_s, event.import_max_w)
    assert "import <= 5 kW for 10 min" == event.words


def test_a_folder_of_the_same_name_does_not_hide_a_scenario(tmp_path, monkeypatch):
    (tmp_path / "demo").mkdir()
    monkeypatch.chdir(tmp_path)

    assert load_scenario(find_scenario("demo")).title.startswith("Quartier")


def test_a_contact_needs_a_house_that_has_one(tmp_path):
    events = '[[events]]\nat_s = 3\ndo = "contact"\nclosed = true\n[[events]]\nat_s = 4\ndo = "clear"\ndevice = "inputs"\n'

    needed = [fault.split(": ")[1:] for fault in _faults(tmp_path, HEAD + events)]
    assert [
        [f"events.{index}", "needs house.contact_import_w", "the board with the contact"] for index in (0, 1)
    ] == needed
    path = tmp_path / "y.toml"
    path.write_text(HEAD + events + "[house]\ncontact_import_w = 4200\n")
    assert 2 == len(load_scenario(path).events)


def test_an_inverter_that_this_house_has_not_cannot_fail(tmp_path):
    events = "".join(
        f'[[events]]\nat_s = 3\ndo = "fault"\ndevice = "{name}"\nkind = "unplugged"\n'
        for name in ("gx", "storage", "solar")
    )
    checks = '[[checks]]\ncheck = "released"\n'

    assert [
        "events.1.device: storage is not in this house",
        "events.2.device: solar is not in this house",
    ] == [fault.partition(": ")[2] for fault in _faults(tmp_path, HEAD + events + checks)]
    house = '[house]\nbattery = "sunspec-7xx"\npv = "sunspec-1xx"\n'
    assert ["events.0.device: gx is not in this house"] == [
        fault.partition(": ")[2] for fault in _faults(tmp_path, HEAD + house + events + checks)
    ]


@pytest.mark.parametrize(
    ("event", "fault"),
    [
        (
            'do = "fault"\ndevice = "relays"\nkind = "stuck"',
            "events.0.kind: relays cannot be stuck: it measures nothing",
        ),
        (
            'do = "fault"\ndevice = "rs485"\nkind = "wrong"\nfactor = 2',
            "events.0.kind: rs485 cannot be wrong",
        ),
        ('do = "fault"\ndevice = "gx"\nkind = "slow"', "events.0.seconds: is missing"),
        ('do = "fault"\ndevice = "meter"\nkind = "clamps"', "events.0.factor: is missing"),
        (
            'do = "fault"\ndevice = "charger"\nkind = "foreign"',
            "events.0.kind: charger cannot be foreign: it has no current transformers",
        ),
        (
            'do = "fault"\ndevice = "gx"\nkind = "stuck"\nvalue = 500',
            "events.0.kind: gx cannot be stuck: it has no current transformers",
        ),
        ('do = "fault"\ndevice = "meter"\nkind = "clamps"\nfactor = 0\nphases = [4]', "events.0.phases"),
        ('do = "clear"\ndevice = "tic"', "events.0.device: tic is not in this house"),
        ('do = "clock"\nkind = "slow"', "events.0.seconds: 0; a clock that is slow needs how many"),
        (
            'do = "master"\npoint = "hp1.relay_on"\nvalue = 1\nfor_s = 9',
            "events.0.point: hp1.relay_on is no output",
        ),
        (
            'do = "blackout"\nfor_s = 9\nbacked = ["gateway", "ups"]',
            "events.0.backed: ups: not in this house",
        ),
    ],
)
def test_what_cannot_happen_in_this_house_is_a_fault_with_its_reason(tmp_path, event, fault):
    assert fault in _faults(tmp_path, HEAD + f"[[events]]\nat_s = 3\n{event}\n")[0]


def test_a_planner_is_for_a_house_that_plans(tmp_path):
    contract = '[house]\nmeters = ["tic"]\n[house.tariff]\ncontract = "hc"\n'
    planner = '[[events]]\nat_s = 3\ndo = "planner"\n'

    assert "events.0.do: there is no planner" in _faults(tmp_path, HEAD + contract + planner)[0]


def test_a_contract_is_read_where_there_is_one(tmp_path):
    assert "checks.0: needs house.tariff" in _faults(tmp_path, HEAD + '[[checks]]\ncheck = "tariff"\n')[0]


def test_a_load_that_pulses_comes_on_so_many_times(tmp_path):
    path = tmp_path / "pulses.toml"
    event = 'events = [{ do = "load", at_s = 5, extra_w = 900, for_s = 2, every_s = 7, times = 3 }]\n'
    path.write_text(HEAD + event + 'checks = [{ check = "invariants" }]\n')

    assert [(5, 2, 900), (12, 2, 900), (19, 2, 900)] == [
        (one.at_s, one.for_s, one.extra_w) for one in load_scenario(path).events
    ]
