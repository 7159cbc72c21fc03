"""The short form of the torture: who orders, and who must not."""

import pytest

from quartier_bench.torture import torture_command

pytestmark = [pytest.mark.daemon, pytest.mark.peer]


@pytest.mark.parametrize("fault", ["invalid-documents", "district-restored", "old-key", "killed-at-its-word"])
def test_only_the_right_document_acts_and_the_next_good_one_is_heard(fault, tmp_path, record_property):
    verdict = torture_command.torture_lot(fault, 1, torture_command.SHORT_FORM, 1, tmp_path)
    record_property("figures", dict(verdict.figures))

    assert () == verdict.broken
