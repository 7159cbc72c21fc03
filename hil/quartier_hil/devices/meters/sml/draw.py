"""Random SML files: every width, sign and scaler, with the numbers they carry."""

from collections.abc import Iterator
from random import Random

from quartier_hil.devices.meters.sml.entry import UNITS, Entry, identity, number
from quartier_hil.devices.meters.sml.head import file
from quartier_hil.devices.meters.sml.message import Habit
from quartier_hil.devices.meters.speech import Telegram

_MEANT = {"Wh": (1, 2), "varh": (3, 4), "W": (1, 2, 16, 36, 56, 76), "V": (32, 52, 72), "A": (31, 51, 71)}
_COUNTERS = ("Wh", "VAh", "varh")


def telegrams(seed: int, count: int, *, kermit: bool = False) -> Iterator[Telegram]:
    """``count`` files; with ``kermit`` from meters that compute that check."""
    random = Random(seed)  # noqa: S311 - telegrams that can be repeated, no secret
    for place in range(count):
        server = b"\x0a\x01" + random.randbytes(8)
        entries = [identity("1-0:96.1.0", server)]
        if random.random() < 0.3:
            entries.append(identity("129-129:199.130.5", random.randbytes(48)))
        codes = {code for code, _ in (_code(random) for _ in range(random.randint(1, 24)))}
        entries += [any_entry(code, random) for code in sorted(codes)]
        seconds = random.randrange(2**32) if random.random() < 0.8 else None
        yield file(entries, server, place + 1, seconds, Habit(kermit=kermit))


def any_entry(code: str, random: Random) -> Entry:
    """A number of any width, sign and scaler under ``code``."""
    width = random.randint(1, 8)
    is_signed = random.random() < 0.5
    low, high = (-(1 << 8 * width - 1), (1 << 8 * width - 1) - 1) if is_signed else (0, (1 << 8 * width) - 1)
    raw = random.choice((random.randint(low, high), low, high, random.randint(0, min(high, 1000))))
    status = random.randrange(2**32) if random.random() < 0.2 else None
    return number(
        code,
        raw,
        width=width,
        is_signed=is_signed,
        scaler=random.choice((None, *range(-4, 4))),
        unit=random.choice(tuple(UNITS)) if "8." not in code else random.choice(_COUNTERS),
        status=status,
        status_width=random.randint(4, 8),
    )


def _code(random: Random) -> tuple[str, str]:
    unit = random.choice(tuple(_MEANT))
    group = random.choice(_MEANT[unit])
    counts = unit in _COUNTERS
    return f"1-0:{group}.{8 if counts else 7}.{random.randrange(5) if counts else 0}", unit
