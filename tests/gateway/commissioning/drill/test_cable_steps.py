import pytest

from quartier.commissioning.drill import cable_steps

ROWS = [
    {"name": name, "of": of, "noticed_s": noticed_s, "deadline_s": deadline_s, "action": "x"}
    for name, of, noticed_s, deadline_s in (
        ("grid-meter-stale", "", 4.0, 4.0),
        ("grid-meter-lost", "", 11.0, 12.0),
        ("battery-silent", "bat1", 16.0, 61.0),
        ("load-silent", "heat", 16.0, 16.0),
        ("bus-down", "lan", 16.0, None),
        ("uplink-lost", "", 121.0, 122.0),
        ("disk-dead", "", 21.0, 1.0),
    )
]
GIVEN_BACK = {"reason": "given back: grid meter lost", "code": "output.given_back"}
STATUS = {
    "gateway": {"utc_ms": 1_000_000},
    "control": {
        "grid": {"age_s": 3.5},
        "assets": {"bat1": {"age_s": 1.0}},
        "losses": [{"name": "grid-meter-lost", "of": "", "since_utc_ms": 998_500}],
    },
    "fallbacks": [{"asset": "bat1", "device": "gx"}],
    "written": {
        "bat1.setpoint_w": GIVEN_BACK | {"verdict": "done", "age_s": 1.2},
        "ev1.current_max_a": None,
    },
    "buses": [
        {"name": "lan", "devices": [{"name": "gx", "identity": {"maker": "Victron", "serial": "c06"}}]}
    ],
}


@pytest.mark.parametrize(
    ("grid", "expected"),
    [
        ({}, {"verdict": "", "why": ""}),
        ({"verdict": "good", "causes": []}, {"verdict": "good", "why": ""}),
        (
            {"verdict": "implausible", "causes": [{"code": "none", "value": 0.0}]},
            {
                "verdict": "implausible",
                "why": "no reaction (dead, or of another building): it does not show the assets' own steps:"
                " look whether its CTs measure this connection",
            },
        ),
    ],
)
def test_record_names_what_the_running_gateway_holds_against_its_meter(grid, expected):
    assert expected == cable_steps.render_meter_verdict({"control": {"grid": grid}})


def _steps(*wanted):
    return list(cable_steps.list_cable_steps(ROWS, STATUS, wanted))


def test_only_what_hands_can_do_is_asked_for_in_the_order_of_the_loss_table():
    assert ["grid-meter-lost", "battery-silent", "load-silent", "bus-down", "uplink-lost"] == [
        step.loss for step in _steps()
    ]
    assert ["bus-down lan"] == [step.name for step in _steps("bus-down")]


def test_it_says_which_cable_of_which_device():
    assert "the data cable of bat1 (device gx)" == _steps("battery-silent")[0].pull


def test_a_person_is_asked_only_where_the_devices_own_timer_acts():
    asked = {step.loss: bool(step.question) for step in _steps()}

    assert {
        "grid-meter-lost": False,
        "battery-silent": True,
        "load-silent": False,
        "bus-down": False,
        "uplink-lost": False,
    } == asked


def test_when_it_was_noticed_is_the_daemons_own_stamp():
    assert 1.5 == cable_steps.find_noticed_age_s(_steps("grid-meter-lost")[0], STATUS)
    assert cable_steps.find_noticed_age_s(_steps("battery-silent")[0], STATUS) is None


@pytest.mark.parametrize(
    ("loss", "age_s"), [("grid-meter-lost", 3.5), ("battery-silent", 1.0), ("uplink-lost", None)]
)
def test_the_last_reading_says_until_when_the_cable_was_in(loss, age_s):
    assert age_s == cable_steps.find_last_good_age_s(_steps(loss)[0], STATUS)


def test_a_setpoint_counts_as_given_back_when_the_wire_said_so():
    assert 1.2 == cable_steps.find_release_age_s(STATUS)
    assert (
        cable_steps.find_release_age_s({"written": {"x": GIVEN_BACK | {"verdict": "unknown", "age_s": 1}}})
        is None
    )


def test_the_record_names_the_devices_with_their_serials():
    assert [{"bus": "lan", "device": "gx", "maker": "Victron", "serial": "c06"}] == cable_steps.list_devices(
        STATUS
    )
