"""Arithmetic kernels: compiled modules, each with a pure-Python reference that is its specification.

The environment variable ``QUARTIER_ENGINE`` (``auto``, ``cython``, ``reference``) chooses between them when
this package is imported; ``engine()`` returns the choice and its reason.
"""

from typing import TYPE_CHECKING

from quartier_native.engine_choice import Engine, choose_by_environment
from quartier_native.reference.allocation import Allocation, Steps
from quartier_native.reference.metrics import ANY as FORM_ANY
from quartier_native.reference.metrics import BOOLEAN as FORM_BOOLEAN
from quartier_native.reference.metrics import REAL as FORM_REAL
from quartier_native.reference.metrics import STRING as FORM_STRING
from quartier_native.reference.metrics import WHOLE as FORM_WHOLE
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
    check_field,
)
from quartier_native.reference.tree import TreeAllocation, TreeSteps

if TYPE_CHECKING:
    from quartier_native.reference.allocation import Ladder, allocate, allocate_in_place
    from quartier_native.reference.gates import Gates, Route
    from quartier_native.reference.metrics import MetricWriter
    from quartier_native.reference.questions import Questions
    from quartier_native.reference.registers import Registers, crc16
    from quartier_native.reference.series import decode_series, encode_series
    from quartier_native.reference.strands import join_strands, part_strands
    from quartier_native.reference.tails import gather
    from quartier_native.reference.tree import Tree, allocate_tree

_ENGINE, _modules = choose_by_environment()
if not TYPE_CHECKING:
    Ladder = _modules["allocation"].Ladder
    allocate = _modules["allocation"].allocate
    allocate_in_place = _modules["allocation"].allocate_in_place
    Gates = _modules["gates"].Gates
    Route = _modules["gates"].Route
    MetricWriter = _modules["metrics"].MetricWriter
    Questions = _modules["questions"].Questions
    Registers = _modules["registers"].Registers
    crc16 = _modules["registers"].crc16
    encode_series = _modules["series"].encode_series
    decode_series = _modules["series"].decode_series
    join_strands = _modules["strands"].join_strands
    part_strands = _modules["strands"].part_strands
    gather = _modules["tails"].gather
    Tree = _modules["tree"].Tree
    allocate_tree = _modules["tree"].allocate_tree


def engine() -> Engine:
    """Return the engine in use: its name, the reason, and the module of each kernel."""
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
    "SIGNED",
    "TRUTH",
    "WHOLE",
    "Allocation",
    "Engine",
    "Field",
    "Gates",
    "Ladder",
    "MetricWriter",
    "Questions",
    "Registers",
    "Route",
    "Steps",
    "Tree",
    "TreeAllocation",
    "TreeSteps",
    "allocate",
    "allocate_in_place",
    "allocate_tree",
    "check_field",
    "crc16",
    "decode_series",
    "encode_series",
    "engine",
    "gather",
    "join_strands",
    "part_strands",
]
