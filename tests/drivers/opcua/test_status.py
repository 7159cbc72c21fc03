"""Status codes: severity decides, and each has the standard's name."""

from asyncua.ua.status_codes import StatusCodes
from hypothesis import given
from hypothesis import strategies as st

from quartier_drivers.opcua import status


def test_severity_says_how_far_a_value_may_be_trusted():
    assert status.GOOD == status.quality(StatusCodes.Good)
    assert status.GOOD == status.quality(StatusCodes.GoodLocalOverride)
    assert status.STALE == status.quality(StatusCodes.UncertainLastUsableValue)
    assert status.BAD == status.quality(StatusCodes.BadNoCommunication)


@given(st.integers(0xC0000000, 0xFFFFFFFF))
def test_a_severity_that_does_not_exist_yet_is_bad(code):
    assert status.BAD == status.quality(code)


def test_names_are_those_of_the_library():
    names = {number: name for name, number in vars(StatusCodes).items() if isinstance(number, int)}
    ours = {number: status.name(number) for number in names if not status.name(number).startswith("0x")}

    assert ours
    assert ours == {number: names[number] for number in ours}


def test_info_bits_do_not_change_the_name():
    assert "BadOutOfRange" == status.name(StatusCodes.BadOutOfRange | 0x0480)
    assert "0x80990000" == status.name(0x80990000)


def test_what_is_sorted_by_number_is_what_it_says():
    said = {
        "TOO_MUCH": {
            "BadTooManyOperations",
            "BadEncodingLimitsExceeded",
            "BadRequestTooLarge",
            "BadResponseTooLarge",
        },
        "UNTRUSTED": {
            "BadCertificateInvalid",
            "BadSecurityChecksFailed",
            "BadCertificateUntrusted",
            "BadCertificateChainIncomplete",
        },
        "LOGINS": {
            "BadUserAccessDenied",
            "BadIdentityTokenInvalid",
            "BadIdentityTokenRejected",
            "BadUserSignatureInvalid",
        },
    }

    for group, names in said.items():
        assert {getattr(StatusCodes, name) for name in names} == set(getattr(status, group)), group
