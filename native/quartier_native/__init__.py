"""The arithmetic: compiled kernels, each with a pure-Python twin that is its specification.

The environment variable ``QUARTIER_ENGINE`` (``auto``, ``cython``, ``reference``) chooses between them when
this package is imported; ``engine()`` says which computes, and why.
"""

from typing import TYPE_CHECKING

from quartier_native.choice import Engine, chosen
from quartier_native.reference.allocation import Allocation, Steps
from quartier_native.reference.metrics import ANY as FORM_ANY
from quartier_native.reference.metrics import BOOLEAN as FORM_BOOLEAN
from quartier_native.reference.metrics import REAL as FORM_REAL
from quartier_native.reference.metrics import STRING as FORM_STRING
from quartier_native.reference.metrics import WHOLE as FORM_WHOLE
from quartier_native.reference.records import BLOB as RECORD_BLOB
from quartier_native.reference.records import CONTINUED as RECORDS_CONTINUED
from quartier_native.reference.records import CUT_IN_DIF as RECORDS_FAULTY
from quartier_native.reference.records import DIGITS as RECORD_DIGITS
from quartier_native.reference.records import MAKER as RECORD_MAKER
from quartier_native.reference.records import NUMBER as RECORD_NUMBER
from quartier_native.reference.records import OVERFLOW as RECORD_OVERFLOW
from quartier_native.reference.records import TEXT as RECORD_TEXT
from quartier_native.reference.registers import (
    BAD,
    COIL,
    ELSEWHERE,
    GOOD,
    LEFT,
    REAL,
    SIGNED,
    TRUTH,
    WHOLE,
    Field,
    checked,
)

if TYPE_CHECKING:
    from quartier_native.reference.allocation import Ladder, allocate, allocate_in_place
    from quartier_native.reference.gates import Gates, Route
    from quartier_native.reference.listings import crc16_ccitt, read_listings
    from quartier_native.reference.metrics import MetricWriter
    from quartier_native.reference.records import split_records
    from quartier_native.reference.registers import Registers, crc16
    from quartier_native.reference.series import decode_series, encode_series
    from quartier_native.reference.strands import join_strands, part_strands

_ENGINE, _modules = chosen()
if not TYPE_CHECKING:
    Ladder = _modules["allocation"].Ladder
    allocate = _modules["allocation"].allocate
    allocate_in_place = _modules["allocation"].allocate_in_place
    Gates = _modules["gates"].Gates
    Route = _modules["gates"].Route
    crc16_ccitt = _modules["listings"].crc16_ccitt
    read_listings = _modules["listings"].read_listings
    MetricWriter = _modules["metrics"].MetricWriter
    split_records = _modules["records"].split_records
    Registers = _modules["registers"].Registers
    crc16 = _modules["registers"].crc16
    encode_series = _modules["series"].encode_series
    decode_series = _modules["series"].decode_series
    join_strands = _modules["strands"].join_strands
    part_strands = _modules["strands"].part_strands


def engine() -> Engine:
    """The engine in use: name, why, and the module behind each kernel."""
    return _ENGINE


__all__ = [
    "BAD",
    "COIL",
    "ELSEWHERE",
    "FORM_ANY",
    "FORM_BOOLEAN",
    "FORM_REAL",
    "FORM_STRING",
    "FORM_WHOLE",
    "GOOD",
    "LEFT",
    "REAL",
    "RECORDS_CONTINUED",
    "RECORDS_FAULTY",
    "RECORD_BLOB",
    "RECORD_DIGITS",
    "RECORD_MAKER",
    "RECORD_NUMBER",
    "RECORD_OVERFLOW",
    "RECORD_TEXT",
    "SIGNED",
    "TRUTH",
    "WHOLE",
    "Allocation",
    "Engine",
    "Field",
    "Gates",
    "Ladder",
    "MetricWriter",
    "Registers",
    "Route",
    "Steps",
    "allocate",
    "allocate_in_place",
    "checked",
    "crc16",
    "crc16_ccitt",
    "decode_series",
    "encode_series",
    "engine",
    "join_strands",
    "part_strands",
    "read_listings",
    "split_records",
]
