from quartier_drivers.contract import OWN_RULE, Command, Origin


def test_a_command_is_a_rule_of_ours_until_somebody_says_more():
    assert OWN_RULE == Command("bat1.setpoint_w", 0.0, 1).who
    assert "rule" == OWN_RULE.kind


def test_documents_are_told_apart_by_id_and_seq():
    assert Origin("document", "dso", "12", 1) != Origin("document", "dso", "12", 2)
