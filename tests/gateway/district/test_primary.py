"""Which word of the primary host counts."""

import pytest

from quartier.district.primary import AHEAD_MAX_MS, PrimaryHost
from quartier.house.now import Now

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
    host.server = 1
    assert host.hear(NOW, online=True, timestamp_ms=5) is True
    host.server = 0
    assert host.hear(NOW, online=True, timestamp_ms=5) is None


def test_a_host_whose_clock_was_ahead_is_heard_again_once_it_is_right():
    host = PrimaryHost()
    assert host.hear(NOW, online=True, timestamp_ms=2**63) is True
    assert host.hear(NOW, online=False, timestamp_ms=2**63) is False
    assert host.hear(NOW, online=True, timestamp_ms=NOW.utc_ms + AHEAD_MAX_MS - 1) is None
    assert host.hear(NOW, online=True, timestamp_ms=NOW.utc_ms + AHEAD_MAX_MS) is True


def test_a_clock_that_is_not_trusted_judges_nobody():
    host, unsure = PrimaryHost(), Now(0, 0, False)
    host.hear(unsure, online=True, timestamp_ms=1_000_000)
    assert host.hear(unsure, online=True, timestamp_ms=999_999) is None


def test_a_host_that_was_ahead_while_our_clock_was_not_trusted_is_heard_again_once_both_are_right():
    host = PrimaryHost()
    host.hear(Now(0, 0, False), online=True, timestamp_ms=2**63)
    assert host.hear(NOW, online=True, timestamp_ms=NOW.utc_ms + AHEAD_MAX_MS - 1) is None
    assert host.hear(NOW, online=False, timestamp_ms=NOW.utc_ms + AHEAD_MAX_MS) is False
