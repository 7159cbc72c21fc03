import pytest

from quartier.runtime import release_log
from quartier.runtime.release import BusRelease, load_release, save_release

UTC_MS = 1_700_000_000_000
BOILER, BATTERY = {"point": "boiler.relay_on", "values": [0]}, {"point": "bat1.setpoint_w", "values": [0]}
WIRE = BusRelease(
    "lan",
    {"kind": "modbus-tcp"},
    [BATTERY, BATTERY, BOILER],
    {"boiler.relay_on": 0.0, "bat1.setpoint_w": None},
)


def noted(tmp_path, failures=None):
    release_log.append_releases(tmp_path, [WIRE], failures or {}, UTC_MS, "no daemon runs: safe value")
    return release_log.read_releases(tmp_path)


def test_each_point_that_was_written_is_one_row(tmp_path):
    battery, boiler = noted(tmp_path)
    assert ("boiler.relay_on", 0.0, "done", UTC_MS) == (
        boiler.point,
        boiler.value,
        boiler.outcome,
        boiler.known_ms,
    )
    assert ("bat1.setpoint_w", None) == (battery.point, battery.value)
    assert {("release", "no daemon runs: safe value")} == {
        (row.who.kind, row.why) for row in (battery, boiler)
    }


def test_a_failure_is_told_of_its_point_alone(tmp_path):
    battery, boiler = noted(tmp_path, {"lan": ["boiler.relay_on: no answer"]})
    assert ("unknown", "boiler.relay_on: no answer", "done") == (boiler.outcome, boiler.note, battery.outcome)


def test_a_failure_of_a_bus_may_be_that_of_every_point(tmp_path):
    assert ["unknown", "unknown"] == [
        row.outcome for row in noted(tmp_path, {"lan": ["not finished within 4 s"]})
    ]


def test_rows_are_added_until_they_are_forgotten_and_never_without_bound(tmp_path):
    noted(tmp_path)
    assert 4 == len(noted(tmp_path))
    for _ in range(release_log.LINES_COUNT_MAX // 2):
        release_log.append_releases(tmp_path, [WIRE], {}, UTC_MS, "again")
    assert release_log.LINES_COUNT_MAX == len(release_log.read_releases(tmp_path))
    release_log.clear_releases(tmp_path)
    release_log.clear_releases(tmp_path)
    assert [] == release_log.read_releases(tmp_path)


def test_nothing_written_leaves_no_file_and_a_damaged_line_costs_only_itself(tmp_path):
    release_log.append_releases(tmp_path, [BusRelease("lan", {}, [])], {}, UTC_MS, "why")
    assert [] == list(tmp_path.iterdir())
    noted(tmp_path)
    path = tmp_path / release_log.RELEASE_LOG_FILE
    path.write_text("{half\n" + path.read_text())
    assert 2 == len(release_log.read_releases(tmp_path))
    path.write_bytes(b"\xff\xfe")
    assert [] == release_log.read_releases(tmp_path)


def test_a_folder_that_takes_nothing_is_said(tmp_path):
    with pytest.raises(OSError, match="none"):
        release_log.append_releases(tmp_path / "none", [WIRE], {}, UTC_MS, "why")


def test_the_table_keeps_what_its_writes_mean_and_one_of_an_older_version_has_none(tmp_path):
    save_release(tmp_path, [WIRE])
    assert [WIRE] == load_release(tmp_path)
    assert {} == BusRelease("lan", {}, []).safe
