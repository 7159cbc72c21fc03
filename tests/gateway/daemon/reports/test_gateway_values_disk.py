import structlog
from structlog.testing import capture_logs

from quartier.daemon.reports.gateway_values import DiskMonitor


def told(*looks):
    with capture_logs() as log:
        disk = DiskMonitor(structlog.get_logger())
        for stats in looks:
            disk.look(stats)
    return [line["event"] for line in log]


def test_a_full_disk_is_said_once_when_it_begins_and_once_when_it_is_over():
    full = {"error": "database or disk is full"}

    assert ["store.failing", "store.back"] == told({"error": ""}, full, full, {"error": ""}, {"error": ""})


def test_a_damaged_history_is_said_with_the_name_it_is_kept_under():
    aside = {"set_aside": "history.db.damaged-1", "gaps_count": 1}

    assert ["store.set_aside", "store.gap"] == told(aside, aside)


def test_each_new_gap_is_said():
    assert ["store.gap", "store.gap"] == told({"gaps_count": 2}, {"gaps_count": 2}, {"gaps_count": 3})


def test_a_history_that_was_removed_is_said_once():
    lost = {"renewed_count": 1}

    assert ["store.file_lost"] == told({}, lost, lost)


def test_what_was_lost_is_noticed_as_an_alarm_and_what_fails_now_is_a_row_of_the_ladder():
    noticed = []
    disk = DiskMonitor(structlog.testing.CapturingLogger(), lambda code, _text: noticed.append(code))
    disk.look({"error": "disk I/O error", "set_aside": "old", "renewed_count": 1, "gaps_count": 1})

    assert ["store.set_aside", "store.file_lost", "store.gap"] == noticed
