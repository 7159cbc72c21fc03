"""Groups of a frame and their order, in both modes.

Source: Enedis-NOI-CPT_54E version 3, sections 6.1.2 and 6.1.3 (historique), 6.2.1 (standard).
"""

from collections.abc import Iterable, Sequence

from quartier_hil.devices.meters.speech import Piece
from quartier_hil.devices.meters.tic.group import historique, standard
from quartier_hil.devices.meters.tic.seen import Peak, Seen
from quartier_hil.devices.meters.tic.stamp import stamp
from quartier_hil.devices.meters.tic.status import relays
from quartier_hil.devices.meters.tic.tariff import TOMORROW

_DAY_BLOCKS, _UNUSED = 11, "NONUTILE"


def historique_groups(seen: Seen) -> list[Piece]:
    """The long frame of historique."""
    tariff, period = seen.tariff, seen.period
    groups = [
        historique("ADCO", seen.address),
        historique("OPTARIF", tariff.optarif),
        historique("ISOUSC", f"{seen.contract_a:02d}", "A"),
    ]
    groups += [
        historique(one.counter, f"{seen.supply_wh[one.index - 1]:09d}", "Wh") for one in tariff.periods
    ]
    if seen.notice_min:
        groups.append(historique("PEJP", f"{seen.notice_min:02d}", "min"))
    groups.append(historique("PTEC", period.ptec))
    if seen.tariff_name == "tempo":
        groups.append(historique("DEMAIN", TOMORROW[seen.tomorrow]))
    groups += _phases_historique(seen)
    low_high = {"base": "A", "hc": "A", "ejp": "Y", "tempo": "D"}[seen.tariff_name]
    groups += [historique("HHPHC", low_high), historique("MOTDETAT", "000000")]
    if seen.phases == 3:
        groups.append(historique("PPOT", "00"))
    return groups


def _phases_historique(seen: Seen) -> list[Piece]:
    """Current, its largest, warnings and power: named by phase where there are three."""
    papp = historique("PAPP", f"{seen.drawn_total_va:05d}", "VA")
    if seen.phases == 1:
        groups = [historique("IINST", f"{seen.current_a[0]:03d}", "A")]
        if seen.over_a[0]:
            groups.append(historique("ADPS", f"{seen.over_a[0]:03d}", "A"))
        return [*groups, historique("IMAX", f"{seen.current_max_a[0]:03d}", "A"), papp]
    return [
        *_numbered("IINST", seen.current_a),
        *_numbered("IMAX", seen.current_max_a),
        historique("PMAX", f"{seen.maxima[0].value if seen.maxima else 0:05d}", "W"),
        papp,
    ]


def _numbered(label: str, values: Sequence[int]) -> list[Piece]:
    return [historique(f"{label}{phase}", f"{value:03d}", "A") for phase, value in enumerate(values, 1)]


def short_groups(seen: Seen) -> list[Piece]:
    """The short frame of three phases under over-current: a warning for each phase that is over."""
    warnings = [
        historique(f"ADIR{phase}", f"{over:03d}", "A") for phase, over in enumerate(seen.over_a, 1) if over
    ]
    return [*warnings, historique("ADCO", seen.address), *_numbered("IINST", seen.current_a)]


def standard_groups(seen: Seen) -> list[Piece]:
    """The frame of standard."""
    return [
        standard("ADSC", seen.address),
        standard("VTIC", "02"),
        _dated("DATE", Peak(0, seen.moment), 0, "", seen),
        standard("NGTF", f"{seen.tariff.ngtf:^16}"),
        standard("LTARF", f"{seen.period.ltarf:^16}"),
        *_counters(seen),
        *(standard(f"IRMS{phase}", f"{value:03d}", "A") for phase, value in enumerate(seen.current_a, 1)),
        *(standard(f"URMS{phase}", f"{value:03d}", "V") for phase, value in enumerate(seen.voltage_v, 1)),
        standard("PREF", f"{seen.reference_kva:02d}", "kVA"),
        standard("PCOUP", f"{seen.cutoff_kva:02d}", "kVA"),
        *_powers(seen),
        *_curves(seen),
        *(
            _dated(f"UMOY{phase}", Peak(value, seen.moment), 3, "V", seen)
            for phase, value in enumerate(seen.mean_voltage_v, 1)
        ),
        standard("STGE", seen.status.text),
        *_peak_days(seen),
        *_calendar(seen),
    ]


def _dated(label: str, peak: Peak, digits: int, unit: str, seen: Seen) -> Piece:
    """A value with its own time; without digits the value is empty, as DATE's."""
    when = stamp(peak.moment, degraded=seen.degraded)
    value = f"{peak.value:0{digits}d}" if digits else ""
    return standard(label, value, unit, stamp=when.text, time=when.iso, season=when.season)


def _counters(seen: Seen) -> Iterable[Piece]:
    yield standard("EAST", f"{sum(seen.supply_wh) % 10**9:09d}", "Wh")
    for index, value in enumerate(seen.supply_wh, 1):
        yield standard(f"EASF{index:02d}", f"{value:09d}", "Wh")
    for index, value in enumerate(seen.distribution_wh, 1):
        yield standard(f"EASD{index:02d}", f"{value:09d}", "Wh")
    if seen.producer:
        yield standard("EAIT", f"{seen.injected_wh:09d}", "Wh")
        for quadrant, value in enumerate(seen.reactive_varh, 1):
            yield standard(f"ERQ{quadrant}", f"{value:09d}", "varh")


def _powers(seen: Seen) -> Iterable[Piece]:
    yield standard("SINSTS", f"{seen.drawn_total_va:05d}", "VA")
    if seen.phases == 3:
        for phase, value in enumerate(seen.drawn_va, 1):
            yield standard(f"SINSTS{phase}", f"{value:05d}", "VA")
    for day, peaks in (("", seen.maxima), ("-1", seen.last_maxima)):
        for phase, peak in enumerate(peaks):
            yield _dated(f"SMAXSN{phase or ''}{day}", peak, 5, "VA", seen)
    if seen.producer:
        yield standard("SINSTI", f"{seen.injected_va:05d}", "VA")
        for day, peak in zip(("", "-1"), seen.injected_maxima, strict=False):
            yield _dated(f"SMAXIN{day}", peak, 5, "VA", seen)


def _curves(seen: Seen) -> Iterable[Piece]:
    for label, peaks in (("CCASN", seen.curve), ("CCAIN", seen.injected_curve)):
        for day, peak in zip(("", "-1"), peaks, strict=False):
            yield _dated(f"{label}{day}", peak, 5, "W", seen)


def _peak_days(seen: Seen) -> Iterable[Piece]:
    """Begin and end of announced mobile peaks, up to three; the value is the peak's profile."""
    for number, (begin, end) in enumerate(seen.peak_days, 1):
        yield _dated(f"DPM{number}", begin, 2, "", seen)
        yield _dated(f"FPM{number}", end, 2, "", seen)


def _calendar(seen: Seen) -> Iterable[Piece]:
    if seen.message:
        yield standard("MSG1", f"{seen.message:<32}")
    if seen.short_message:
        yield standard("MSG2", f"{seen.short_message:<16}")
    yield standard("PRM", seen.prm)
    yield standard("RELAIS", relays(seen.relays))
    yield standard("NTARF", f"{seen.status.supply:02d}")
    yield standard("NJOURF", f"{seen.day:02d}")
    yield standard("NJOURF+1", f"{seen.tomorrow_day:02d}")
    yield standard("PJOURF+1", _profile("0000C001", "0600C002", "2200C001"))
    if seen.peak_days:
        yield standard("PPOINTE", _profile("0000C003", "0600C004"))


def _profile(*blocks: str) -> str:
    """Return a day of eleven blocks ``HHMMSSSS``; unused blocks are marked so."""
    return " ".join([*blocks, *[_UNUSED] * (_DAY_BLOCKS - len(blocks))])
