"""The forms of commands: each with its own fields, nothing that moves power without a duration."""

import pytest
from pydantic import ValidationError

from quartier.control.orders.commands import (
    CommandDocument,
    FailsafeTest,
    Ping,
    Release,
    Replay,
    ResetAlarm,
    SetMode,
    Setpoint,
    Shed,
)
from quartier.district.documents.command_form import COMMAND_FIELDS, CommandForm

FRAME = {"id": "c", "seq": 1, "iss": "d", "aud": "issy.b012", "iat": 1, "nbf": 1, "exp": 9}


def read(**body):
    return CommandForm.model_validate(FRAME | body).convert()


@pytest.mark.parametrize(
    ("body", "asked"),
    [
        ({"op": "shed", "level": 2, "duration_s": 600}, Shed(2, 600)),
        ({"op": "release"}, Release()),
        ({"op": "setpoint", "asset": "bat1", "w": -2000.5, "duration_s": 60}, Setpoint("bat1", -2000.5, 60)),
        ({"op": "mode", "mode": "manual", "duration_s": 60}, SetMode("manual", 60)),
        ({"op": "mode", "mode": "auto"}, SetMode("auto", 0)),
        ({"op": "ping"}, Ping()),
        ({"op": "replay", "from": {"boot": 7, "seq": 3}}, Replay(7, 3)),
        ({"op": "test_failsafe", "duration_s": 600}, FailsafeTest(600)),
        ({"op": "reset_alarm", "code": "cap.unmet:import"}, ResetAlarm("cap.unmet:import")),
    ],
)
def test_each_command_becomes_what_control_takes(body, asked):
    assert CommandDocument(id="c", seq=1, exp_utc_ms=9, asked=asked) == read(**body)


@pytest.mark.parametrize(
    "body",
    [
        {"op": "shed", "level": 2},
        {"op": "setpoint", "asset": "bat1", "w": 0},
        {"op": "mode", "mode": "manual"},
        {"op": "mode", "mode": "maintenance"},
        {"op": "test_failsafe"},
    ],
)
def test_rule_a_duration_is_mandatory_on_all_that_moves_power(body):
    with pytest.raises(ValidationError, match="duration_s"):
        read(**body)


@pytest.mark.parametrize(
    ("body", "most_s"),
    [
        ({"op": "shed", "level": 2}, 3600),
        ({"op": "setpoint", "asset": "bat1", "w": 0}, 3600),
        ({"op": "mode", "mode": "manual"}, 3600),
        ({"op": "test_failsafe"}, 600),
    ],
)
def test_rule_at_most_an_hour_and_a_test_of_the_fail_safe_state_ten_minutes(body, most_s):
    assert most_s == read(**body, duration_s=most_s).duration_s
    for wrong_s in (most_s + 1, 0, -1, float("nan")):
        with pytest.raises(ValidationError):
            read(**body, duration_s=wrong_s)


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"op": "reboot"},
        {"op": "shed", "level": 4, "duration_s": 60},
        {"op": "shed", "level": -1, "duration_s": 60},
        {"op": "setpoint", "asset": "", "w": 0, "duration_s": 60},
        {"op": "setpoint", "asset": "bat1", "w": float("inf"), "duration_s": 60},
        {"op": "mode", "mode": "off", "duration_s": 60},
        {"op": "replay", "from": 3},
        {"op": "replay", "from_": {"boot": 7, "seq": 3}},
        {"op": "ping", "level": 1},
    ],
)
def test_what_has_another_form_is_a_fault(body):
    with pytest.raises(ValidationError):
        read(**body)


def test_the_schema_says_which_fields_come_with_which_op():
    schema = CommandForm.model_json_schema()
    said = {rule["if"]["properties"]["op"]["const"]: rule["then"]["required"] for rule in schema["allOf"]}

    assert [*COMMAND_FIELDS] == schema["properties"]["op"]["enum"]
    assert ["asset", "w", "duration_s"] == said["setpoint"]
    assert {"boot", "seq"} == set(schema["$defs"]["EventKey"]["required"])
