"""Random Linkys: seeded frames of every kind, with the statements of each group."""

import datetime as dt
from collections.abc import Iterator
from random import Random

from quartier_sim.meters.telegrams import Telegram
from quartier_sim.meters.tic import frames
from quartier_sim.meters.tic.frames import build_broken_frame, build_frame
from quartier_sim.meters.tic.linky import Mode
from quartier_sim.meters.tic.meter_state import PARIS, TARIFFS, DatedValue, LinkyState, LinkyStatus

_BILLION = 10**9


def generate_telegrams(seed: int, count: int, mode: Mode = "standard") -> Iterator[Telegram]:
    """``count`` frames of one mode; one in ten of historique is short, one in twenty breaks off."""
    random = Random(seed)  # noqa: S311 - telegrams that can be repeated, no secret
    for _ in range(count):
        state = generate_state(random)
        if mode == "standard":
            groups = frames.build_standard_groups(state)
        elif state.phases == 3 and any(state.over_a) and random.random() < 0.4:
            groups = frames.build_short_groups(state)
        else:
            groups = frames.build_historique_groups(state)
        if random.random() < 0.05:
            yield build_broken_frame(groups[: random.randrange(1, len(groups))], state.address)
        else:
            yield build_frame(groups, state.address)


def generate_state(random: Random) -> LinkyState:
    """A Linky of any contract in any state."""
    phases = random.choice((1, 3))
    name = random.choice(tuple(TARIFFS))
    tariff = TARIFFS[name]
    periods_count = len(tariff.periods)
    producer = random.random() < 0.3
    moment = dt.datetime(2020, 1, 1, tzinfo=PARIS) + dt.timedelta(seconds=random.randrange(15 * 31_536_000))
    injected = producer and random.random() < 0.5
    # One phase ends at 12 kVA, three at 36: ISOUSC has two digits.
    reference = random.choice((3, 6, 9, 12) if phases == 1 else (6, 9, 12, 15, 18, 24, 30, 36))
    maxima_count = 1 if phases == 1 else 4

    def peaks(number: int, top: int = 99_999) -> tuple[DatedValue, ...]:
        return tuple(
            DatedValue(random.randrange(top), _choose_earlier(moment, random)) for _ in range(number)
        )

    supply = tuple(
        random.randrange(_BILLION) if index < periods_count or random.random() < 0.1 else 0
        for index in range(10)
    )
    over = random.random() < 0.2
    return LinkyState(
        moment=moment,
        degraded=random.random() < 0.1,
        address=f"{random.randrange(10**12):012d}",
        prm=f"{random.randrange(10**14):014d}",
        phases=phases,
        producer=producer,
        tariff_name=name,
        reference_kva=reference,
        cutoff_kva=random.choice((reference, 3)),
        supply_wh=supply,
        distribution_wh=tuple(random.randrange(_BILLION) for _ in range(4)),
        injected_wh=random.randrange(_BILLION),
        reactive_varh=tuple(random.randrange(_BILLION) for _ in range(4)),
        current_a=tuple(random.randrange(91) for _ in range(phases)),
        voltage_v=tuple(random.randrange(200, 260) for _ in range(phases)),
        mean_voltage_v=tuple(random.randrange(200, 260) for _ in range(phases)),
        drawn_va=tuple(0 if injected else random.randrange(12_001) for _ in range(phases)),
        injected_va=random.randrange(12_001) if injected else 0,
        maxima=peaks(maxima_count, 36_001),
        last_maxima=peaks(maxima_count, 36_001),
        injected_maxima=peaks(2, 36_001),
        curve=peaks(2, 36_001),
        injected_curve=peaks(2, 36_001) if producer else (),
        peak_days=tuple(
            (DatedValue(random.randrange(100), moment), DatedValue(random.randrange(100), moment))
            for _ in range(random.choice((0, 0, 0, 1, 2, 3)))
        ),
        current_max_a=tuple(random.randrange(91) for _ in range(phases)),
        status=LinkyStatus(
            contact_open=random.random() < 0.5,
            breaker=random.randrange(7),
            cover_open=random.random() < 0.1,
            over_voltage=random.random() < 0.1,
            over_power=over,
            producer=producer,
            exporting=injected,
            supply=random.randint(1, periods_count),
            distribution=random.randint(1, 4),
            clock_degraded=random.random() < 0.1,
            euridis=random.choice((0, 1, 3)),
            plc=random.choice((0, 1, 2)),
            plc_synchronous=random.random() < 0.5,
            today=random.randrange(4),
            tomorrow=random.randrange(4),
            peak_notice=random.randrange(4),
            peak=random.randrange(4),
        ),
        colour=random.randint(1, 3),
        tomorrow=random.randrange(4),
        notice_min=random.choice((0, 0, random.randint(1, 30))) if name == "ejp" else 0,
        over_a=tuple(random.randrange(1, 91) if over and random.random() < 0.7 else 0 for _ in range(phases)),
        relays=frozenset(place for place in range(8) if random.random() < 0.3),
        message=random.choice(("", "PAS DE          MESSAGE", "COUPURE LE 12/01 DE 09H A 11H")),
        short_message=random.choice(("", "MAINTENANCE")),
        day=random.randrange(4),
        tomorrow_day=random.randrange(4),
    )


def _choose_earlier(moment: dt.datetime, random: Random) -> dt.datetime:
    return moment - dt.timedelta(seconds=random.randrange(86_400))
