"""What is made of a loss that was seen: times by the daemon's own stamp and by the plant."""

from types import SimpleNamespace

import pytest

from quartier_hil.checks.run_record import RunRecord
from quartier_hil.drill import loss_causes, reactions
from quartier_hil.drill.loss_run import LossRun


def _rehearsal(**changes):
    made = object.__new__(LossRun)
    fields = {"loss": "grid-meter-lost", "of": "", "sign": "", "watched": "order.battery_w", "warm_s": 60.0}
    fields |= {"lasts_s": 20.0, "measure": reactions.measure_settling(0.0), "condition": None}
    made.loss_cause = SimpleNamespace(**{**fields, **changes})
    made.began_s, made.declared, made.guardian = 60.0, None, None
    made.looks, made.ordered = [], []
    made.ends = {}
    return made


def _look(at_s, *rows, utc_ms=1_000_000, late_max_s=0.1):
    losses = [
        {"name": name, "of": of, "since_utc_ms": utc_ms - int(age_s * 1000)} for name, of, age_s in rows
    ]
    return at_s, {
        "gateway": {"utc_ms": utc_ms},
        "control": {"losses": losses},
        "cycles": {"late_max_s": late_max_s},
    }


def test_when_a_loss_was_noticed_is_the_daemons_own_stamp_however_late_somebody_looked():
    made = _rehearsal()
    made.looks = [
        _look(65.0),
        _look(75.0, ("grid-meter-lost", "", 4.5)),
        _look(80.0, ("grid-meter-lost", "", 9.5)),
    ]

    assert 10.5 == made.build_measurement().noticed_s


def test_the_row_of_another_asset_is_not_this_one():
    made = _rehearsal(of="bat1")
    made.looks = [_look(75.0, ("grid-meter-lost", "bat2", 4.5))]

    assert made.build_measurement().noticed_s is None


def test_a_loss_is_noticed_by_the_row_that_is_its_sign():
    made = _rehearsal(loss="clock-jumped", sign="uplink-lost")
    made.looks = [_look(75.0, ("uplink-lost", "", 0.0))]

    assert 15.0 == made.build_measurement().noticed_s


def test_what_the_plant_did_counts_from_the_loss():
    made = _rehearsal()
    for at_s, order_w in ((59.0, -3000.0), (62.0, -3000.0), (70.5, 0.0), (79.0, 0.0), (81.0, -500.0)):
        made.ordered.append((at_s, order_w))

    assert 10.5 == made.build_measurement().reached_s


@pytest.mark.parametrize(
    ("charged_w", "after_s", "is_shown"), [((11_000.0, 11_000.0), 10.5, True), ((11_000.0, 0.0), None, False)]
)
def test_a_loss_without_a_charging_car_shows_no_reaction(charged_w, after_s, is_shown):
    made = _rehearsal(measure=reactions.measure_decrease(1.0), condition=loss_causes.CAR_CHARGES)
    made.ordered = [(59.0, 16.0), (70.5, 10.0)]
    made.record = RunRecord()
    for at_s, watts in zip((10.0, 59.5, 60.5), (*charged_w, 11_000.0), strict=True):
        made.record.add(at_s, {"ev1.power_w": watts})
    found = made.build_measurement()

    assert (after_s, is_shown) == (found.reached_s, found.is_shown)
    assert is_shown or found.words == "no car charged: 0 W before the loss"


def test_where_the_daemons_word_is_all_there_is_it_counts():
    made = _rehearsal(measure=None)
    made.looks = [_look(75.0, ("grid-meter-lost", "", 4.0))]

    assert 11.0 == made.build_measurement().reached_s


def test_a_figure_of_the_status_is_found_by_its_path():
    made = _rehearsal(watched="cycles.late_max_s", measure=reactions.measure_largest)
    made.looks = [_look(65.0, late_max_s=0.25)]

    assert 0.25 == made.build_measurement().reached_s


def test_after_the_end_of_the_daemon_the_first_safe_value_counts():
    made = _rehearsal(loss="controller-frozen")
    made.ends = {"gone_s": 9.8004, "first_s": 10.2, "all_s": 10.4}
    found = made.build_measurement()

    assert (9.8004, 10.2) == (found.noticed_s, found.reached_s)
    assert {"gone_s": 9.8, "first_s": 10.2, "all_s": 10.4} == found.others
    assert "all of them after 10.40 s" in found.words


def test_an_end_after_which_nothing_was_written_reached_nothing():
    made = _rehearsal(loss="controller-killed")
    made.ends = {"gone_s": 0.1}

    assert made.build_measurement().reached_s is None


def test_what_was_never_seen_is_no_reaction():
    made = _rehearsal(watched="order.lamps1.dim_pct", measure=reactions.measure_settling(100.0))
    made.looks = [_look(59.0), _look(65.0)]

    assert made.build_measurement().reached_s is None
