"""Which word of the primary host counts."""

import pytest

from quartier.district.primary import PrimaryHost


@pytest.mark.parametrize(
    ("online", "timestamp_ms", "counts"),
    [(True, 9, False), (False, 9, False), (True, 10, True), (False, 10, True), (True, 11, True)],
)
def test_a_word_counts_that_is_not_older_than_the_last_that_did(online, timestamp_ms, counts):
    host = PrimaryHost()
    assert host.hear(online=False, timestamp_ms=10) is False
    assert (online if counts else None) is host.hear(online=online, timestamp_ms=timestamp_ms)


def test_what_did_not_count_sets_no_time():
    host = PrimaryHost()
    host.hear(online=True, timestamp_ms=10)
    host.hear(online=False, timestamp_ms=5)
    assert host.hear(online=False, timestamp_ms=10) is False


def test_each_server_has_its_own_time():
    host = PrimaryHost()
    host.hear(online=True, timestamp_ms=10)
    host.server = 1
    assert host.hear(online=True, timestamp_ms=5) is True
    host.server = 0
    assert host.hear(online=True, timestamp_ms=5) is None
