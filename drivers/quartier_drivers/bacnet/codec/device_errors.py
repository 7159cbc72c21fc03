"""The errors, rejects and aborts of a BACnet device by the standard's names.  Pure.

Source: ASHRAE 135-2020, clauses 18 and 21.
"""

from quartier_drivers.errors import NoReply, Refused
from quartier_native.bacnet import ABORT, CUT, ERROR, ILL_NESTED, REJECT, TOO_DEEP, UNEXPECTED

ERROR_CLASSES = ("device", "object", "property", "resources", "security", "services", "vt", "communication")
"""BACnetErrorClass."""
(
    DEVICE_CLASS,
    OBJECT_CLASS,
    PROPERTY_CLASS,
    RESOURCES_CLASS,
    SECURITY_CLASS,
    SERVICES_CLASS,
    VT_CLASS,
    COMMUNICATION_CLASS,
) = range(8)
ERROR_CODES = {
    0: "other",
    2: "configuration-in-progress",
    3: "device-busy",
    4: "dynamic-creation-not-supported",
    5: "file-access-denied",
    7: "inconsistent-parameters",
    8: "inconsistent-selection-criterion",
    9: "invalid-data-type",
    10: "invalid-file-access-method",
    11: "invalid-file-start-position",
    13: "invalid-parameter-data-type",
    14: "invalid-time-stamp",
    16: "missing-required-parameter",
    17: "no-objects-of-specified-type",
    18: "no-space-for-object",
    19: "no-space-to-add-list-element",
    20: "no-space-to-write-property",
    21: "no-vt-sessions-available",
    22: "property-is-not-a-list",
    23: "object-deletion-not-permitted",
    24: "object-identifier-already-exists",
    25: "operational-problem",
    26: "password-failure",
    27: "read-access-denied",
    29: "service-request-denied",
    30: "timeout",
    31: "unknown-object",
    32: "unknown-property",
    34: "unknown-vt-class",
    35: "unknown-vt-session",
    36: "unsupported-object-type",
    37: "value-out-of-range",
    38: "vt-session-already-closed",
    39: "vt-session-termination-failure",
    40: "write-access-denied",
    41: "character-set-not-supported",
    42: "invalid-array-index",
    43: "cov-subscription-failed",
    44: "not-cov-property",
    45: "optional-functionality-not-supported",
    46: "invalid-configuration-data",
    47: "datatype-not-supported",
    48: "duplicate-name",
    49: "duplicate-object-id",
    50: "property-is-not-an-array",
    70: "unknown-device",
    71: "unknown-route",
    72: "value-not-initialized",
    73: "invalid-event-state",
    74: "no-alarm-configured",
    75: "log-buffer-full",
    76: "logged-value-purged",
    77: "no-property-specified",
    78: "not-configured-for-triggered-logging",
    79: "unknown-subscription",
    80: "parameter-out-of-range",
    81: "list-element-not-found",
    82: "busy",
    83: "communication-disabled",
    84: "success",
    85: "access-denied",
    131: "internal-error",
    132: "not-configured",
}
"""BACnetErrorCode, those that a client of these services meets."""
REJECT_REASONS = (
    "other",
    "buffer-overflow",
    "inconsistent-parameters",
    "invalid-parameter-data-type",
    "invalid-tag",
    "missing-required-parameter",
    "parameter-out-of-range",
    "too-many-arguments",
    "undefined-enumeration",
    "unrecognized-service",
)
"""BACnetRejectReason (18.9)."""
ABORT_REASONS = (
    "other",
    "buffer-overflow",
    "invalid-apdu-in-this-state",
    "preempted-by-higher-priority-task",
    "segmentation-not-supported",
    "security-error",
    "insufficient-security",
    "window-size-out-of-range",
    "application-exceeded-reply-time",
    "out-of-resources",
    "tsm-timeout",
    "apdu-too-long",
)
"""BACnetAbortReason (18.10)."""
FRAMING_FAULTS = {
    CUT: "it ends within a value",
    UNEXPECTED: "another tag stands where one of the service belongs",
    ILL_NESTED: "a closing tag closes another opening one",
    TOO_DEEP: "lists within lists without end",
}

_TOO_LARGE = {(REJECT, 1), (ABORT, 1), (ABORT, 4), (ABORT, 9), (ABORT, 11), (REJECT, 7)}
_UNKNOWN_SERVICE = {(REJECT, 9)}
_NO_SERVICE_CODES = {29, 45}
_GONE_CODES = {
    (OBJECT_CLASS, 31),
    (OBJECT_CLASS, 36),
    (PROPERTY_CLASS, 32),
    (PROPERTY_CLASS, 42),
    (PROPERTY_CLASS, 50),
}
_BUSY_CODES = {2, 3, 82}
_BUSY_ABORTS = {3, 8, 10}


class DeviceRefused(Refused):
    """The error, reject or abort of a device; ``pdu`` is which of them.

    ``reason`` is its code or reason; ``error_class`` is the class of an error, else -1.
    """

    def __init__(self, pdu: int, reason: int, error_class: int = -1) -> None:
        self.pdu = pdu
        self.reason = reason
        self.error_class = error_class
        super().__init__(render_denial(pdu, reason, error_class))

    @property
    def is_too_large(self) -> bool:
        """Return whether a smaller request may succeed: the answer or the request does not fit the device."""
        return (self.pdu, self.reason) in _TOO_LARGE

    @property
    def is_no_service(self) -> bool:
        """Return whether the device does not know the service, for example ReadPropertyMultiple."""
        is_denied = (
            self.pdu == ERROR and self.error_class == SERVICES_CLASS and self.reason in _NO_SERVICE_CODES
        )
        return is_denied or (self.pdu, self.reason) in _UNKNOWN_SERVICE

    @property
    def is_gone(self) -> bool:
        """Return whether there is no such object, property or element: a repetition is useless."""
        return self.pdu == ERROR and (self.error_class, self.reason) in _GONE_CODES

    @property
    def is_passing(self) -> bool:
        """Return whether the same request may succeed a little later."""
        if self.pdu == ABORT:
            return self.reason in _BUSY_ABORTS
        return self.pdu == ERROR and self.reason in _BUSY_CODES


class GarbledAnswer(NoReply):
    """An invalid answer: ``how`` as in ``FRAMING_FAULTS``, or -1 for the answer to something else."""

    def __init__(self, how: int, why: str = "") -> None:
        self.how = how
        super().__init__(f"the answer cannot be read: {why or FRAMING_FAULTS.get(how, how)}")


def render_denial(pdu: int, reason: int, error_class: int = -1) -> str:
    """``unknown-property (property)``, ``abort: buffer-overflow``, ``reject: 77`` for a person."""
    if pdu == ERROR:
        of = ERROR_CLASSES[error_class] if 0 <= error_class < len(ERROR_CLASSES) else f"class {error_class}"
        return f"{ERROR_CODES.get(reason, f'error {reason}')} ({of})"
    words = REJECT_REASONS if pdu == REJECT else ABORT_REASONS
    return f"{'reject' if pdu == REJECT else 'abort'}: {words[reason] if reason < len(words) else reason}"
