import configparser
from dataclasses import replace
from math import inf
from pathlib import Path

import pytest

from quartier.control.observe import health
from quartier.control.observe.health import ControlStage, InputHealth, StageDecision
from quartier.control.supervise import loss_table
from quartier.control.supervise.loss_table import LOSSES, LOSSES_BY_NAME, SitePeriods
from quartier.site.asset_types import Battery, GridMeter, Load, Pv
from quartier.site.site_layout import Site, SiteLimits

UNIT = Path(__file__).parents[4] / "systemd" / "quartier.service"
HOUSE = Site(
    name="b1",
    grid=GridMeter(name="grid", rated_w=1, period_s=1.0),
    limits=SiteLimits(
        import_hard_w=1,
        export_hard_w=1,
        import_failsafe_w=1,
        export_failsafe_w=1,
        import_autonomous_w=1,
        export_autonomous_w=1,
    ),
    assets=(
        Battery(
            name="bat1",
            rated_w=1,
            capacity_wh=1,
            charge_max_w=1,
            discharge_max_w=1,
            ramp_max_w_per_s=1,
            period_s=2.0,
        ),
        Pv(name="pv1", rated_w=1),
        Load(name="boiler", rated_w=1, period_s=10.0),
    ),
)


def _found(timers_s, buses=None, *, district=True):
    cases = loss_table.list_site_losses(HOUSE, SitePeriods(), timers_s, buses or {}, district=district)
    return {(case.loss.name, case.of): (case.noticed_s, case.deadline_s) for case in cases}


def test_every_rule_of_the_failsafe_is_a_row_and_speaks_its_words():
    # The verdicts on the grid meter are alarms of their own; what they do is what stale and lost do.
    others = {"starting", "grid-meter-suspect", "grid-meter-implausible"}
    rules = {rule.name: rule.words for rule in health.STAGE_RULES if rule.name not in others}

    assert rules == {name: LOSSES_BY_NAME[name].words for name in rules}


@pytest.mark.parametrize("period_s", [0.2, 1.0, 2.5, 5.0])
@pytest.mark.parametrize(
    ("name", "stage"), [("grid-meter-stale", ControlStage.FREEZE), ("grid-meter-lost", ControlStage.SAFE)]
)
def test_a_rule_acts_by_the_time_its_row_declares_and_not_a_cycle_earlier(name, stage, period_s):
    noticed_s = LOSSES_BY_NAME[name].noticed_s(SitePeriods(grid_period_s=period_s, cycle_s=1.0))

    def judged(age_s):
        return health.decide_stage(
            StageDecision(), InputHealth(grid_age_s=age_s, grid_period_s=period_s), 0
        ).stage

    assert stage is judged(noticed_s)
    assert stage is not judged(noticed_s - 1.0)


@pytest.mark.parametrize("cycle_s", [0.2, 1.0])
@pytest.mark.parametrize("stall_s", [0.1, 0.51, 1.0, 1.49, 2.49, 3.0, 9.0])
def test_late_cycles_raise_nothing_after_the_time_that_their_row_declares(cycle_s, stall_s):
    """Cycles come ``stall_s`` periods late, each in turn; the last that may raise is within the deadline."""
    periods = SitePeriods(cycle_s=cycle_s)
    late = LOSSES_BY_NAME["cycle-late"]
    at_s, count, last_s, noticed_s = 0.0, 0, 0.0, None
    for _ in range(5):
        dt_s = (1.0 + stall_s) * cycle_s
        at_s += dt_s
        missed = health.count_missed_cycles(dt_s, cycle_s)
        count = count + missed if missed else 0
        if count >= health.CYCLES_LATE_MAX:
            noticed_s = at_s if noticed_s is None else noticed_s
        else:
            last_s = at_s

    if stall_s <= 0.5:
        assert noticed_s is None
        return
    assert last_s <= late.deadline_s(periods)
    assert noticed_s <= max(late.noticed_s(periods), (1.0 + stall_s) * cycle_s)


def test_the_page_of_a_row_lets_nothing_open():
    for loss in LOSSES:
        assert all((loss.name, loss.words, loss.noticed_by, loss.action, loss.within, loss.where, loss.back))
    assert len(LOSSES) == len(LOSSES_BY_NAME)


def test_the_watchdog_of_the_table_is_that_of_the_unit():
    unit = configparser.ConfigParser(strict=False, interpolation=None)
    unit.read(UNIT)

    assert loss_table.WATCHDOG_S == float(unit["Service"]["WatchdogSec"])


def test_silence_follows_each_assets_own_period_and_its_devices_own_timer():
    found = _found({"bat1": 60.0, "boiler": 120.0})

    assert (16.0, 62.0) == found["battery-silent", "bat1"]
    assert (31.0, 130.0) == found["load-silent", "boiler"]


def test_an_asset_that_takes_no_order_needs_no_timer():
    assert (16.0, 16.0) == _found({"bat1": 60.0})["pv-silent", "pv1"]


def test_an_order_that_nothing_ends_has_no_deadline():
    assert (31.0, inf) == _found({"boiler": inf})["load-silent", "boiler"]


@pytest.mark.parametrize(
    ("timers_s", "action", "where", "bus_adds", "bus_where"),
    [
        (
            {"boiler": 120.0},
            "counts at its rated power; its last order ends by its device's own timer",
            "the device's own timer; control counts it at its worst case meanwhile",
            "",
            "the devices' own timers",
        ),
        (
            {"boiler": inf},
            "counts at its rated power; its device has no timer: its last order stays in force",
            "control, which counts it at its worst case",
            "; no device on it has a timer: their last orders stay in force",
            "the control cycle, by the rows of its devices",
        ),
        (
            {},
            "counts at its rated power",
            "control, which counts it at its worst case",
            "",
            "the control cycle, by the rows of its devices",
        ),
    ],
)
def test_a_row_speaks_of_a_timer_only_where_the_device_has_one(timers_s, action, where, bus_adds, bus_where):
    cases = loss_table.list_site_losses(HOUSE, SitePeriods(), timers_s, {"io": ("boiler",)}, district=True)
    found = {case.loss.name: case for case in cases if case.of in ("boiler", "io")}

    assert (action, where) == (found["load-silent"].action, found["load-silent"].where)
    assert f"{LOSSES_BY_NAME['bus-down'].action}{bus_adds}" == found["bus-down"].action
    assert bus_where == found["bus-down"].where


def _tell(house, name, timers_s=None, buses=None):
    cases = loss_table.list_site_losses(house, SitePeriods(), timers_s or {}, buses or {}, district=True)
    return next((case.action, case.where) for case in cases if case.loss.name == name)


def test_a_bus_of_meters_alone_and_a_site_without_orders_wait_for_no_timer():
    assert "the control cycle, by the rows of its devices" == _tell(HOUSE, "bus-down", {}, {"tic": ()})[1]
    assert (
        "no device takes orders, so none needs a fallback",
        "nowhere, while the gateway has no power",
    ) == (_tell(HOUSE, "power-lost"))
    assert (
        "no device has a timer: their last orders stay in force"
        == _tell(HOUSE, "power-lost", {"bat1": inf})[0]
    )
    assert "the devices' own timers" == _tell(HOUSE, "power-lost", {"bat1": 60.0})[1]
    assert "counts at its largest charging power" == _tell(HOUSE, "battery-silent")[0]


BATTERY, SUN, BOILER = HOUSE.assets
RATED, SEEN = (
    f"the unmeasured load counts at {what}" for what in ("its rated 300 W", "the most seen so far")
)


@pytest.mark.parametrize(
    ("assets", "unmeasured_w", "action"),
    [
        (
            (BATTERY, replace(SUN, curtail="limit"), replace(BOILER, tier="C", switchable=True)),
            300.0,
            (
                f"{RATED}, loads are shed to the fail-safe limits, batteries are given back, PV is limited to the "
                "export limit"
            ),
        ),
        (
            (BATTERY, SUN),
            None,
            (f"{SEEN}, batteries are given back, pv1 takes no limit and is measured only"),
        ),
        (
            (replace(BATTERY, writable=False), replace(SUN, measured=False), BOILER),
            None,
            (f"{SEEN}, bat1 takes no order and is measured only, pv1 takes no limit and is not measured"),
        ),
        (
            (replace(SUN, curtail="relay", falls_back=False),),
            None,
            f"{SEEN}, pv1 takes no limit and is measured only",
        ),
    ],
)
def test_the_loss_of_the_grid_meter_tells_what_the_assets_of_this_site_do(assets, unmeasured_w, action):
    house = replace(HOUSE, assets=assets, unmeasured_w=unmeasured_w)

    assert (action, "the control cycle") == _tell(house, "grid-meter-lost")


def test_the_loss_of_the_district_speaks_of_batteries_only_where_there_are_some():
    assert LOSSES_BY_NAME["uplink-lost"].action == _tell(HOUSE, "uplink-lost")[0]
    assert "battery" not in _tell(replace(HOUSE, assets=(SUN,)), "uplink-lost")[0]


def test_an_output_without_a_timer_does_not_excuse_the_others():
    found = _found({"bat1": 60.0, "boiler": inf}, {"rs485": ("bat1", "boiler"), "io": ("boiler",)})

    assert (31.0, 70.0) == found["bus-down", "rs485"]
    assert (31.0, inf) == found["bus-down", "io"]


def test_a_bus_and_the_power_wait_for_the_longest_timer_behind_them():
    found = _found({"bat1": 60.0, "boiler": 120.0}, {"rs485": ("bat1", "boiler"), "net": ("bat1", "x")})

    assert (31.0, 130.0) == found["bus-down", "rs485"]
    assert (16.0, 62.0) == found["bus-down", "net"]
    assert (inf, 130.0) == found["power-lost", ""]


def test_without_a_district_none_can_be_lost():
    names = {name for name, _ in _found({}, district=False)}

    assert set() == names & {"uplink-lost", "clock-jumped"}
    assert {"grid-meter-lost", "clock-unsynced", "disk-full"} <= names


def test_a_class_that_runs_in_modes_has_the_row_of_all_such():
    class Lights(Load):
        role = "lights"

    assert "moded-silent" == loss_table.find_asset_loss(Lights(name="street", rated_w=1)).name
    assert "pv-silent" == loss_table.find_asset_loss(replace(HOUSE.assets[1])).name
