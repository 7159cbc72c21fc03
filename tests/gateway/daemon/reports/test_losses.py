"""The rows of one site with its own numbers, and those in force as people read them."""

import json
from types import SimpleNamespace

import pytest

from quartier.control.supervise.loss_table import SitePeriods
from quartier.daemon.reports.losses import LossReport
from quartier.site.asset_types import Battery, GridMeter, Load
from quartier.site.records import Now
from quartier.site.site_layout import Site, SiteLimits
from quartier_drivers.contract import Fallback, PointInfo

NOON = 1_764_000_000_000
NOW = Now(0, NOON, synced=True)
HOUSE = Site(
    name="b1",
    grid=GridMeter(name="grid", rated_w=9000),
    limits=SiteLimits(
        import_hard_w=9000,
        export_hard_w=0,
        import_failsafe_w=4000,
        export_failsafe_w=0,
        import_autonomous_w=7000,
        export_autonomous_w=0,
    ),
    assets=(
        Battery(
            name="bat1",
            rated_w=5000,
            capacity_wh=9000,
            charge_max_w=5000,
            discharge_max_w=5000,
            ramp_max_w_per_s=1000,
        ),
        Load(name="heat", rated_w=2000, tier="C", switchable=True, falls_back=False),
    ),
)


def _info(point, fallback=None):
    return PointInfo(point, "float", "1/holding:5", 1.0, writable=True, on_release=0.0, fallback=fallback)


def _loss_report(error="", *, online=True):
    bus = SimpleNamespace(
        name="lan", is_down=not online, devices={"gx": SimpleNamespace(owners=frozenset({"bat1", "gx"}))}
    )
    timer = Fallback(after_s=45.0, value=0.0)
    points = {
        "bat1.setpoint_w": _info("bat1.setpoint_w", timer),
        "heat.relay_on": _info("heat.relay_on"),
    }
    fleet = SimpleNamespace(buses=[bus], points=points)
    return LossReport(HOUSE, fleet, SitePeriods(), SimpleNamespace(stats={"error": error}), district=True)


def _view(*losses):
    return {"losses": [{"name": name, "of": of} for name, of in losses], "alarms": ["one before"]}


def test_each_row_has_this_sites_own_timers():
    found = {(row["name"], row["of"]): row["deadline_s"] for row in _loss_report().render_losses()}

    assert 46.0 == found["battery-silent", "bat1"]
    assert found["load-silent", "heat"] is None
    assert 46.0 == found["bus-down", "lan"]
    assert 12.0 == found["grid-meter-lost", ""]


def test_an_alarm_names_the_row_and_its_deadline():
    view = _loss_report().add_details(_view(("battery-silent", "bat1"), ("load-silent", "heat")), NOW)

    assert "one before" == view["alarms"][0]
    assert view["alarms"][1].startswith("bat1: a battery is silent: its setpoint is given back")
    assert view["alarms"][1].endswith("(battery-silent, within 46 s)")
    assert view["alarms"][2].endswith("its last order stays in force (load-silent, nothing ends it)")


def test_an_asset_that_is_silent_with_its_bus_is_so_for_that():
    alarms = _loss_report(online=False).add_details(
        _view(("battery-silent", "bat1"), ("load-silent", "heat")), NOW
    )
    causes = {one.of: one.cause for one in alarms["alarms"][1:]}

    assert {"bat1": ("loss.bus_down", "lan"), "heat": None, "lan": None} == causes


def test_a_loss_says_since_when_until_it_is_over():
    loss_report = _loss_report()
    since = [
        [
            row["since_utc_ms"]
            for row in loss_report.add_details(view, Now((at_ms - NOON) * 1_000_000, at_ms, synced=True))[
                "losses"
            ]
        ]
        for view, at_ms in (
            (_view(("grid-meter-lost", "")), NOON),
            (_view(("grid-meter-lost", "")), NOON + 1000),
            (_view(), NOON + 2000),
            (_view(("grid-meter-lost", "")), NOON + 3000),
        )
    ]

    assert [[NOON], [NOON], [], [NOON + 3000]] == since


def test_a_house_that_is_well_is_told_as_it_is():
    view = _view()

    assert view is _loss_report().add_details(view, NOW)


def _outside(*args, **options):
    return [
        (row["name"], row["of"]) for row in _loss_report(*args, **options).add_details(_view(), NOW)["losses"]
    ]


def test_a_bus_that_is_lost_and_a_disk_are_rows_too():
    assert [("bus-down", "lan")] == _outside(online=False)
    assert [("disk-full", "")] == _outside("[Errno 28] No space left on device")
    assert [("disk-full", "")] == _outside("database or disk is full")
    assert [("disk-dead", "")] == _outside("disk I/O error")


@pytest.mark.daemon
async def test_a_running_daemon_tells_its_loss_table_and_who_asks_it_sees_the_losses(house):
    gateway, devices = house
    await gateway.start()
    await gateway.until(lambda status: status["control"]["grid"]["state"] == "good")
    code, out, _ = await gateway.call(
        "drill", "--declared", "--json", "--runtime-dir", str(gateway.runtime_dir)
    )
    devices["gx"].fault("silent")
    status = await gateway.until(
        lambda status: "battery-silent" in {row["name"] for row in status["control"]["losses"]}
    )

    assert 0 == code
    assert {"grid-meter-lost", "battery-silent", "controller-killed"} <= {
        row["name"] for row in json.loads(out)
    }
    assert any("(grid-meter-lost, within 12 s)" in alarm for alarm in status["control"]["alarms"])
