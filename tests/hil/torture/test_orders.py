"""The short form of the torture: who orders, and who must not."""

import pytest

from quartier_hil.torture import command

pytestmark = [pytest.mark.daemon, pytest.mark.peer]


@pytest.mark.parametrize("fault", ["nonsense", "district-restored", "old-key", "killed-at-its-word"])
def test_only_the_right_document_acts_and_the_next_good_one_is_heard(fault, tmp_path, record_property):
    verdict = command.tortured(fault, 1, command.SHORT, 1, tmp_path)
    record_property("figures", dict(verdict.figures))

    assert () == verdict.broken
