"""Readouts of IEC 62056-21: data sets, blocks, identification, frames, and random ones.

Source: IEC 62056-21:2002 sections 5.8 (syntax), 6.3.2 (identification), 6.3.14 and 6.4 (data message of
mode C with STX, ETX and BCC; mode D without them).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random

from quartier_sim.meters import telegrams
from quartier_sim.meters.telegrams import Statement, Telegram, make_telegram

STX, ETX, ACK, NAK, SOH = b"\x02", b"\x03", b"\x06", b"\x15", b"\x01"
# Modes C and D: the speed by the letter of an identification.
SPEEDS = {"0": 300, "1": 600, "2": 1200, "3": 2400, "4": 4800, "5": 9600, "6": 19_200}


@dataclass(frozen=True, slots=True)
class DataSet:
    """``1.8.0(001234.5*kWh)``: as sent, and what it states."""

    text: str
    says: Statement


def make_number_set(code: str, value: float, form: tuple[int, int], unit: str = "") -> DataSet:
    """A fixed decimal of ``form`` (digits in all, decimals)."""
    digits, decimals = form
    shown = f"{value:0{digits + (decimals > 0)}.{decimals}f}"
    text = f"{code}({shown}*{unit})" if unit else f"{code}({shown})"
    return DataSet(text, Statement(code, round(value, decimals), unit))


def make_text_set(code: str, value: str) -> DataSet:
    """A value without a unit, as sent: a serial number, an error word, a time."""
    return DataSet(f"{code}({value})", Statement(code, value))


def build_block(sets: Sequence[DataSet], per_line: int = 1) -> bytes:
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


def build_mode_c(sets: Sequence[DataSet], meter: str = "", per_line: int = 1) -> Telegram:
    """The data message: STX, block, ``!`` CR LF, ETX, BCC over all after STX."""
    body = build_block(sets, per_line) + b"!\r\n" + ETX
    return make_telegram(
        STX + body + bytes([telegrams.compute_block_check(body)]), (one.says for one in sets), meter
    )


def build_mode_d(identification: Identification, sets: Sequence[DataSet], meter: str = "") -> Telegram:
    """A push: identification, an empty line, block, ``!`` CR LF; no check at all."""
    data = identification.data + b"\r\n" + build_block(sets) + b"!\r\n"
    return make_telegram(data, (one.says for one in sets), meter)


def generate_readouts(seed: int, count: int, *, pushed: bool = False) -> Iterator[Telegram]:
    """``count`` data messages of mode C, or pushes of mode D."""
    random = Random(seed)  # noqa: S311 - telegrams that can be repeated, no secret
    for _ in range(count):
        serial = f"{random.randrange(10**8):08d}"
        is_heat = random.random() < 0.4
        sets = generate_heat(serial, random) if is_heat else generate_electricity(serial, random)
        if pushed:
            yield build_mode_d(Identification(speed="3"), sets, serial)
        else:
            yield build_mode_c(sets, serial, per_line=3 if is_heat else 1)


def generate_electricity(serial: str, random: Random) -> Sequence[DataSet]:
    """Counters, values of past periods, powers, voltages."""
    sets = [
        make_text_set("F.F", "00000000"),
        make_text_set("0.0.0", serial),
        make_text_set("0.9.1", f"{random.randrange(86_400):06d}"),
    ]
    for code in ("1.8.0", "1.8.1", "1.8.2", "2.8.0"):
        sets.append(make_number_set(code, random.uniform(0, 999_999), (9, 3), "kWh"))
        sets += [
            make_number_set(f"{code}*{period:02d}", random.uniform(0, 999_999), (9, 3), "kWh")
            for period in range(random.randrange(3))
        ]
    sets += [
        make_number_set(code, random.uniform(0, 99), (5, 3), "kW")
        for code in ("1.7.0", "21.7.0", "41.7.0", "61.7.0")
    ]
    sets += [
        make_number_set(code, random.uniform(200, 260), (4, 1), "V")
        for code in ("32.7.0", "52.7.0", "72.7.0")
    ]
    sets.append(make_number_set("14.7.0", random.uniform(49, 51), (4, 2), "Hz"))
    return sets


def generate_heat(serial: str, random: Random) -> Sequence[DataSet]:
    """Energy, volume and temperatures as heat meters call them (6.8, 6.26, 6.29 …)."""
    unit = random.choice(("MWh", "GJ", "kWh"))
    return [
        make_number_set("6.8", random.uniform(0, 9_999), (7, 3), unit),
        make_number_set("6.26", random.uniform(0, 99_999), (7, 2), "m3"),
        make_text_set("9.21", serial),
        make_number_set("6.26*01", random.uniform(0, 99_999), (7, 2), "m3"),
        make_number_set("6.8*01", random.uniform(0, 9_999), (7, 3), unit),
        make_text_set("F", "0"),
        make_text_set("9.20", "64030400"),
        make_number_set("6.35", 60, (2, 0), "m"),
        make_number_set("6.6", random.uniform(0, 999), (5, 1), "kW"),
        make_number_set("9.4", random.uniform(20, 95), (5, 1), "C"),
    ]
