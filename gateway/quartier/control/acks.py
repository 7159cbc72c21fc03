"""The words of an answer to the district: received how, come how far, and why not (spec/sync.md#ack).

``Reception`` and ``Status`` are S2's (EN 50491-12-2: ReceptionStatusValues and InstructionStatus).
"""

from enum import StrEnum


class Reception(StrEnum):
    """S2's reception status: not readable, not of the form, not acceptable in content …"""

    OK = "OK"
    INVALID_DATA = "INVALID_DATA"
    INVALID_MESSAGE = "INVALID_MESSAGE"
    INVALID_CONTENT = "INVALID_CONTENT"
    TEMPORARY_ERROR = "TEMPORARY_ERROR"
    PERMANENT_ERROR = "PERMANENT_ERROR"


class Status(StrEnum):
    """S2's instruction status.

    SUCCEEDED: the *measured* value came inside its band.  What ends before its own time says so after that
    too: REVOKED where a newer document took its place, else ABORTED.
    """

    NEW = "NEW"
    ACCEPTED = "ACCEPTED"
    REJECTED = "REJECTED"
    REVOKED = "REVOKED"
    STARTED = "STARTED"
    SUCCEEDED = "SUCCEEDED"
    ABORTED = "ABORTED"


class Reason(StrEnum):
    """Why a document has no effect, or not the whole of it; the gate says the first seven, control the rest.

    LOCAL_OVERRIDE: a person ordered otherwise.  SELF_PROTECTION: a device protects itself, or does not obey.
    SAFETY: the district does not lead now, or what must be known is not.  REGULATORY: the grid operator's
    word, or the grid's own state, stands against it.  UNCONTROLLED_LOADS: all that may be moved was moved.
    """

    BAD_SIG = "BAD_SIG"
    REPLAY = "REPLAY"
    EXPIRED = "EXPIRED"
    NOT_YET = "NOT_YET"
    CLOCK = "CLOCK"
    BOUNDS = "BOUNDS"
    UNKNOWN_DEVICE = "UNKNOWN_DEVICE"
    LOCAL_OVERRIDE = "LOCAL_OVERRIDE"
    SELF_PROTECTION = "SELF_PROTECTION"
    SAFETY = "SAFETY"
    REGULATORY = "REGULATORY"
    UNCONTROLLED_LOADS = "UNCONTROLLED_LOADS"
