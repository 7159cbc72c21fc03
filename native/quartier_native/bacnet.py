"""The kernels of BACnet: loaded if a site uses BACnet, from the engine that the package has chosen."""

from importlib import import_module
from typing import TYPE_CHECKING

import quartier_native
from quartier_native.reference.bacnet_tags import (
    BITS,
    BOOLEAN,
    CHARACTERS,
    CUT,
    DATE,
    DENIED,
    DEPTH_MAX,
    DOUBLE,
    EMPTY,
    ENUMERATED,
    EXACT_BITS,
    ILL_NESTED,
    LIST,
    MISSING,
    NULL,
    OBJECT,
    OCTETS,
    ODD,
    REAL,
    SIGNED,
    TIME,
    TOO_DEEP,
    UNEXPECTED,
    UNSIGNED,
    WHOLE,
    FaultError,
    Tag,
    tag_at,
)
from quartier_native.reference.datagrams import (
    ABORT,
    COMPLEX_ACK,
    CONFIRMED,
    DATAGRAM_MAX,
    ERROR,
    REJECT,
    SEGMENT,
    SEGMENT_ACK,
    SIMPLE_ACK,
    UNCONFIRMED,
    Heard,
    Notice,
)
from quartier_native.reference.properties import ERROR_SHIFT, REFS_MAX, WHOLE_ARRAY, Columns, Ref

if TYPE_CHECKING:
    from quartier_native.reference.datagrams import hear, notice_of
    from quartier_native.reference.properties import PropertyReader
else:
    _modules = {
        kernel: import_module(quartier_native.engine().kernels[kernel])
        for kernel in ("datagrams", "properties")
    }
    hear = _modules["datagrams"].hear
    notice_of = _modules["datagrams"].notice_of
    PropertyReader = _modules["properties"].PropertyReader

__all__ = [
    "ABORT",
    "BITS",
    "BOOLEAN",
    "CHARACTERS",
    "COMPLEX_ACK",
    "CONFIRMED",
    "CUT",
    "DATAGRAM_MAX",
    "DATE",
    "DENIED",
    "DEPTH_MAX",
    "DOUBLE",
    "EMPTY",
    "ENUMERATED",
    "ERROR",
    "ERROR_SHIFT",
    "EXACT_BITS",
    "ILL_NESTED",
    "LIST",
    "MISSING",
    "NULL",
    "OBJECT",
    "OCTETS",
    "ODD",
    "REAL",
    "REFS_MAX",
    "REJECT",
    "SEGMENT",
    "SEGMENT_ACK",
    "SIGNED",
    "SIMPLE_ACK",
    "TIME",
    "TOO_DEEP",
    "UNCONFIRMED",
    "UNEXPECTED",
    "UNSIGNED",
    "WHOLE",
    "WHOLE_ARRAY",
    "Columns",
    "FaultError",
    "Heard",
    "Notice",
    "PropertyReader",
    "Ref",
    "Tag",
    "hear",
    "notice_of",
    "tag_at",
]
