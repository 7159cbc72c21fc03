"""P1 telegrams of the Netherlands (2.2 to 5.0.2) and of five other countries.

Source: P1 companion standards 2.2, 3.0, 4.2.2 and 5.0.2 (Netbeheer Nederland), section 6.12 and the
examples of their annexes.

Sources: Fluvius e-MUCS P1 version 1.7.1 (Belgium), Luxmetering P1 specification 1.1.3 (Luxembourg),
Energiföretagen "Branschrekommendation lokalt kundgränssnitt" 2.0 (Sweden), E.ON and MVM P1 descriptions of
2022 (Hungary), Energienetze Steiermark customer interface of the T210-D (Austria: energy in whole Wh,
power
in whole W).
"""

from collections.abc import Callable, Iterator, Mapping

from quartier_sim.meters.p1.telegrams import (
    CheckKind,
    ChildMeter,
    Entry,
    Household,
    build_telegram,
    format_decimal,
    format_iso,
    format_stamp,
    make_clock_entry,
    make_dated_entry,
    make_number_entry,
    make_octets_entry,
    make_text_entry,
)
from quartier_sim.meters.p1.telegrams import make_clock_entry as now
from quartier_sim.meters.telegrams import Statement, Telegram

# OBIS group C of a phase's power in, power out, voltage and current (IEC 62056-6-1).
POWER_IN, POWER_OUT, CURRENT, VOLTAGE = (21, 41, 61), (22, 42, 62), (31, 51, 71), (32, 52, 72)
REACTIVE_IN, REACTIVE_OUT = (23, 43, 63), (24, 44, 64)


def build_v2(household: Household, check: CheckKind = "none") -> Telegram:
    """Version 2.2: 9600 baud, no time of its own, no check."""
    return build_telegram(
        "KMP5 KA6U001660297912", list(_list_old_entries(household, (8, 3), (6, 2), gas_code="24.2.0")), check
    )


def build_v3(household: Household, check: CheckKind = "none") -> Telegram:
    """Version 3.0."""
    return build_telegram(
        "ISk5\\2MT382-1000", list(_list_old_entries(household, (8, 3), (5, 2), gas_code="24.2.1")), check
    )


def build_v4(household: Household, check: CheckKind = "full") -> Telegram:
    """Version 4.2.2."""
    return build_telegram(
        "KFM5KAIFA-METER",
        [make_text_entry("1-3:0.2.8", "42"), *_list_new_entries(household), *_list_v4_end(household)],
        check,
    )


def build_v5(household: Household, check: CheckKind = "full") -> Telegram:
    """Version 5.0.2."""
    return build_telegram(
        "ISK5\\2M550T-1012",
        [make_text_entry("1-3:0.2.8", "50"), *_list_new_entries(household), *_list_v5_end(household)],
        check,
    )


def _list_old_entries(
    household: Household, energy: tuple[int, int], power: tuple[int, int], gas_code: str
) -> Iterator[Entry]:
    yield make_octets_entry("0-0:96.1.1", household.serial)
    for direction, values in (("1", household.import_kwh), ("2", household.export_kwh)):
        for tariff, value in enumerate(values, 1):
            yield make_number_entry(f"1-0:{direction}.8.{tariff}", value, energy, "kWh")
    yield make_text_entry("0-0:96.14.0", f"{household.tariff:04d}")
    yield make_number_entry("1-0:1.7.0", sum(household.import_kw), power, "kW")
    yield make_number_entry("1-0:2.7.0", sum(household.export_kw), power, "kW")
    yield make_number_entry("0-0:17.0.0", 16, (3, 0), "A")
    yield make_text_entry("0-0:96.3.10", "1")
    yield make_octets_entry("0-0:96.13.1", "12345678")
    yield make_octets_entry("0-0:96.13.0", household.message)
    for child in household.children:
        yield make_octets_entry(f"0-{child.channel}:96.1.0", child.serial)
        yield make_text_entry(f"0-{child.channel}:24.1.0", f"{child.kind:02d}")
        yield _make_old_child_entry(child, gas_code)
        yield make_text_entry(f"0-{child.channel}:24.4.0", "1")


def _make_old_child_entry(child: ChildMeter, code: str) -> Entry:
    """Return a child's entry before version 4: its value is on a second line, behind the profile."""
    label = f"0-{child.channel}:24.3.0"
    value = format_decimal(child.value, 8, 3)
    shown = format_stamp(child.moment, seasonal=False)
    line = f"{label}({shown})(00)(60)(1)(0-{child.channel}:{code})({child.unit})\r\n({value})"
    when = format_iso(child.moment, seasonal=False)
    return Entry(line, (Statement(label, round(child.value, 3), child.unit, when),))


def _list_new_entries(household: Household) -> Iterator[Entry]:
    yield now(household.moment)
    yield make_octets_entry("0-0:96.1.1", household.serial)
    for direction, values in (("1", household.import_kwh), ("2", household.export_kwh)):
        for tariff, value in enumerate(values, 1):
            yield make_number_entry(f"1-0:{direction}.8.{tariff}", value, (9, 3), "kWh")
    yield make_text_entry("0-0:96.14.0", f"{household.tariff:04d}")
    yield make_number_entry("1-0:1.7.0", sum(household.import_kw), (5, 3), "kW")
    yield make_number_entry("1-0:2.7.0", sum(household.export_kw), (5, 3), "kW")


def list_quality_entries(household: Household) -> Iterator[Entry]:
    """Counts of failures, sags and swells, and the log of long failures."""
    yield make_text_entry("0-0:96.7.21", f"{household.failures_count:05d}")
    yield make_text_entry("0-0:96.7.9", f"{household.long_failures_count:05d}")
    log = "".join(f"({format_stamp(end)})({seconds:010d}*s)" for end, seconds in household.failures)
    yield Entry(f"1-0:99.97.0({len(household.failures)})(0-0:96.7.19){log}")
    for phase in household.phases:
        yield make_text_entry(f"1-0:{VOLTAGE[phase]}.32.0", f"{household.sags[phase]:05d}")
    for phase in household.phases:
        yield make_text_entry(f"1-0:{VOLTAGE[phase]}.36.0", f"{household.swells[phase]:05d}")


def list_phase_entries(
    household: Household, codes: tuple[int, ...], values: tuple[float, ...], form: tuple[int, int], unit: str
) -> Iterator[Entry]:
    """The same quantity of each phase."""
    for phase in household.phases:
        yield make_number_entry(f"1-0:{codes[phase]}.7.0", values[phase], form, unit)


def list_child_entries(household: Household) -> Iterator[Entry]:
    """The meters behind it, as from version 4 on."""
    for child in household.children:
        yield make_text_entry(f"0-{child.channel}:24.1.0", f"{child.kind:03d}")
        yield make_octets_entry(f"0-{child.channel}:96.1.0", child.serial)
        yield make_dated_entry(f"0-{child.channel}:24.2.1", child.moment, child.value, (8, 3), child.unit)


def _list_v4_end(household: Household) -> Iterator[Entry]:
    yield make_number_entry("0-0:17.0.0", 999.9, (4, 1), "kW")
    yield make_text_entry("0-0:96.3.10", "1")
    yield from list_quality_entries(household)
    yield make_text_entry("0-0:96.13.1", "")
    yield make_octets_entry("0-0:96.13.0", household.message)
    yield from list_phase_entries(household, CURRENT, household.amps, (3, 0), "A")
    yield from list_phase_entries(household, POWER_IN, household.import_kw, (5, 3), "kW")
    yield from list_phase_entries(household, POWER_OUT, household.export_kw, (5, 3), "kW")
    yield from list_child_entries(household)


def _list_v5_end(household: Household) -> Iterator[Entry]:
    yield from list_quality_entries(household)
    yield make_octets_entry("0-0:96.13.0", household.message)
    yield from list_phase_entries(household, VOLTAGE, household.volts, (4, 1), "V")
    yield from list_phase_entries(household, CURRENT, household.amps, (3, 0), "A")
    yield from list_phase_entries(household, POWER_IN, household.import_kw, (5, 3), "kW")
    yield from list_phase_entries(household, POWER_OUT, household.export_kw, (5, 3), "kW")
    yield from list_child_entries(household)


VERSIONS: Mapping[str, Callable[[Household, CheckKind], Telegram]] = {
    "2.2": build_v2,
    "3": build_v3,
    "4.2": build_v4,
    "5": build_v5,
}


_GAS_KIND = 3


def build_belgium(household: Household, check: CheckKind = "full") -> Telegram:
    """Fluvius, with the monthly peaks of the capacity tariff."""
    zone = "Europe/Brussels"
    peak_moment = household.peak_moment or household.moment
    log = "".join(
        f"({format_stamp(month, zone)})({format_stamp(at, zone)})({kw:06.3f}*kW)"
        for month, at, kw in household.peaks
    )
    entries = [
        make_text_entry("0-0:96.1.4", "50217"),
        make_octets_entry("0-0:96.1.1", household.serial),
        make_clock_entry(household.moment, zone),
        *_list_energies(household),
        make_number_entry("1-0:1.4.0", household.average_kw, (5, 3), "kW"),
        make_dated_entry("1-0:1.6.0", peak_moment, household.peak_kw, (5, 3), "kW", zone),
        Entry(f"0-0:98.1.0({len(household.peaks)})(1-0:1.6.0)(1-0:1.6.0){log}"),
        make_text_entry("0-0:96.14.0", f"{household.tariff:04d}"),
        make_number_entry("1-0:1.7.0", sum(household.import_kw), (5, 3), "kW"),
        make_number_entry("1-0:2.7.0", sum(household.export_kw), (5, 3), "kW"),
        *list_phase_entries(household, POWER_IN, household.import_kw, (5, 3), "kW"),
        *list_phase_entries(household, POWER_OUT, household.export_kw, (5, 3), "kW"),
        *list_phase_entries(household, VOLTAGE, household.volts, (4, 1), "V"),
        *list_phase_entries(household, CURRENT, household.amps, (5, 2), "A"),
        make_text_entry("0-0:96.3.10", "1"),
        make_number_entry("0-0:17.0.0", 999.9, (4, 1), "kW"),
        make_number_entry("1-0:31.4.0", 999, (3, 0), "A"),
        make_text_entry("0-0:96.13.0", ""),
        *_list_belgian_children(household, zone),
    ]
    return build_telegram("FLU5\\253769484_A", entries, check)


def _list_belgian_children(household: Household, zone: str) -> Iterator[Entry]:
    """Gas without temperature conversion is 24.2.3, water 24.2.1."""
    for child in household.children:
        yield make_text_entry(f"0-{child.channel}:24.1.0", f"{child.kind:03d}")
        yield make_octets_entry(f"0-{child.channel}:96.1.1", child.serial)
        code = "24.2.3" if child.kind == _GAS_KIND else "24.2.1"
        yield make_dated_entry(
            f"0-{child.channel}:{code}", child.moment, child.value, (8, 3), child.unit, zone
        )


def _list_energies(household: Household) -> Iterator[Entry]:
    for direction, values in (("1", household.import_kwh), ("2", household.export_kwh)):
        for tariff, value in enumerate(values, 1):
            yield make_number_entry(f"1-0:{direction}.8.{tariff}", value, (9, 3), "kWh")


def _list_totals(household: Household, digits: int = 9) -> Iterator[Entry]:
    """Active and reactive energy without tariffs."""
    pairs = (household.import_kwh, household.export_kwh, household.import_kvarh, household.export_kvarh)
    for direction, values in enumerate(pairs, 1):
        unit = "kWh" if direction < 3 else "kvarh"
        yield make_number_entry(f"1-0:{direction}.8.0", sum(values), (digits, 3), unit)


def _list_powers(household: Household, digits: int = 5) -> Iterator[Entry]:
    pairs = (household.import_kw, household.export_kw, household.import_kvar, household.export_kvar)
    for direction, values in enumerate(pairs, 1):
        yield make_number_entry(
            f"1-0:{direction}.7.0", sum(values), (digits, 3), "kW" if direction < 3 else "kvar"
        )


def _list_reactive_phases(household: Household) -> Iterator[Entry]:
    yield from list_phase_entries(household, REACTIVE_IN, household.import_kvar, (5, 3), "kvar")
    yield from list_phase_entries(household, REACTIVE_OUT, household.export_kvar, (5, 3), "kvar")


def build_luxembourg(household: Household, check: CheckKind = "full") -> Telegram:
    """Smarty; on the wire it comes encrypted, see ``sealed``."""
    entries = [
        make_text_entry("1-3:0.2.8", "42"),
        make_clock_entry(household.moment, "Europe/Luxembourg"),
        make_octets_entry("0-0:42.0.0", household.serial),
        *_list_totals(household),
        *_list_powers(household),
        make_number_entry("0-0:17.0.0", 27.6, (4, 1), "kVA"),
        make_text_entry("0-0:96.3.10", "1"),
        make_text_entry("0-0:96.7.21", f"{household.failures_count:05d}"),
        *list(list_quality_entries(household))[3:],
        make_text_entry("0-0:96.13.0", ""),
        make_text_entry("0-0:96.13.2", ""),
        make_text_entry("0-0:96.13.3", ""),
        *list_phase_entries(household, CURRENT, household.amps, (3, 0), "A"),
        *list_phase_entries(household, POWER_IN, household.import_kw, (5, 3), "kW"),
        *list_phase_entries(household, POWER_OUT, household.export_kw, (5, 3), "kW"),
        *_list_reactive_phases(household),
        *_list_luxembourg_children(household),
    ]
    return build_telegram("Lux5\\253663629_D", entries, check)


def _list_luxembourg_children(household: Household) -> Iterator[Entry]:
    for child in household.children:
        yield make_text_entry(f"0-{child.channel}:24.1.0", f"{child.kind:03d}")
        yield make_octets_entry(f"0-{child.channel}:96.1.0", child.serial)
        moment, form = child.moment, (8, 3)
        yield make_dated_entry(
            f"0-{child.channel}:24.2.1", moment, child.value, form, child.unit, "Europe/Luxembourg"
        )
        yield make_text_entry(f"0-{child.channel}:24.4.0", "1")


def build_sweden(household: Household, check: CheckKind = "full") -> Telegram:
    """No version, no serial, every quantity of every phase."""
    entries = [
        make_clock_entry(household.moment, "Europe/Stockholm"),
        *_list_totals(household, 11),
        *_list_powers(household, 7),
        *list_phase_entries(household, POWER_IN, household.import_kw, (7, 3), "kW"),
        *list_phase_entries(household, POWER_OUT, household.export_kw, (7, 3), "kW"),
        *_list_reactive_phases(household),
        *list_phase_entries(household, VOLTAGE, household.volts, (4, 1), "V"),
        *list_phase_entries(household, CURRENT, household.amps, (4, 1), "A"),
    ]
    return build_telegram("ELL5\\253833635_A", entries, check)


def build_hungary(household: Household, check: CheckKind = "full") -> Telegram:
    """Quadrants, power factor and frequency."""
    lead, lag = household.import_kvarh
    entries = [
        make_clock_entry(household.moment, "Europe/Budapest"),
        make_text_entry("0-0:42.0.0", household.serial),
        make_text_entry("0-0:96.1.0", household.serial),
        make_text_entry("0-0:96.14.0", f"{household.tariff:04d}"),
        make_text_entry("0-0:96.50.68", "ON"),
        make_number_entry("0-0:17.0.0", 999.9, (4, 1), "kW"),
        make_number_entry("1-0:1.8.0", sum(household.import_kwh), (9, 3), "kWh"),
        *_list_energies(household),
        make_number_entry("1-0:2.8.0", sum(household.export_kwh), (9, 3), "kWh"),
        make_number_entry("1-0:3.8.0", sum(household.import_kvarh), (9, 3), "kvarh"),
        make_number_entry("1-0:4.8.0", sum(household.export_kvarh), (9, 3), "kvarh"),
        make_number_entry("1-0:5.8.0", lead, (9, 3), "kvarh"),
        make_number_entry("1-0:6.8.0", lag, (9, 3), "kvarh"),
        make_number_entry("1-0:15.8.0", sum(household.import_kwh) + sum(household.export_kwh), (9, 3), "kWh"),
        *list_phase_entries(household, VOLTAGE, household.volts, (4, 1), "V"),
        *list_phase_entries(household, CURRENT, household.amps, (3, 0), "A"),
        make_number_entry("1-0:13.7.0", 0.999, (4, 3), ""),
        make_number_entry("1-0:14.7.0", household.frequency_hz, (4, 2), "Hz"),
        make_number_entry("1-0:1.7.0", sum(household.import_kw), (5, 3), "kW"),
        make_number_entry("1-0:2.7.0", sum(household.export_kw), (5, 3), "kW"),
        make_text_entry("0-0:96.13.0", ""),
    ]
    return build_telegram("AUX59902759026", entries, check)


def build_austria(household: Household, check: CheckKind = "full") -> Telegram:
    """Whole Wh, varh, W and var."""
    entries = [
        make_text_entry("1-3:0.2.8", "50"),
        make_clock_entry(household.moment, "Europe/Vienna"),
        *_list_whole_counters("1", household.import_kwh, "Wh"),
        make_number_entry("1-0:1.7.0", round(sum(household.import_kw) * 1000), (9, 0), "W"),
        *_list_whole_counters("2", household.export_kwh, "Wh"),
        make_number_entry("1-0:2.7.0", round(sum(household.export_kw) * 1000), (9, 0), "W"),
        *_list_whole_counters("3", household.import_kvarh, "varh"),
        make_number_entry("1-0:3.7.0", round(sum(household.import_kvar) * 1000), (9, 0), "var"),
        *_list_whole_counters("4", household.export_kvarh, "varh"),
        make_number_entry("1-0:4.7.0", round(sum(household.export_kvar) * 1000), (9, 0), "var"),
    ]
    return build_telegram("EST5\\253710000_A", entries, check)


def _list_whole_counters(direction: str, values: tuple[float, float], unit: str) -> Iterator[Entry]:
    """A counter and its two tariffs in whole Wh or varh."""
    parts = [round(value * 1000) for value in values]
    yield make_number_entry(f"1-0:{direction}.8.0", sum(parts), (9, 0), unit)
    for tariff, value in enumerate(parts, 1):
        yield make_number_entry(f"1-0:{direction}.8.{tariff}", value, (9, 0), unit)


COUNTRIES: Mapping[str, Callable[[Household, CheckKind], Telegram]] = {
    "belgium": build_belgium,
    "luxembourg": build_luxembourg,
    "sweden": build_sweden,
    "hungary": build_hungary,
    "austria": build_austria,
}
