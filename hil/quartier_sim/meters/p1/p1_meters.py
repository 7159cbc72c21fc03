"""P1 meters: one on the plant, and seeded random telegrams of every version and country."""

import datetime as dt
from collections.abc import Callable, Iterator, Mapping
from random import Random

from quartier_sim.devices.meter_values import PHASES, MeterValues
from quartier_sim.meters.p1.national_telegrams import COUNTRIES, VERSIONS
from quartier_sim.meters.p1.telegrams import CheckKind, ChildMeter, Household
from quartier_sim.meters.telegrams import Telegram

TELEGRAM_KINDS: Mapping[str, Callable[[Household, CheckKind], Telegram]] = {**VERSIONS, **COUNTRIES}
UNCHECKED_KINDS = ("2.2", "3")


def generate_telegrams(
    seed: int, count: int, kinds: tuple[str, ...] = tuple(TELEGRAM_KINDS)
) -> Iterator[tuple[str, Telegram]]:
    """``count`` telegrams, each with its kind (a version or a country)."""
    random = Random(seed)  # noqa: S311 - telegrams that can be repeated, no secret
    for _ in range(count):
        kind = random.choice(kinds)
        check: CheckKind = "none" if kind in UNCHECKED_KINDS else "full"
        yield kind, TELEGRAM_KINDS[kind](generate_household(random), check)


def generate_household(random: Random) -> Household:
    """Return a random household with one or three phases and up to four children."""
    phases = random.choice((1, 3))
    moment = _generate_moment(random)

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
        failures=tuple(
            (_generate_moment(random), random.randrange(10**6)) for _ in range(random.randrange(4))
        ),
        sags=tuple(random.randrange(100) for _ in range(phases)),
        swells=tuple(random.randrange(100) for _ in range(phases)),
        message=random.choice(("", "Onderhoud 12/01")),
        average_kw=round(random.uniform(0, 10), 3),
        peak_kw=round(random.uniform(0, 10), 3),
        peak_moment=_generate_moment(random),
        peaks=tuple(
            (_generate_moment(random), _generate_moment(random), round(random.uniform(0, 10), 3))
            for _ in range(random.randrange(14))
        ),
        frequency_hz=round(random.uniform(49.9, 50.1), 2),
        children=tuple(_generate_child(channel, random) for channel in range(1, 1 + random.randrange(5))),
    )


def _generate_child(channel: int, random: Random) -> ChildMeter:
    return ChildMeter(
        channel=channel,
        kind=random.choice((3, 7)),
        serial="".join(random.choices("0123456789", k=17)),
        moment=_generate_moment(random),
        value=round(random.uniform(0, 99_999), 3),
    )


def _generate_moment(random: Random) -> dt.datetime:
    return dt.datetime(2018, 1, 1, tzinfo=dt.UTC) + dt.timedelta(seconds=random.randrange(15 * 31_536_000))


_HOUR_S = 3600


class P1Meter:
    """P1 meter: ``tell`` takes the plant's values; ``telegram`` is the next one, each second in version 5.

    ``children`` are kinds of M-Bus meters (3 gas, 7 water …), whose counters ``count`` moves.
    With ``seal`` it encrypts.
    """

    def __init__(
        self,
        kind: str = "5",
        *,
        serial: str = "E0043007052870318",
        phases: int = 3,
        children: Mapping[int, int] | None = None,
        seal: Callable[[Telegram, int], Telegram] | None = None,
    ) -> None:
        self.kind, self.serial, self.phases = kind, serial, phases
        self.now = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
        self.counters = dict.fromkeys(children or {}, 0.0)
        self._children = dict(children or {})
        self._mains = MeterValues()
        self._seal = seal
        self._sent_count = 0

    @property
    def baud(self) -> int:
        """9600 before version 4."""
        return 9600 if self.kind in UNCHECKED_KINDS else 115_200

    def tell(self, values: Mapping[str, float], now: dt.datetime) -> None:
        """Take the values of the plant at ``now``, in gateway units."""
        self._mains.take(values)
        self.now = now

    def count(self, channel: int, value: float) -> None:
        """A child's counter, in its unit (m3, GJ, kWh)."""
        self.counters[channel] = value

    def telegram(self) -> Telegram:
        """The next one."""
        self._sent_count += 1
        telegram = TELEGRAM_KINDS[self.kind](
            self._household(), "none" if self.kind in UNCHECKED_KINDS else "full"
        )
        return telegram if self._seal is None else self._seal(telegram, self._sent_count)

    def _household(self) -> Household:
        mains = self._mains
        kw = [round(mains.phase_power_w(phase) / 1000, 3) for phase in PHASES]
        if self.phases == 1:
            kw = [round(mains.power_w / 1000, 3)]
        hour = self.now.replace(minute=0, second=0, microsecond=0)
        return Household(
            moment=self.now,
            serial=self.serial,
            import_kwh=(round(mains.energy_import_wh / 1000, 3), 0.0),
            export_kwh=(round(mains.energy_export_wh / 1000, 3), 0.0),
            import_kw=tuple(max(value, 0.0) for value in kw),
            export_kw=tuple(max(-value, 0.0) for value in kw),
            import_kvar=(0.0,) * self.phases,
            export_kvar=(0.0,) * self.phases,
            volts=tuple(round(mains.phase_voltage_v(phase), 1) for phase in PHASES[: self.phases]),
            amps=tuple(round(mains.phase_current_a(phase)) for phase in PHASES[: self.phases]),
            sags=(0,) * self.phases,
            swells=(0,) * self.phases,
            children=tuple(
                ChildMeter(
                    channel=channel,
                    kind=kind,
                    serial=f"{channel:017d}",
                    moment=hour,
                    value=self.counters[channel],
                )
                for channel, kind in self._children.items()
            ),
        )
