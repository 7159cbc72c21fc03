"""Readouts of IEC 62056-21: data sets, blocks, identification, and the frames around them.

Source: IEC 62056-21:2002 sections 5.8 (syntax), 6.3.2 (identification), 6.3.14 and 6.4 (data message of
mode C with STX, ETX and BCC; mode D without them).
"""

from collections.abc import Sequence
from dataclasses import dataclass

from quartier_hil.devices.meters import checks
from quartier_hil.devices.meters.speech import Statement, Telegram, whole

STX, ETX, ACK, NAK, SOH = b"\x02", b"\x03", b"\x06", b"\x15", b"\x01"
# Modes C and D: the speed by the letter of an identification.
SPEEDS = {"0": 300, "1": 600, "2": 1200, "3": 2400, "4": 4800, "5": 9600, "6": 19_200}


@dataclass(frozen=True, slots=True)
class DataSet:
    """``1.8.0(001234.5*kWh)``: as sent, and what it states."""

    text: str
    says: Statement


def number(code: str, value: float, form: tuple[int, int], unit: str = "") -> DataSet:
    """A fixed decimal of ``form`` (digits in all, decimals)."""
    digits, decimals = form
    shown = f"{value:0{digits + (decimals > 0)}.{decimals}f}"
    said = f"{code}({shown}*{unit})" if unit else f"{code}({shown})"
    return DataSet(said, Statement(code, round(value, decimals), unit))


def text(code: str, value: str) -> DataSet:
    """A value without a unit, as sent: a serial number, an error word, a time."""
    return DataSet(f"{code}({value})", Statement(code, value))


def block(sets: Sequence[DataSet], per_line: int = 1) -> bytes:
    """Lines of ``per_line`` sets, CR LF after each."""
    lines = [
        "".join(one.text for one in sets[start : start + per_line]) + "\r\n"
        for start in range(0, len(sets), per_line)
    ]
    return "".join(lines).encode("ascii")


@dataclass(frozen=True, slots=True, kw_only=True)
class Identification:
    """``/XXXZident``: maker, letter of the speed, the rest."""

    maker: str = "QRT"
    speed: str = "5"
    rest: str = "\\2E300"

    @property
    def data(self) -> bytes:
        """With its line end."""
        return f"/{self.maker}{self.speed}{self.rest}\r\n".encode("ascii")


def mode_c(sets: Sequence[DataSet], meter: str = "", per_line: int = 1) -> Telegram:
    """The data message: STX, block, ``!`` CR LF, ETX, BCC over all after STX."""
    body = block(sets, per_line) + b"!\r\n" + ETX
    return whole(STX + body + bytes([checks.block_check(body)]), (one.says for one in sets), meter)


def mode_d(identification: Identification, sets: Sequence[DataSet], meter: str = "") -> Telegram:
    """A push: identification, an empty line, block, ``!`` CR LF; no check at all."""
    data = identification.data + b"\r\n" + block(sets) + b"!\r\n"
    return whole(data, (one.says for one in sets), meter)
