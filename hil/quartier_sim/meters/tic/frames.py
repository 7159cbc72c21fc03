"""Groups and frames of TIC and their order, in both modes.

Source: Enedis-NOI-CPT_54E version 3, sections 5.2 and 5.3.  A group runs from LF to CR.  Historique
separates with SP and sums label, SP and value; standard separates with HT, may hold a time, and sums all
up
to the last HT.  The check is the low six bits of the sum plus 0x20.

Source: Enedis-NOI-CPT_54E version 3, sections 6.1.2 and 6.1.3 (historique), 6.2.1 (standard).
"""

from collections.abc import Iterable, Sequence
from functools import lru_cache

from quartier_sim.meters.telegrams import Statement, Telegram, TelegramPart
from quartier_sim.meters.tic.meter_state import (
    TOMORROW_COLOURS,
    DatedValue,
    LinkyState,
    format_relays,
    make_stamp,
)

STX, ETX, EOT, LF, CR, HT, SP = b"\x02", b"\x03", b"\x04", b"\n", b"\r", b"\t", b" "
_VALUE_MAX = 4096
"""Groups that were made: most of a frame stand in the frame before it."""


def compute_check(summed: bytes) -> bytes:
    """The checksum byte over ``summed``."""
    return bytes([(sum(summed) & 0x3F) + 0x20])


@lru_cache(maxsize=_VALUE_MAX)
def build_historique_group(label: str, value: str, unit: str = "") -> TelegramPart:
    """A group of historique, as ``IINST SP 012 SP check``."""
    body = label.encode("ascii") + SP + value.encode("ascii")
    return TelegramPart(LF + body + SP + compute_check(body) + CR, (Statement(label, value, unit),))


@lru_cache(maxsize=_VALUE_MAX)
def build_standard_group(
    label: str, value: str, unit: str = "", *, stamp: str = "", time: str = "", season: str = ""
) -> TelegramPart:
    """A group of standard; with ``stamp`` (``H260112134500``) it carries a time of its own.

    ``time`` is the stamp as ISO 8601, ``season`` its letter.
    """
    fields = [label, stamp, value] if stamp else [label, value]
    body = b"".join(field.encode("ascii") + HT for field in fields)
    more = {"season": season} if season else {}
    return TelegramPart(LF + body + compute_check(body) + CR, (Statement(label, value, unit, time, more),))


def build_frame(groups: Sequence[TelegramPart], meter: str = "") -> Telegram:
    """A whole frame, STX to ETX."""
    return Telegram((TelegramPart(STX), *groups, TelegramPart(ETX)), meter)


def build_broken_frame(groups: Sequence[TelegramPart], meter: str = "", ending: bytes = EOT) -> Telegram:
    """A frame that the meter ends early, after the group under way.

    With EOT where a reading by Euridis takes the line (section 5.2.2), with nothing where a short
    frame of historique overtakes it.
    """
    return Telegram((TelegramPart(STX), *groups, *([TelegramPart(ending)] if ending else [])), meter)


_DAY_BLOCKS, _UNUSED = 11, "NONUTILE"


def build_historique_groups(state: LinkyState) -> list[TelegramPart]:
    """The long frame of historique."""
    tariff, period = state.tariff, state.period
    groups = [
        build_historique_group("ADCO", state.address),
        build_historique_group("OPTARIF", tariff.optarif),
        build_historique_group("ISOUSC", f"{state.contract_a:02d}", "A"),
    ]
    groups += [
        build_historique_group(one.counter, f"{state.supply_wh[one.index - 1]:09d}", "Wh")
        for one in tariff.periods
    ]
    if state.notice_min:
        groups.append(build_historique_group("PEJP", f"{state.notice_min:02d}", "min"))
    groups.append(build_historique_group("PTEC", period.ptec))
    if state.tariff_name == "tempo":
        groups.append(build_historique_group("DEMAIN", TOMORROW_COLOURS[state.tomorrow]))
    groups += _build_historique_phases(state)
    low_high = {"base": "A", "hc": "A", "ejp": "Y", "tempo": "D"}[state.tariff_name]
    groups += [build_historique_group("HHPHC", low_high), build_historique_group("MOTDETAT", "000000")]
    if state.phases == 3:
        groups.append(build_historique_group("PPOT", "00"))
    return groups


def _build_historique_phases(state: LinkyState) -> list[TelegramPart]:
    """Current, its largest, warnings and power: named by phase where there are three."""
    papp = build_historique_group("PAPP", f"{state.total_drawn_va:05d}", "VA")
    if state.phases == 1:
        groups = [build_historique_group("IINST", f"{state.current_a[0]:03d}", "A")]
        if state.over_a[0]:
            groups.append(build_historique_group("ADPS", f"{state.over_a[0]:03d}", "A"))
        return [*groups, build_historique_group("IMAX", f"{state.current_max_a[0]:03d}", "A"), papp]
    return [
        *_build_numbered_groups("IINST", state.current_a),
        *_build_numbered_groups("IMAX", state.current_max_a),
        build_historique_group("PMAX", f"{state.maxima[0].value if state.maxima else 0:05d}", "W"),
        papp,
    ]


def _build_numbered_groups(label: str, values: Sequence[int]) -> list[TelegramPart]:
    return [
        build_historique_group(f"{label}{phase}", f"{value:03d}", "A")
        for phase, value in enumerate(values, 1)
    ]


def build_short_groups(state: LinkyState) -> list[TelegramPart]:
    """The short frame of three phases under over-current: a warning for each phase that is over."""
    warnings = [
        build_historique_group(f"ADIR{phase}", f"{over:03d}", "A")
        for phase, over in enumerate(state.over_a, 1)
        if over
    ]
    return [
        *warnings,
        build_historique_group("ADCO", state.address),
        *_build_numbered_groups("IINST", state.current_a),
    ]


def build_standard_groups(state: LinkyState) -> list[TelegramPart]:
    """The frame of standard."""
    return [
        build_standard_group("ADSC", state.address),
        build_standard_group("VTIC", "02"),
        _build_dated_group("DATE", DatedValue(0, state.moment), 0, "", state),
        build_standard_group("NGTF", f"{state.tariff.ngtf:^16}"),
        build_standard_group("LTARF", f"{state.period.ltarf:^16}"),
        *_build_counters(state),
        *(
            build_standard_group(f"IRMS{phase}", f"{value:03d}", "A")
            for phase, value in enumerate(state.current_a, 1)
        ),
        *(
            build_standard_group(f"URMS{phase}", f"{value:03d}", "V")
            for phase, value in enumerate(state.voltage_v, 1)
        ),
        build_standard_group("PREF", f"{state.reference_kva:02d}", "kVA"),
        build_standard_group("PCOUP", f"{state.cutoff_kva:02d}", "kVA"),
        *_build_powers(state),
        *_build_curves(state),
        *(
            _build_dated_group(f"UMOY{phase}", DatedValue(value, state.moment), 3, "V", state)
            for phase, value in enumerate(state.mean_voltage_v, 1)
        ),
        build_standard_group("STGE", state.status.text),
        *_build_peak_days(state),
        *_build_calendar(state),
    ]


def _build_dated_group(
    label: str, peak: DatedValue, digits: int, unit: str, state: LinkyState
) -> TelegramPart:
    """A value with its own time; without digits the value is empty, as DATE's."""
    when = make_stamp(peak.moment, degraded=state.degraded)
    value = f"{peak.value:0{digits}d}" if digits else ""
    return build_standard_group(label, value, unit, stamp=when.text, time=when.iso, season=when.season)


def _build_counters(state: LinkyState) -> Iterable[TelegramPart]:
    yield build_standard_group("EAST", f"{sum(state.supply_wh) % 10**9:09d}", "Wh")
    for index, value in enumerate(state.supply_wh, 1):
        yield build_standard_group(f"EASF{index:02d}", f"{value:09d}", "Wh")
    for index, value in enumerate(state.distribution_wh, 1):
        yield build_standard_group(f"EASD{index:02d}", f"{value:09d}", "Wh")
    if state.producer:
        yield build_standard_group("EAIT", f"{state.injected_wh:09d}", "Wh")
        for quadrant, value in enumerate(state.reactive_varh, 1):
            yield build_standard_group(f"ERQ{quadrant}", f"{value:09d}", "varh")


def _build_powers(state: LinkyState) -> Iterable[TelegramPart]:
    yield build_standard_group("SINSTS", f"{state.total_drawn_va:05d}", "VA")
    if state.phases == 3:
        for phase, value in enumerate(state.drawn_va, 1):
            yield build_standard_group(f"SINSTS{phase}", f"{value:05d}", "VA")
    for day, peaks in (("", state.maxima), ("-1", state.last_maxima)):
        for phase, peak in enumerate(peaks):
            yield _build_dated_group(f"SMAXSN{phase or ''}{day}", peak, 5, "VA", state)
    if state.producer:
        yield build_standard_group("SINSTI", f"{state.injected_va:05d}", "VA")
        for day, peak in zip(("", "-1"), state.injected_maxima, strict=False):
            yield _build_dated_group(f"SMAXIN{day}", peak, 5, "VA", state)


def _build_curves(state: LinkyState) -> Iterable[TelegramPart]:
    for label, peaks in (("CCASN", state.curve), ("CCAIN", state.injected_curve)):
        for day, peak in zip(("", "-1"), peaks, strict=False):
            yield _build_dated_group(f"{label}{day}", peak, 5, "W", state)


def _build_peak_days(state: LinkyState) -> Iterable[TelegramPart]:
    """Begin and end of announced mobile peaks, up to three; the value is the peak's profile."""
    for number, (begin, end) in enumerate(state.peak_days, 1):
        yield _build_dated_group(f"DPM{number}", begin, 2, "", state)
        yield _build_dated_group(f"FPM{number}", end, 2, "", state)


def _build_calendar(state: LinkyState) -> Iterable[TelegramPart]:
    if state.message:
        yield build_standard_group("MSG1", f"{state.message:<32}")
    if state.short_message:
        yield build_standard_group("MSG2", f"{state.short_message:<16}")
    yield build_standard_group("PRM", state.prm)
    yield build_standard_group("RELAIS", format_relays(state.relays))
    yield build_standard_group("NTARF", f"{state.status.supply:02d}")
    yield build_standard_group("NJOURF", f"{state.day:02d}")
    yield build_standard_group("NJOURF+1", f"{state.tomorrow_day:02d}")
    yield build_standard_group("PJOURF+1", _format_profile("0000C001", "0600C002", "2200C001"))
    if state.peak_days:
        yield build_standard_group("PPOINTE", _format_profile("0000C003", "0600C004"))


def _format_profile(*blocks: str) -> str:
    """Return a day of eleven blocks ``HHMMSSSS``; unused blocks are marked so."""
    return " ".join([*blocks, *[_UNUSED] * (_DAY_BLOCKS - len(blocks))])
