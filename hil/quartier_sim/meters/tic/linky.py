"""A Linky on the plant: its measurements, its memory and its next frame.

Its power is the active power of the site at a power factor of one, as the rest of the plant.  Without
the producer mode it shows no export: apparent power drawn falls to zero.
"""

import datetime as dt
from collections.abc import Mapping
from dataclasses import replace
from typing import Literal

from quartier_sim.devices.meter_values import PHASES, MeterValues
from quartier_sim.meters.telegrams import Telegram
from quartier_sim.meters.tic import frames
from quartier_sim.meters.tic.frames import build_broken_frame, build_frame
from quartier_sim.meters.tic.meter_state import (
    DISTRIBUTION_INDEXES,
    PARIS,
    SUPPLY_INDEXES,
    TARIFFS,
    DatedValue,
    LinkyState,
    LinkyStatus,
    TariffName,
)

Mode = Literal["historique", "standard"]
BAUD: Mapping[Mode, int] = {"historique": 1200, "standard": 9600}
# Short frames to each long one, and for how long they go on after the current is normal (NOI-CPT_02E 3.3).
SHORT_FRAMES, SHORT_AFTER_S = 20, 60.0
_CURVE_S = 1800
MOBILE_PEAK_STATUS = 2
"""Index of the mobile peak of EJP."""


class Linky:
    """Linky: ``tell`` takes the plant's values, ``telegram`` is the next frame.

    ``mode`` may be set at any time, as the supplier does from afar.  ``start_wh`` is the start
    value of its index.  ``colour`` and ``tomorrow`` are those of Tempo (or EJP's red).
    """

    def __init__(
        self,
        *,
        mode: Mode = "standard",
        phases: int = 1,
        tariff: TariffName = "base",
        reference_kva: int = 9,
        producer: bool = False,
        degraded: bool = False,
        address: str = "041976000001",
        start_wh: float = 0.0,
    ) -> None:
        self.mode = mode
        self.colour, self.tomorrow, self.notice_min = 1, 0, 0
        self.relays: frozenset[int] = frozenset()
        self.message = ""
        self._mains = MeterValues()
        self._supply_wh = [0.0] * SUPPLY_INDEXES
        self._supply_wh[0] = start_wh
        self._counted_wh: float | None = None
        self._over_until: dt.datetime | None = None
        self._shorts_count = 0
        self._was_over = False
        epoch = dt.datetime(2026, 1, 1, tzinfo=PARIS)
        self._seen = LinkyState(
            moment=epoch,
            phases=phases,
            tariff_name=tariff,
            reference_kva=reference_kva,
            cutoff_kva=reference_kva,
            producer=producer,
            degraded=degraded,
            address=address,
            maxima=(DatedValue(0, epoch),) * (1 if phases == 1 else 4),
            last_maxima=(DatedValue(0, epoch),) * (1 if phases == 1 else 4),
            curve=(DatedValue(0, epoch), DatedValue(0, epoch)),
            injected_maxima=(DatedValue(0, epoch), DatedValue(0, epoch)),
            current_max_a=(0,) * phases,
        )

    @property
    def baud(self) -> int:
        """Speed of the present mode, baud; always 7E1."""
        return BAUD[self.mode]

    @property
    def state(self) -> LinkyState:
        """The values that it holds now."""
        return self._seen

    def set_reference(self, kva: int) -> None:
        """The contract changes."""
        self._seen = replace(self._seen, reference_kva=kva, cutoff_kva=kva)

    def tell(self, values: Mapping[str, float], now: dt.datetime) -> None:
        """Take the plant's values at ``now``: ``power_w`` (import plus), ``energy_import_wh``, voltages …"""
        self._mains.take(values)
        old, local = self._seen, now.astimezone(PARIS)
        period = TARIFFS[old.tariff_name].period(local, self.colour)
        # Energy since the last call belongs to the period that was in force since.
        self._count(period.index if self._counted_wh is None else old.status.supply)
        drawn = self._drawn()
        volts = tuple(self._mains.phase_voltage_v(phase) for phase in PHASES[: old.phases])
        amps = tuple(round(va / volt) if volt else 0 for va, volt in zip(drawn, volts, strict=True))
        total_va, power_w = round(sum(drawn)), self._mains.power_w
        whole = tuple(round(va) for va in drawn)
        over_a = tuple(max(amp, 0) if amp > old.contract_a else 0 for amp in amps)
        new_day = local.date() != old.moment.astimezone(PARIS).date()
        flows = (total_va, *whole) if old.phases == 3 else (total_va,)
        maxima = old.maxima if not new_day else tuple(DatedValue(0, now) for _ in old.maxima)
        self._seen = replace(
            old,
            moment=now,
            supply_wh=tuple(int(wh) % 10**9 for wh in self._supply_wh),
            distribution_wh=(int(sum(self._supply_wh)) % 10**9, *[0] * (DISTRIBUTION_INDEXES - 1)),
            injected_wh=int(self._mains.energy_export_wh) % 10**9,
            current_a=amps,
            voltage_v=tuple(round(volt) for volt in volts),
            mean_voltage_v=tuple(round(volt) for volt in volts),
            drawn_va=whole,
            injected_va=round(max(-power_w, 0.0)),
            maxima=tuple(
                peak if peak.value >= va else DatedValue(va, now)
                for peak, va in zip(maxima, flows, strict=True)
            ),
            last_maxima=old.maxima if new_day else old.last_maxima,
            curve=_update_curve(old.curve, max(power_w, 0.0), now),
            current_max_a=tuple(map(max, old.current_max_a, amps)),
            over_a=over_a,
            colour=self.colour,
            tomorrow=self.tomorrow,
            notice_min=self.notice_min,
            relays=self.relays,
            message=self.message,
            status=self._status(period.index, total_va, power_w),
        )
        if any(over_a):
            self._over_until = now + dt.timedelta(seconds=SHORT_AFTER_S)

    def telegram(self) -> Telegram:
        """Return the next frame; each call moves one frame further."""
        state = self._seen
        if self.mode == "standard":
            return build_frame(frames.build_standard_groups(state), state.address)
        long = frames.build_historique_groups(state)
        over = self._over_until is not None and state.moment < self._over_until
        if state.phases == 1 or not over:
            self._shorts_count, self._was_over = 0, False
            return build_frame(long, state.address)
        if not self._was_over:  # the long frame under way ends with the group under way
            self._was_over = True
            return build_broken_frame(long[: len(long) // 2], state.address, b"")
        if self._shorts_count < SHORT_FRAMES:
            self._shorts_count += 1
            return build_frame(frames.build_short_groups(state), state.address)
        self._shorts_count = 0
        return build_frame(long, state.address)

    def _count(self, index: int) -> None:
        """Put what came in since the last look on an index."""
        import_wh = self._mains.energy_import_wh
        if self._counted_wh is None:
            self._supply_wh[index - 1] += import_wh
        else:
            self._supply_wh[index - 1] += max(import_wh - self._counted_wh, 0.0)
        self._counted_wh = import_wh

    def _drawn(self) -> tuple[float, ...]:
        """Apparent power drawn on each phase; a phase that gives draws nothing."""
        if self._seen.phases == 1:
            return (max(self._mains.power_w, 0.0),)
        return tuple(max(self._mains.phase_power_w(phase), 0.0) for phase in PHASES)

    def _status(self, index: int, total_va: int, power_w: float) -> LinkyStatus:
        old = self._seen
        coloured = old.tariff_name == "tempo"
        return LinkyStatus(
            contact_open=0 not in self.relays,
            over_power=total_va > old.reference_kva * 1000,
            over_voltage=any(volt > 253 for volt in old.voltage_v),
            producer=old.producer,
            exporting=power_w < 0,
            supply=index,
            clock_degraded=old.degraded,
            standard=self.mode == "standard",
            today=self.colour if coloured else 0,
            tomorrow=self.tomorrow if coloured else 0,
            peak_notice=int(self.notice_min > 0),
            peak=int(old.tariff_name == "ejp" and index == MOBILE_PEAK_STATUS),
        )


def _update_curve(curve: tuple[DatedValue, ...], power_w: float, now: dt.datetime) -> tuple[DatedValue, ...]:
    """The last two points of the load curve, one each half hour."""
    slot = now.replace(minute=now.minute // 30 * 30, second=0, microsecond=0)
    if curve[0].moment == slot:
        return curve
    return (DatedValue(round(power_w), slot), curve[0])


# What the connection can be subscribed to, in kVA (Enedis, low voltage up to 36 kVA).
SUBSCRIPTIONS_KVA = (3, 6, 9, 12, 15, 18, 24, 30, 36)


# Where only W are known, 90 % of a subscribed VA count as W: the Linky must not cap below the contract.
_W_PER_VA = 0.9


def find_subscription_kva(contract_w: float) -> int:
    """Return the smallest subscription, kVA, that covers the contract, at most the largest there is."""
    return next(
        (kva for kva in SUBSCRIPTIONS_KVA if kva * 1000 * _W_PER_VA >= contract_w), SUBSCRIPTIONS_KVA[-1]
    )
