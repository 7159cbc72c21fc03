"""The gateway's own points: announced in births, stored and shown under the same names."""

import structlog
from structlog.testing import capture_logs

from quartier.control.link.state import LinkMode
from quartier.daemon.reports import gateway_values
from quartier.daemon.reports.gateway_values import DiskMonitor
from quartier.runtime.ticker import Ticker
from quartier_drivers.points import parse_quantity, split_point
from quartier_drivers.readings import Quality


def told(*looks):
    with capture_logs() as log:
        disk = DiskMonitor(structlog.get_logger())
        for stats in looks:
            disk.look(stats)
    return [line["event"] for line in log]


def test_a_full_disk_is_said_once_when_it_begins_and_once_when_it_is_over():
    full = {"error": "database or disk is full"}

    assert ["store.disk_failed", "store.disk_back"] == told(
        {"error": ""}, full, full, {"error": ""}, {"error": ""}
    )


def test_a_damaged_history_is_said_with_the_name_it_is_kept_under():
    aside = {"set_aside": "history.db.damaged-1", "gaps_count": 1}

    assert ["store.set_aside", "store.gap"] == told(aside, aside)


def test_each_new_gap_is_said():
    assert ["store.gap", "store.gap"] == told({"gaps_count": 2}, {"gaps_count": 2}, {"gaps_count": 3})


def test_a_history_that_was_removed_is_said_once():
    lost = {"renewed_count": 1}

    assert ["store.file_lost"] == told({}, lost, lost)


def test_what_was_lost_is_noticed_as_an_alarm_and_what_fails_now_is_a_row_of_the_loss_table():
    disk = DiskMonitor(structlog.testing.CapturingLogger())
    alarms = disk.look({"error": "disk I/O error", "set_aside": "old", "renewed_count": 1, "gaps_count": 1})

    assert ["store.set_aside", "store.file_lost", "store.gap"] == [code for code, _text in alarms]


VIEW = {"mode": "HOLD", "caps": {"import": {"max_w": 9000}, "export": {"max_w": 0}}}


class Clock:
    def now_ns(self):
        return 0


def values(store=None, uplink=None, **options):
    ticker = Ticker(1.0, Clock(), lambda: None)
    ticker.lateness.add(0.25)
    ticker.skipped_count = 4
    return gateway_values.find_gateway_values(
        VIEW, ticker, store or {}, uplink or {}, **{"alarms_count": 2, "synced": True, **options}
    )


def test_exactly_the_announced_points_get_values():
    assert list(gateway_values.GATEWAY_POINTS) == list(values())


def test_an_operator_sees_mode_caps_lateness_and_alarms():
    found = values({"backlog_count": 12, "gaps_count": 1}, {"data_on": True}, synced=False)

    assert "HOLD" == gateway_values.LINK_STATES[found["gateway.mode_index"]]
    assert (9000.0, 0.0) == (found["gateway.import_max_w"], found["gateway.export_max_w"])
    assert (0.25, 4, 2) == (
        found["gateway.lateness_s"],
        found["gateway.skipped_count"],
        found["gateway.alarms_count"],
    )
    assert (False, True) == (found["gateway.synced_on"], found["gateway.district_on"])
    assert (12, 1) == (found["gateway.backlog_count"], found["gateway.gaps_count"])


def test_a_house_without_a_district_says_so_and_a_store_that_is_not_open_counts_nothing():
    found = values()

    assert found["gateway.district_on"] is False
    assert 0 == found["gateway.backlog_count"]


def test_every_mode_of_the_link_has_its_number():
    assert set(gateway_values.LINK_STATES) == {str(mode) for mode in LinkMode}


def test_readings_are_good_and_of_now():
    found = gateway_values.make_gateway_readings(values(), 17)

    assert {(Quality.GOOD, 17)} == {(reading.quality, reading.taken_ns) for reading in found}


def test_births_announce_a_kind_that_fits_the_value():
    infos = gateway_values.make_point_infos(gateway_values.GATEWAY_POINTS, "gateway")
    kinds = {"float": float, "int": int, "bool": bool}

    assert set(gateway_values.GATEWAY_POINTS) == set(infos)
    for point, value in values().items():
        assert kinds[infos[point].kind] is type(value), point
        assert infos[point].kind == parse_quantity(split_point(point)[1]).kind
        assert (False, "gateway") == (infos[point].writable, infos[point].address)
