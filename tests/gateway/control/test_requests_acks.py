from quartier.control.requests import AckReason, InstructionStatus, ReceptionStatus


def test_receptions_and_statuses_are_those_of_s2():
    receptions = "OK INVALID_DATA INVALID_MESSAGE INVALID_CONTENT TEMPORARY_ERROR PERMANENT_ERROR"
    statuses = "NEW ACCEPTED REJECTED REVOKED STARTED SUCCEEDED ABORTED"

    assert receptions.split() == [one.value for one in ReceptionStatus]
    assert statuses.split() == [one.value for one in InstructionStatus]


def test_the_reasons_are_those_of_the_contract():
    reasons = (
        "BAD_SIG REPLAY EXPIRED NOT_YET CLOCK BOUNDS UNKNOWN_DEVICE LOCAL_OVERRIDE SELF_PROTECTION SAFETY "
        "REGULATORY UNCONTROLLED_LOADS"
    )

    assert reasons.split() == [one.value for one in AckReason]
