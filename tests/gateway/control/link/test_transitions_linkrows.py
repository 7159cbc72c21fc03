import pytest

from quartier.control.link.state import LinkMode
from quartier.control.link.transitions import TRANSITIONS


def test_every_state_has_a_way_out_and_every_way_its_reason():
    assert set(LinkMode) == {row.source for row in TRANSITIONS}
    assert len(TRANSITIONS) == len({(row.source, row.why) for row in TRANSITIONS})
    assert all(row.source is not row.target for row in TRANSITIONS)


def test_only_a_heartbeat_with_a_document_leads_into_control():
    into = {row.holds.__name__ for row in TRANSITIONS if row.target is LinkMode.CONTROLLED}

    assert {"_paired", "_paired_since_failsafe"} == into


def _paired(drive, paper, after_s):
    """A heartbeat at the present, and a document so much later."""
    beat_at = drive.t
    drive.beat(beat_at)
    drive.give(paper(9), beat_at + after_s)
    return drive


def _init(drive, paper, wait_s):
    return _paired(drive().start(), paper, wait_s)


def _init_owed(drive, _paper, t):
    return drive().start(lost=True).tick(t)


def _init_over(drive, _paper, t):
    return drive().start().tick(t)


def _hold(drive, _paper, t):
    return drive().controlled(on_loss="hold").tick(t)


def _silent(drive, _paper, t):
    return drive().controlled().tick(t)


def _no_document(drive, _paper, t):
    return drive().controlled(exp_s=1000).beats_until(1000).beats_until(t)


def _hold_paired(drive, paper, wait_s):
    return _paired(drive().controlled(on_loss="hold").tick(121).tick(300), paper, wait_s)


def _hold_used_up(drive, _paper, t):
    return drive().controlled(on_loss="hold", length_s=1000).tick(121).tick(t)


def _failsafe_paired(drive, paper, wait_s):
    return _paired(drive().failsafe().tick(300), paper, wait_s)


def _minimum(drive, _paper, t):
    return drive().failsafe().tick(t)


def _back(drive, _paper, t):
    return drive().failsafe().tick(270).beats_until(t)


def _autonomous_paired(drive, paper, wait_s):
    return _paired(drive().start().tick(121), paper, wait_s)


# By row, in the table's order: how its limit is reached, the last moment before it and the first after.
EDGES = (
    (_init, 61, 59),
    (_init_owed, 119, 121),
    (_init_over, 119, 121),
    (_hold, 119, 121),
    (_silent, 119, 121),
    (_no_document, 1059, 1061),
    (_hold_paired, 61, 59),
    (_hold_used_up, 999, 1001),
    (_failsafe_paired, 61, 59),
    (_minimum, 121 + 7199, 121 + 7201),
    (_back, 300 + 119, 300 + 121),
    (_autonomous_paired, 61, 59),
)


def test_every_row_has_its_edge():
    assert len(TRANSITIONS) == len(EDGES)


@pytest.mark.parametrize(
    "number", range(len(TRANSITIONS)), ids=lambda number: f"{number + 1}: {TRANSITIONS[number].why}"
)
def test_each_row_is_taken_a_second_past_its_limit_and_not_a_second_before(drive, paper, number):
    row, (reach, short, past) = TRANSITIONS[number], EDGES[number]
    before, after = reach(drive, paper, short), reach(drive, paper, past)

    assert row.source is before.mode
    assert (row.target, row.why) == (after.mode, after.state.why)
