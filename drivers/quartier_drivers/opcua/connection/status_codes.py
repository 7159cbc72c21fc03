"""Status codes: the quality of a value with one, and its name for people.  Pure.

OPC 10000-4, 7.39: the two highest bits are the severity, the next fourteen the meaning.
"""

from collections.abc import Mapping
from types import MappingProxyType

from quartier_drivers.readings import QUALITIES, Quality

GOOD_PLACE, BAD_PLACE, STALE_PLACE = (
    QUALITIES.index(quality) for quality in (Quality.GOOD, Quality.BAD, Quality.STALE)
)
_CODE_MASK = 0xFFFF_0000
_NAMES: Mapping[int, str] = MappingProxyType(
    {
        0x00000000: "Good",
        0x00960000: "GoodLocalOverride",
        0x408F0000: "UncertainNoCommunicationLastUsableValue",
        0x40900000: "UncertainLastUsableValue",
        0x40910000: "UncertainSubstituteValue",
        0x40920000: "UncertainInitialValue",
        0x40930000: "UncertainSensorNotAccurate",
        0x40940000: "UncertainEngineeringUnitsExceeded",
        0x40950000: "UncertainSubNormal",
        0x80010000: "BadUnexpectedError",
        0x80020000: "BadInternalError",
        0x80030000: "BadOutOfMemory",
        0x80040000: "BadResourceUnavailable",
        0x80050000: "BadCommunicationError",
        0x80060000: "BadEncodingError",
        0x80070000: "BadDecodingError",
        0x80080000: "BadEncodingLimitsExceeded",
        0x80090000: "BadUnknownResponse",
        0x800A0000: "BadTimeout",
        0x800B0000: "BadServiceUnsupported",
        0x800C0000: "BadShutdown",
        0x800D0000: "BadServerNotConnected",
        0x800E0000: "BadServerHalted",
        0x800F0000: "BadNothingToDo",
        0x80100000: "BadTooManyOperations",
        0x80120000: "BadCertificateInvalid",
        0x80130000: "BadSecurityChecksFailed",
        0x80140000: "BadCertificateTimeInvalid",
        0x80160000: "BadCertificateHostNameInvalid",
        0x80170000: "BadCertificateUriInvalid",
        0x801A0000: "BadCertificateUntrusted",
        0x801F0000: "BadUserAccessDenied",
        0x80200000: "BadIdentityTokenInvalid",
        0x80210000: "BadIdentityTokenRejected",
        0x80220000: "BadSecureChannelIdInvalid",
        0x80250000: "BadSessionIdInvalid",
        0x80260000: "BadSessionClosed",
        0x80270000: "BadSessionNotActivated",
        0x80280000: "BadSubscriptionIdInvalid",
        0x80310000: "BadNoCommunication",
        0x80320000: "BadWaitingForInitialData",
        0x80330000: "BadNodeIdInvalid",
        0x80340000: "BadNodeIdUnknown",
        0x80350000: "BadAttributeIdInvalid",
        0x80360000: "BadIndexRangeInvalid",
        0x80370000: "BadIndexRangeNoData",
        0x803A0000: "BadNotReadable",
        0x803B0000: "BadNotWritable",
        0x803C0000: "BadOutOfRange",
        0x803D0000: "BadNotSupported",
        0x803E0000: "BadNotFound",
        0x80430000: "BadMonitoredItemFilterInvalid",
        0x80440000: "BadMonitoredItemFilterUnsupported",
        0x80450000: "BadFilterNotAllowed",
        0x80550000: "BadSecurityPolicyRejected",
        0x80560000: "BadTooManySessions",
        0x80730000: "BadWriteNotSupported",
        0x80740000: "BadTypeMismatch",
        0x80770000: "BadTooManySubscriptions",
        0x80790000: "BadNoSubscription",
        0x807D0000: "BadTcpServerTooBusy",
        0x80890000: "BadConfigurationError",
        0x808A0000: "BadNotConnected",
        0x808B0000: "BadDeviceFailure",
        0x808C0000: "BadSensorFailure",
        0x808D0000: "BadOutOfService",
        0x808E0000: "BadDeadbandFilterInvalid",
        0x80AE0000: "BadConnectionClosed",
        0x80AF0000: "BadInvalidState",
        0x80B80000: "BadRequestTooLarge",
        0x80B90000: "BadResponseTooLarge",
        0x80DB0000: "BadTooManyMonitoredItems",
    }
)
TOO_LARGE_CODES = frozenset({0x80100000, 0x80080000, 0x80B80000, 0x80B90000})
"""A smaller request may do better."""
GONE_CODES = frozenset(
    {
        *(0x800C0000, 0x800D0000, 0x800E0000, 0x80220000, 0x80250000, 0x80260000, 0x80270000, 0x80AE0000),
        *(0x80560000, 0x807D0000),
    }
)
"""Session, channel or server is gone, or full: connect again."""
UNKNOWN_NODE_CODES = frozenset(
    {
        *(0x80020000, 0x80030000, 0x80050000, 0x800A0000, 0x80310000, 0x80320000, 0x808A0000, 0x80AF0000),
        *(0x80040000, 0x80010000, 0x808B0000),
    }
)
"""After a write: it may or may not have had its effect, or may have it later."""
LOGIN_CODES: Mapping[int, str] = MappingProxyType(
    {
        0x801F0000: "look at user and password_file",
        0x80200000: "it takes no such user; see which it takes",
        0x80210000: "look at user and password_file",
        0x80570000: "look at user_key_file",
    }
)
"""Refusals of our credentials, each with the remedy."""
UNTRUSTED_CODES = frozenset({0x80120000, 0x80130000, 0x801A0000, 0x810D0000})
"""The server does not take our certificate."""
OTHER_MODE_CODES = frozenset({0x80740000})
"""After a write: its type is another one now."""
NO_FILTER_CODES = frozenset({0x80430000, 0x80440000, 0x80450000, 0x808E0000})
"""This item takes no deadband."""


def strip_info_bits(code: int) -> int:
    """Return the code without its info bits."""
    return code & _CODE_MASK


def find_quality(code: int) -> int:
    """Return the place in ``QUALITIES``; uncertain is stale, because only the server's maker knows more."""
    severity = code >> 30
    return GOOD_PLACE if severity == 0 else STALE_PLACE if severity == 1 else BAD_PLACE


def render_status(code: int) -> str:
    """Return the standard's name of a code, or the code itself."""
    return _NAMES.get(strip_info_bits(code), f"0x{code:08X}")
