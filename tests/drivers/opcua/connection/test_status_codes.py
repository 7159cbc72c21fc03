"""Status codes: severity decides, and each has the standard's name."""

from asyncua.ua.status_codes import StatusCodes
from hypothesis import given
from hypothesis import strategies as st

from quartier_drivers.opcua.connection import status_codes


def test_severity_says_how_far_a_value_may_be_trusted():
    assert status_codes.GOOD_PLACE == status_codes.find_quality(StatusCodes.Good)
    assert status_codes.GOOD_PLACE == status_codes.find_quality(StatusCodes.GoodLocalOverride)
    assert status_codes.STALE_PLACE == status_codes.find_quality(StatusCodes.UncertainLastUsableValue)
    assert status_codes.BAD_PLACE == status_codes.find_quality(StatusCodes.BadNoCommunication)


@given(st.integers(0xC0000000, 0xFFFFFFFF))
def test_a_severity_that_does_not_exist_yet_is_bad(code):
    assert status_codes.BAD_PLACE == status_codes.find_quality(code)


def test_names_are_those_of_the_library():
    names = {number: name for name, number in vars(StatusCodes).items() if isinstance(number, int)}
    ours = {
        number: status_codes.render_status(number)
        for number in names
        if not status_codes.render_status(number).startswith("0x")
    }

    assert ours
    assert ours == {number: names[number] for number in ours}


def test_info_bits_do_not_change_the_name():
    assert "BadOutOfRange" == status_codes.render_status(StatusCodes.BadOutOfRange | 0x0480)
    assert "0x80990000" == status_codes.render_status(0x80990000)


def test_what_is_sorted_by_number_is_what_it_says():
    said = {
        "TOO_LARGE_CODES": {
            "BadTooManyOperations",
            "BadEncodingLimitsExceeded",
            "BadRequestTooLarge",
            "BadResponseTooLarge",
        },
        "UNTRUSTED_CODES": {
            "BadCertificateInvalid",
            "BadSecurityChecksFailed",
            "BadCertificateUntrusted",
            "BadCertificateChainIncomplete",
        },
        "LOGIN_CODES": {
            "BadUserAccessDenied",
            "BadIdentityTokenInvalid",
            "BadIdentityTokenRejected",
            "BadUserSignatureInvalid",
        },
    }

    for group, names in said.items():
        assert {getattr(StatusCodes, name) for name in names} == set(getattr(status_codes, group)), group
