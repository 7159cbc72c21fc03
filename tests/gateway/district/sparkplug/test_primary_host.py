"""Which word of the primary host counts."""

import pytest

from quartier.district.sparkplug.primary_host import CONTESTED_S, HOST_AHEAD_MAX_MS, PrimaryHost
from quartier.site.records import Now

NOW = Now(0, 1_000_000, True)


@pytest.mark.parametrize(
    ("online", "timestamp_ms", "counts"),
    [(True, 9, False), (False, 9, False), (True, 10, True), (False, 10, True), (True, 11, True)],
)
def test_a_word_counts_that_is_not_older_than_the_last_that_did(online, timestamp_ms, counts):
    host = PrimaryHost()
    assert host.hear(NOW, online=False, timestamp_ms=10) is False
    assert (online if counts else None) is host.hear(NOW, online=online, timestamp_ms=timestamp_ms)


def test_what_did_not_count_sets_no_time():
    host = PrimaryHost()
    host.hear(NOW, online=True, timestamp_ms=10)
    host.hear(NOW, online=False, timestamp_ms=5)
    assert host.hear(NOW, online=False, timestamp_ms=10) is False


def test_each_server_has_its_own_time():
    host = PrimaryHost()
    host.hear(NOW, online=True, timestamp_ms=10)
    host.begin(1)
    assert host.hear(NOW, online=True, timestamp_ms=5) is True
    host.begin(0)
    assert host.hear(NOW, online=True, timestamp_ms=5) is None


def test_a_host_whose_clock_was_ahead_is_heard_again_once_it_is_right():
    host = PrimaryHost()
    assert host.hear(NOW, online=True, timestamp_ms=2**63) is True
    assert host.hear(NOW, online=False, timestamp_ms=2**63) is False
    assert host.hear(NOW, online=True, timestamp_ms=NOW.utc_ms + HOST_AHEAD_MAX_MS - 1) is None
    assert host.hear(NOW, online=True, timestamp_ms=NOW.utc_ms + HOST_AHEAD_MAX_MS) is True


def test_a_clock_that_is_not_trusted_judges_nobody():
    host, unsure = PrimaryHost(), Now(0, 0, False)
    host.hear(unsure, online=True, timestamp_ms=1_000_000)
    assert host.hear(unsure, online=True, timestamp_ms=999_999) is None


def test_a_host_that_was_ahead_while_our_clock_was_not_trusted_is_heard_again_once_both_are_right():
    host = PrimaryHost()
    host.hear(Now(0, 0, False), online=True, timestamp_ms=2**63)
    assert host.hear(NOW, online=True, timestamp_ms=NOW.utc_ms + HOST_AHEAD_MAX_MS - 1) is None
    assert host.hear(NOW, online=False, timestamp_ms=NOW.utc_ms + HOST_AHEAD_MAX_MS) is False


def after(seconds):
    return Now(int(seconds * 1e9), NOW.utc_ms + int(seconds * 1e3), True)


@pytest.mark.parametrize("forged_ms", [NOW.utc_ms + 30_000, 2**63])
def test_a_forged_offline_ahead_of_the_hosts_own_time_shuts_it_out_for_a_minute_and_is_told(forged_ms):
    host = PrimaryHost()
    host.hear(NOW, online=True, timestamp_ms=10)
    assert host.hear(NOW, online=False, timestamp_ms=forged_ms) is False
    assert host.hear(NOW, online=True, timestamp_ms=10) is None
    assert host.accept_contested(after(CONTESTED_S - 1)) is None

    note = host.accept_contested(after(CONTESTED_S))
    assert ("district.state_contested", True) == (note.code, note.alarm)
    assert host.accept_contested(after(CONTESTED_S + 1)) is None
    assert host.hear(after(99), online=False, timestamp_ms=10) is False, "its own Will counts again"


@pytest.mark.parametrize(
    "then",
    [
        lambda host: host.hear(after(1), online=False, timestamp_ms=10),
        lambda host: host.hear(after(1), online=False, timestamp_ms=NOW.utc_ms + 40_000),
        lambda host: host.begin(0),
    ],
)
def test_an_old_online_counts_only_while_it_is_the_brokers_last_word(then):
    host = PrimaryHost()
    host.hear(NOW, online=False, timestamp_ms=NOW.utc_ms + 30_000)
    host.hear(NOW, online=True, timestamp_ms=10)
    then(host)
    assert host.accept_contested(after(3_600)) is None
