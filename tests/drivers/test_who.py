from quartier_drivers.contract import Command
from quartier_drivers.who import OURS, Who


def test_a_command_is_a_rule_of_ours_until_somebody_says_more():
    assert OURS == Command("bat1.setpoint_w", 0.0, 1).who
    assert "rule" == OURS.kind


def test_documents_are_told_apart_by_id_and_seq():
    assert Who("document", "dso", "12", 1) != Who("document", "dso", "12", 2)
