"""What is known of fallbacks survives a restart, becomes points, and is shown with the reason or the remedy."""

import asyncio
from types import SimpleNamespace

import pytest
import structlog
from tests.gateway.virtual import make_clock

from quartier.daemon import state_files
from quartier.daemon.reports import fallback_report
from quartier.runtime import state_file
from quartier.runtime.bus.fallback_monitor import FallbackProof, KnownFallbacks
from quartier.runtime.bus.point_directory import PointDirectory
from quartier.site.asset_types import Battery, ChargePointAsset, GridMeter, Load, Pv
from quartier.site.site_layout import Site, SiteLimits
from quartier_drivers.contract import ArmedFallback, Fallback, PointInfo
from quartier_drivers.readings import Quality

VIRTUAL_TIME = True
DEADLINE_S = 60_000.0  # virtual; only ends a test that has failed

S = 1_000_000_000
NOON = 1_764_000_000_000
LIMITS = SiteLimits(
    import_hard_w=9000,
    export_hard_w=0,
    import_failsafe_w=4000,
    export_failsafe_w=0,
    import_autonomous_w=7000,
    export_autonomous_w=0,
)
HOUSE = Site(
    name="b1",
    grid=GridMeter(name="grid", rated_w=9000),
    limits=LIMITS,
    assets=(
        Battery(
            name="bat1",
            rated_w=5000,
            capacity_wh=9000,
            charge_max_w=5000,
            discharge_max_w=5000,
            ramp_max_w_per_s=1000,
        ),
        Pv(name="pv1", rated_w=6000, curtail="limit"),
        Pv(name="roof", rated_w=6000),
        ChargePointAsset(name="ev1", rated_w=11_000),
        Load(name="heat", rated_w=2000, tier="C", switchable=True, falls_back=False),
        Load(name="lift", rated_w=2000, tier="A", switchable=True),
    ),
)
SETPOINT = "bat1.setpoint_w"


def info(point, fallback=None):
    return PointInfo(point, "float", "1/holding:5", 1.0, writable=True, on_release=0.0, fallback=fallback)


def test_what_was_kept_comes_back_and_nonsense_never_prevents_a_start(tmp_path):
    found = KnownFallbacks()
    found.note(ArmedFallback(SETPOINT, 0.0, 60.0), NOON)
    state_files.save_fallbacks(tmp_path, found)

    assert found.of(SETPOINT) == state_files.load_fallbacks(tmp_path).of(SETPOINT)
    state_file.save_facts(tmp_path / state_files.FALLBACKS_FILE, {SETPOINT: {"value": "many"}}, twice=True)
    assert state_files.load_fallbacks(tmp_path).of(SETPOINT) is None
    assert state_files.load_fallbacks(tmp_path / "gone").of(SETPOINT) is None


async def test_each_look_is_on_disk_soon_and_a_disk_that_refuses_is_said_once(tmp_path):
    log = structlog.testing.CapturingLogger()
    found, folder = KnownFallbacks(), tmp_path / "absent"
    clock = make_clock(1000.0)
    keeping = asyncio.create_task(state_files.run_fallback_saving(folder, found, clock, log))
    await asyncio.sleep(0)
    found.note(ArmedFallback(SETPOINT, 0.0, 60.0), NOON)
    async with asyncio.timeout(DEADLINE_S):
        while not log.calls:  # noqa: ASYNC110 - a log has no event
            await asyncio.sleep(1.0)
        folder.mkdir()
        while not state_file.load_facts(folder / state_files.FALLBACKS_FILE):  # noqa: ASYNC110 - a file has no event
            await asyncio.sleep(1.0)
    keeping.cancel()
    await asyncio.wait([keeping])

    assert ["fallbacks.not_kept"] == [call.args[0] for call in log.calls]


def test_only_what_can_be_given_orders_counts():
    assert [SETPOINT, "pv1.generation_max_w", "ev1.current_max_a", "heat.relay_on"] == [
        point for _, point in fallback_report.find_controllable_assets(HOUSE)
    ]


def told(fallback_points, now_ns):
    return {
        reading.point: (reading.value, reading.quality)
        for readings in fallback_points.make_readings(now_ns)
        for reading in readings
    }


def test_each_asset_tells_whether_its_fallback_stands():
    found = KnownFallbacks()
    found.note(ArmedFallback(SETPOINT, 0.0, 60.0), NOON)
    found.note(ArmedFallback("pv1.generation_max_w", 0.0, 60.0, "it never acts"), NOON)
    fallback_points = fallback_report.FallbackPoints(HOUSE, found)

    assert {
        "bat1.fallback_on": (True, Quality.GOOD),
        "bat1.fallback_proven_on": (False, Quality.GOOD),
        "pv1.fallback_on": (False, Quality.GOOD),
        "pv1.fallback_proven_on": (False, Quality.GOOD),
        "ev1.fallback_on": (False, Quality.BAD),
        "ev1.fallback_proven_on": (False, Quality.BAD),
        "heat.fallback_on": (False, Quality.GOOD),
        "heat.fallback_proven_on": (False, Quality.GOOD),
    } == told(fallback_points, 0)
    assert tuple(told(fallback_report.FallbackPoints(HOUSE, found), 0)) == fallback_points.names


def proof(*, acts=True, words="bat1 fell back 60 s after the last write"):
    return FallbackProof(acts, 60.0, 60.2 if acts else None, words, NOON)


def test_what_a_probe_saw_is_kept_beside_what_arming_found(tmp_path):
    found = KnownFallbacks()
    found.note(ArmedFallback(SETPOINT, 0.0, 60.0), NOON)
    state_files.save_fallbacks(tmp_path, found)
    state_files.save_fallback_proof(tmp_path, SETPOINT, proof())
    known = state_files.load_fallbacks(tmp_path)

    assert (found.of(SETPOINT), proof()) == (known.of(SETPOINT), known.find_proof(SETPOINT))


@pytest.mark.parametrize(
    ("look", "seen", "told_on"),
    [
        (ArmedFallback(SETPOINT, 0.0, 60.0), None, (True, False)),
        (ArmedFallback(SETPOINT, 0.0, 60.0), proof(), (True, True)),
        (ArmedFallback(SETPOINT, 0.0, 60.0), proof(acts=False), (False, False)),
        (ArmedFallback(SETPOINT, 0.0, 60.0, "it never acts"), proof(), (False, False)),
        (None, proof(acts=False), (False, False)),
        (ArmedFallback(SETPOINT, None, float("inf")), None, (True, True)),
    ],
)
def test_a_fallback_is_proven_only_by_who_saw_it_act_and_lost_where_it_was_seen_to_fail(look, seen, told_on):
    found = KnownFallbacks()
    if look is not None:
        found.note(look, NOON)
    if seen is not None:
        found.prove(SETPOINT, seen)
    points = told(fallback_report.FallbackPoints(HOUSE, found), 0)

    assert told_on == (points["bat1.fallback_on"][0], points["bat1.fallback_proven_on"][0])


def test_it_is_told_at_once_when_somebody_looked_and_every_ten_seconds():
    found = KnownFallbacks()
    fallback_points = fallback_report.FallbackPoints(HOUSE, found)
    counts = [len(told(fallback_points, second * S)) for second in (1, 2, 10, 11, 12)]
    found.note(ArmedFallback(SETPOINT, 0.0, 60.0), NOON)

    assert [8, 0, 0, 8, 0] == counts
    assert 8 == len(told(fallback_points, 13 * S))


@pytest.mark.parametrize(
    ("armed", "seen", "state"),
    [
        (None, None, "unseen"),
        (ArmedFallback(SETPOINT, 0.0, 60.0), None, "armed"),
        (ArmedFallback(SETPOINT, 0.0, 60.0), proof(), "verified"),
        (ArmedFallback(SETPOINT, 0.0, 60.0), proof(acts=False, words="it ignores its timer"), "different"),
        (None, proof(acts=False, words="it ignores its timer"), "different"),
        (ArmedFallback(SETPOINT, 0.0, None, is_verified=False), None, "declared"),
        (ArmedFallback(SETPOINT, 0.0, None, is_verified=False), proof(), "verified"),
        (ArmedFallback(SETPOINT, 0.0, 0.0, "it never acts"), proof(), "different"),
    ],
)
def test_a_fallback_is_shown_with_what_was_found_and_seen(armed, seen, state):
    found = KnownFallbacks()
    if armed is not None:
        found.note(armed, NOON)
    if seen is not None:
        found.prove(SETPOINT, seen)
    row = fallback_report.render_fallback(info(SETPOINT, Fallback(0.0, 60.0)), found, NOON + 5000)

    assert (state, 60.0, False) == (row["state"], row["after_s"], row["holds"])
    assert armed is None or row["age_s"] == 5.0
    assert seen is None or seen.acts or "it ignores its timer" == row["problem"]


def test_the_command_that_proves_is_named_only_where_something_is_left_to_prove_and_a_probe_can():
    battery, roof, ev = HOUSE.assets[0], HOUSE.assets[2], HOUSE.assets[3]

    def row(**changes):
        return {"state": "armed", "holds": False, "kept_by": "writes"} | changes

    assert "quartier probe bat1 --watch-timer" == fallback_report.find_probe_command(battery, row())
    assert "quartier probe ev1 --watch-timer" == fallback_report.find_probe_command(ev, row(state="declared"))
    assert [""] * 5 == [
        fallback_report.find_probe_command(battery, row(state="verified")),
        fallback_report.find_probe_command(battery, row(holds=True)),
        fallback_report.find_probe_command(battery, row(kept_by="requests")),
        fallback_report.find_probe_command(roof, row()),
        fallback_report.find_probe_command(None, row()),
    ]


def test_a_cap_that_leaving_left_holds_for_now_and_is_verified():
    found, point = KnownFallbacks(), "pv1.generation_max_w"
    found.note(ArmedFallback(point, 1500.0, float("inf")), NOON)
    row = fallback_report.render_fallback(info(point, Fallback(2000.0, 60.0)), found, NOON)

    assert ("verified", True, 1500.0, None) == (
        row["state"],
        row["holds"],
        row["found_value"],
        row["found_after_s"],
    )


def test_what_holds_has_no_seconds_and_what_is_not_there_is_none():
    holds = fallback_report.render_fallback(
        info("pv1.generation_max_w", Fallback(None, float("inf"))), KnownFallbacks(), NOON
    )

    assert (True, None) == (holds["holds"], holds["after_s"])
    assert "none" == fallback_report.render_fallback(info("heat.relay_on"), KnownFallbacks(), NOON)["state"]


def test_a_row_names_place_state_and_why_it_is_accepted():
    infos = {SETPOINT: info(SETPOINT, Fallback(0.0, 60.0)), "heat.relay_on": info("heat.relay_on")}
    health = SimpleNamespace(name="gx")
    bus = SimpleNamespace(name="lan", points=PointDirectory([(health, infos)]))
    fleet = SimpleNamespace(points=PointDirectory([(bus, infos)]), fallbacks=KnownFallbacks())
    rows = fallback_report.render_fallbacks(HOUSE, fleet, {"heat": "a heater bears it, says the owner"}, NOON)

    assert [
        ("lan", "gx", SETPOINT, "unseen", None),
        ("lan", "gx", "heat.relay_on", "none", "a heater bears it, says the owner"),
    ] == [(row["bus"], row["device"], row["point"], row["state"], row["accepted"]) for row in rows]
