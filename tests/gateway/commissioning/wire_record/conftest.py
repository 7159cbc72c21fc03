"""What was taken of a bus, to be written down."""

import pytest

from quartier.commissioning.wire_record.wire_record import WireRecord
from quartier_drivers.transport.frame_recorder import RecordedFrame

NS = 8_417_000_000_123
UTC_MS = 1_795_873_517_250


def frames(*told):
    """``("out", "00")``: a frame each, 5 ms apart; words for what is no bytes."""
    made = []
    for number, (way, what, *ends) in enumerate(told):
        ns = NS + number * 5_000_000
        is_bytes = way in ("in", "out")
        here_there = ends if len(ends) == 2 else ["", *ends]
        made.append(
            RecordedFrame(
                number,
                ns,
                way,
                bytes.fromhex(what) if is_bytes else b"",
                "" if is_bytes else what,
                *here_there,
            )
        )
    return tuple(made)


def of(kind, *told, framing="", where="10.0.0.3:502", secrets=()):
    return WireRecord("lan", kind, framing, where, NS, UTC_MS, frames(*told), secrets)


@pytest.fixture
def exchange():
    """A Modbus TCP connection: a question, its answer, and the end."""
    return of(
        "modbus-tcp",
        ("opened", "connected", "10.0.0.2:40000", "10.0.0.3:1502"),
        ("out", "000700000006010400340002"),
        ("in", "00070000000701040444bb8000"),
        ("ended", "closed by the other end"),
    )
