"""The texts of what is held against the connection meter."""

from quartier.control.observe.meter_check.causes import describe_evidence_with_faults


def test_causes_are_told_with_the_name_of_their_fault():
    told = describe_evidence_with_faults(
        [("frozen_frequency_hz", 50.0), ("one_step", -1.0), ("gain_low_l2", 0.5)]
    )

    assert told == (
        "frozen values: frequency_hz stays at 50 while assets change their power; "
        "it did not follow a step of an asset (gain -1.00): the next step decides; "
        "wrong ratio, or one phase wrong: it shows too little of the assets' steps (gain 0.50): "
        "look at its CT ratio and phases (phase L2)"
    )
