"""The short form of the torture: a gateway swapped."""

import pytest

from quartier_hil.torture import command

pytestmark = [pytest.mark.daemon, pytest.mark.peer]


def test_identity_keys_sequences_and_counters_go_on_and_the_old_one_is_shut_out(tmp_path, record_property):
    verdict = command.tortured("swapped", 1, command.SHORT, 1, tmp_path)
    record_property("figures", dict(verdict.figures))

    assert () == verdict.broken
    assert 4 == verdict.figures["starts"]
