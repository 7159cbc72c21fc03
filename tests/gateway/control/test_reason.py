import json

import pytest

from quartier.control import reason
from quartier.control.limits.active import HARD, combine_limits
from quartier.control.reason import (
    NO_REASON,
    make_grid_reason,
    make_reason,
    make_rule_reason,
    make_text_reason,
)
from quartier.control.records import PowerLimits
from quartier_drivers.contract import OWN_RULE, Origin

DSO = Origin("document", "dso", "12", 7)
ENVELOPE = make_reason("envelope.says", DSO, program="dso", document="12")
CAP = make_reason("cap.import", DSO, 9000, ENVELOPE, limit_w=4000)


def test_a_reason_is_shown_as_text():
    assert "import cap 4000 W (envelope dso 12)" == str(CAP)
    assert (
        "import cap 4000 W (envelope dso 12): charging paused"
        == f"{CAP.then(make_reason('charging.paused'))}"
    )
    assert "limited to fit import cap 4000 W (envelope dso 12)" == str(
        CAP.limit_until(make_reason("cap.fits"))
    )


@pytest.mark.parametrize(
    ("code", "values", "error"),
    [
        ("cap.unheard_of", {}, KeyError),
        ("load.shed", {}, ValueError),
        ("load.shed", {"tier": "C", "limit_w": 1}, ValueError),
        ("load.shed", {"limit_w": 1}, ValueError),
    ],
)
def test_an_unknown_code_and_values_that_do_not_fit_are_refused(code, values, error):
    with pytest.raises(error):
        make_reason(code, **values)


def test_what_names_nobody_is_a_rule_of_ours():
    assert (OWN_RULE, None) == (NO_REASON.who, NO_REASON.until_utc_ms)
    assert Origin("rule", "restore") == make_rule_reason("restore.waits", "restore").who
    assert (
        Origin("grid", "low voltage") == make_grid_reason("grid.voltage", "low voltage", voltage_pct=88).who
    )


def test_what_is_said_further_stays_whose_it_was():
    longer = CAP.then(make_reason("charging.paused"))
    behind = CAP.limit_until(make_reason("mode.stands", mode="low"))

    assert (DSO, 9000) == (longer.who, longer.until_utc_ms) == (behind.who, behind.until_utc_ms)


def test_a_reason_is_a_value_with_parts():
    slowed = make_reason("charging.slowed")
    whole = CAP.then(make_reason("cap.mean_over")).then(slowed)

    assert (slowed, CAP.then(make_reason("cap.mean_over"))) == (whole.last, whole.drop_last())
    assert CAP.drop_last() is None
    assert (4000, None) == (whole.get("limit_w"), whole.get("tier"))
    assert {CAP: 1}[make_reason("cap.import", DSO, 9000, ENVELOPE, limit_w=4000)]


def test_a_reason_for_programs_is_json():
    found = reason.render_data(CAP.then(make_reason("load.shed", tier="C")))

    assert found == json.loads(json.dumps(found))
    assert {
        "code": "cap.import",
        "values": {"limit_w": 4000},
        "source": {"code": "envelope.says", "values": {"program": "dso", "document": "12"}},
        "more": {"code": "load.shed", "values": {"tier": "C"}},
    } == found


def test_plain_text_is_a_reason_too():
    assert "the filter is changed" == str(make_text_reason("the filter is changed"))


def test_the_tightest_cap_keeps_who_is_behind_it():
    _, whose = combine_limits([(HARD, PowerLimits(9, 9)), (ENVELOPE, PowerLimits(4, 9))])
    assert (DSO, Origin("rule", "hard limit")) == (whose["import"].who, whose["export"].who)


def test_a_cap_of_a_document_is_behind_every_command_it_caused(plant):
    p = plant(base_w=200, ev_wants_w=11_040, soc_pct=50, loads_w={"heat": 1000})
    p.run(20).cap(import_max_w=2000, sources={"import": ENVELOPE})
    p.run(30)

    caused = [command for _, command in p.log if "envelope dso 12" in command.reason]
    assert {"ev1.current_max_a"} <= {command.point for command in caused}
    assert {DSO} == {command.who for command in caused}


def test_a_command_of_no_cap_says_which_rule_of_ours_it_is(plant):
    p = plant(base_w=2000, soc_pct=50).run(10)
    assert {Origin("rule", "self-consumption")} == {
        command.who for _, command in p.log if command.point == "bat1.setpoint_w"
    }
