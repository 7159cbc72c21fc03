"""The short form of the torture: a gateway swapped."""

import pytest

from quartier_bench.torture import torture_command

pytestmark = [pytest.mark.daemon, pytest.mark.peer]


def test_identity_keys_sequences_and_counters_go_on_and_the_old_one_is_shut_out(tmp_path, record_property):
    verdict = torture_command.torture_lot("swapped", 1, torture_command.SHORT_FORM, 1, tmp_path)
    record_property("figures", dict(verdict.figures))

    assert () == verdict.broken
    assert 4 == verdict.figures["starts"]
