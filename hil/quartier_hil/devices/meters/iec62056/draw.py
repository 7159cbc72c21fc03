"""Random readouts: electricity and heat meters, with the numbers they carry."""

from collections.abc import Iterator, Sequence
from random import Random

from quartier_hil.devices.meters.iec62056.readout import (
    DataSet,
    Identification,
    mode_c,
    mode_d,
    number,
    text,
)
from quartier_hil.devices.meters.speech import Telegram


def readouts(seed: int, count: int, *, pushed: bool = False) -> Iterator[Telegram]:
    """``count`` data messages of mode C, or pushes of mode D."""
    random = Random(seed)  # noqa: S311 - telegrams that can be repeated, no secret
    for _ in range(count):
        serial = f"{random.randrange(10**8):08d}"
        is_heat = random.random() < 0.4
        sets = heat(serial, random) if is_heat else electricity(serial, random)
        if pushed:
            yield mode_d(Identification(speed="3"), sets, serial)
        else:
            yield mode_c(sets, serial, per_line=3 if is_heat else 1)


def electricity(serial: str, random: Random) -> Sequence[DataSet]:
    """Counters, values of past periods, powers, voltages."""
    sets = [text("F.F", "00000000"), text("0.0.0", serial), text("0.9.1", f"{random.randrange(86_400):06d}")]
    for code in ("1.8.0", "1.8.1", "1.8.2", "2.8.0"):
        sets.append(number(code, random.uniform(0, 999_999), (9, 3), "kWh"))
        sets += [
            number(f"{code}*{period:02d}", random.uniform(0, 999_999), (9, 3), "kWh")
            for period in range(random.randrange(3))
        ]
    sets += [
        number(code, random.uniform(0, 99), (5, 3), "kW") for code in ("1.7.0", "21.7.0", "41.7.0", "61.7.0")
    ]
    sets += [number(code, random.uniform(200, 260), (4, 1), "V") for code in ("32.7.0", "52.7.0", "72.7.0")]
    sets.append(number("14.7.0", random.uniform(49, 51), (4, 2), "Hz"))
    return sets


def heat(serial: str, random: Random) -> Sequence[DataSet]:
    """Energy, volume and temperatures as heat meters call them (6.8, 6.26, 6.29 …)."""
    unit = random.choice(("MWh", "GJ", "kWh"))
    return [
        number("6.8", random.uniform(0, 9_999), (7, 3), unit),
        number("6.26", random.uniform(0, 99_999), (7, 2), "m3"),
        text("9.21", serial),
        number("6.26*01", random.uniform(0, 99_999), (7, 2), "m3"),
        number("6.8*01", random.uniform(0, 9_999), (7, 3), unit),
        text("F", "0"),
        text("9.20", "64030400"),
        number("6.35", 60, (2, 0), "m"),
        number("6.6", random.uniform(0, 999), (5, 1), "kW"),
        number("9.4", random.uniform(20, 95), (5, 1), "C"),
    ]
