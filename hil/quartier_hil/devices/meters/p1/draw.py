"""Random P1 meters: seeded telegrams of every version and country, with the numbers they carry."""

import datetime as dt
from collections.abc import Callable, Iterator, Mapping
from random import Random

from quartier_hil.devices.meters.p1.dutch import VERSIONS
from quartier_hil.devices.meters.p1.european import COUNTRIES
from quartier_hil.devices.meters.p1.household import Child, Household
from quartier_hil.devices.meters.p1.telegram import Check
from quartier_hil.devices.meters.speech import Telegram

KINDS: Mapping[str, Callable[[Household, Check], Telegram]] = {**VERSIONS, **COUNTRIES}
UNCHECKED = ("2.2", "3")


def telegrams(seed: int, count: int, kinds: tuple[str, ...] = tuple(KINDS)) -> Iterator[tuple[str, Telegram]]:
    """``count`` telegrams, each with its kind (a version or a country)."""
    random = Random(seed)  # noqa: S311 - telegrams that can be repeated, no secret
    for _ in range(count):
        kind = random.choice(kinds)
        check: Check = "none" if kind in UNCHECKED else "full"
        yield kind, KINDS[kind](household(random), check)


def household(random: Random) -> Household:
    """Return a random household with one or three phases and up to four children."""
    phases = random.choice((1, 3))
    moment = _moment(random)

    def each(top: float, decimals: int = 3) -> tuple[float, ...]:
        return tuple(round(random.uniform(0, top), decimals) for _ in range(phases))

    def counters() -> tuple[float, float]:
        return (round(random.uniform(0, 49_999), 3), round(random.uniform(0, 49_999), 3))

    injecting = random.random() < 0.3
    none = (0.0,) * phases
    return Household(
        moment=moment,
        serial="".join(random.choices("EKISM0123456789", k=17)),
        tariff=random.choice((1, 2)),
        import_kwh=counters(),
        export_kwh=counters(),
        import_kvarh=counters(),
        export_kvarh=counters(),
        import_kw=none if injecting else each(8),
        export_kw=each(8) if injecting else none,
        import_kvar=each(3),
        export_kvar=each(3),
        volts=tuple(round(random.uniform(207, 253), 1) for _ in range(phases)),
        amps=tuple(float(random.randrange(60)) for _ in range(phases)),
        failures_count=random.randrange(100),
        long_failures_count=random.randrange(20),
        failures=tuple((_moment(random), random.randrange(10**6)) for _ in range(random.randrange(4))),
        sags=tuple(random.randrange(100) for _ in range(phases)),
        swells=tuple(random.randrange(100) for _ in range(phases)),
        message=random.choice(("", "Onderhoud 12/01")),
        average_kw=round(random.uniform(0, 10), 3),
        peak_kw=round(random.uniform(0, 10), 3),
        peak_moment=_moment(random),
        peaks=tuple(
            (_moment(random), _moment(random), round(random.uniform(0, 10), 3))
            for _ in range(random.randrange(14))
        ),
        frequency_hz=round(random.uniform(49.9, 50.1), 2),
        children=tuple(_child(channel, random) for channel in range(1, 1 + random.randrange(5))),
    )


def _child(channel: int, random: Random) -> Child:
    return Child(
        channel=channel,
        kind=random.choice((3, 7)),
        serial="".join(random.choices("0123456789", k=17)),
        moment=_moment(random),
        value=round(random.uniform(0, 99_999), 3),
    )


def _moment(random: Random) -> dt.datetime:
    return dt.datetime(2018, 1, 1, tzinfo=dt.UTC) + dt.timedelta(seconds=random.randrange(15 * 31_536_000))
