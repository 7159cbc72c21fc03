"""An envelope as a function of time: its limits at an instant, or the strictest over a period."""

from collections.abc import Iterator
from dataclasses import fields
from math import inf, isfinite

from quartier.control.records import PowerLimits
from quartier.control.requests import Envelope, Interval
from quartier.site.records import replace


def find_limits_at(envelope: Envelope, utc_ms: int) -> PowerLimits:
    """Return the limits at ``utc_ms``: of the running interval, else the default (also before the start)."""
    return find_lowest_limits(envelope, utc_ms, utc_ms)


def find_lowest_limits(envelope: Envelope, from_ms: int, to_ms: int) -> PowerLimits:
    """Return the smallest limit per direction between the two instants, both included.

    A ramp (``ramp_w_per_s``) slows the loosening from one interval to the next. A tightening is never slowed.
    The result is always inside what the district allowed.
    """
    worst = PowerLimits(inf, inf)
    before: PowerLimits | None = None
    for start_ms, end_ms, wanted in _segments(envelope):
        if start_ms > to_ms:
            break
        if end_ms > from_ms:
            seen_ms = max(start_ms, from_ms)
            worst = worst.least(_apply_ramp(envelope, before, wanted, seen_ms - start_ms))
        before = _apply_ramp(envelope, before, wanted, end_ms - start_ms)
    return worst


def find_schedule_end_ms(envelope: Envelope) -> int:
    """Return when the last interval ends, in ms UTC, at the latest the end of the document."""
    total_s = sum(interval.duration_s for interval in envelope.intervals)
    return min(envelope.exp_utc_ms, envelope.start_utc_ms + int(total_s * 1000))


def find_next_rise_ms(envelope: Envelope, utc_ms: int) -> int:
    """Return when a limit at ``utc_ms`` next rises, in ms UTC, at the latest the end of the document."""
    now = find_limits_at(envelope, utc_ms)
    for start_ms, _, _ in _segments(envelope):
        then = find_limits_at(envelope, start_ms)
        if start_ms > utc_ms and any(
            getattr(then, f.name) > getattr(now, f.name) for f in fields(PowerLimits)
        ):
            return min(start_ms, envelope.exp_utc_ms)
    return envelope.exp_utc_ms


def find_default_limits(envelope: Envelope) -> PowerLimits:
    """Return the limits in gaps and after the last interval."""
    return PowerLimits(envelope.default_import_max_w, envelope.default_export_max_w)


def keep_default(envelope: Envelope, newer: Envelope) -> Envelope:
    """Return the default alone, while the newer one lasts: what an expired document leaves in force."""
    return replace(
        envelope,
        nbf_utc_ms=newer.nbf_utc_ms,
        start_utc_ms=newer.exp_utc_ms,
        exp_utc_ms=newer.exp_utc_ms,
        intervals=(Interval(1.0),),
        ramp_w_per_s=None,
    )


def flatten_envelopes(first: Envelope, second: Envelope) -> Envelope:
    """Return one constant envelope that is never looser than either, so that a chain stays bounded."""
    floor = find_lowest_limits(first, -_FAR_MS, _FAR_MS).least(find_lowest_limits(second, -_FAR_MS, _FAR_MS))
    only = Interval(
        2 * _FAR_MS / 1000,
        floor.import_w,
        floor.export_w,
        floor.generation_w if isfinite(floor.generation_w) else None,
        floor.consumption_w if isfinite(floor.consumption_w) else None,
    )
    return replace(
        first,
        exp_utc_ms=max(first.exp_utc_ms, second.exp_utc_ms),
        start_utc_ms=-_FAR_MS,
        intervals=(only,),
        default_import_max_w=floor.import_w,
        default_export_max_w=floor.export_w,
        ramp_w_per_s=None,
    )


def _power_fault(envelope: Envelope, most_w: float) -> str:
    powers_w = [envelope.default_import_max_w, envelope.default_export_max_w]
    powers_w += [
        getattr(i, f.name)
        for i in envelope.intervals
        for f in fields(i)
        if f.name != "duration_s" and getattr(i, f.name) is not None
    ]
    numbers = (*powers_w, envelope.randomize_start_s)
    if not all(isfinite(number) and number >= 0 for number in numbers):
        return "a power is negative or no number"
    if max(powers_w) > most_w:
        return f"a power of {max(powers_w):g} W is no limit of this site; at most {most_w:g} W is taken"
    return ""


def find_envelope_fault(envelope: Envelope, most_w: float = inf) -> str:
    """Describe what makes the envelope unusable; empty if nothing does.

    A power above ``most_w`` is no limit of this site: a wrong unit, or another site's.
    """
    if not 1 <= len(envelope.intervals) <= 288:
        return f"{len(envelope.intervals)} intervals, expected 1..288"
    if envelope.nbf_utc_ms > envelope.exp_utc_ms:
        return "nbf is after exp"
    if not all(isfinite(i.duration_s) and i.duration_s > 0 for i in envelope.intervals):
        return "a duration is not above 0"
    if found := _power_fault(envelope, most_w):
        return found
    ramp = envelope.ramp_w_per_s
    if ramp is not None and not (isfinite(ramp) and ramp > 0):
        return "the ramp is not above 0"
    return ""


_FAR_MS = 2**60


def _segments(envelope: Envelope) -> Iterator[tuple[int, int, PowerLimits]]:
    begin_ms = envelope.start_utc_ms
    yield -_FAR_MS * 2, begin_ms, find_default_limits(envelope)
    elapsed_s = 0.0
    for interval in envelope.intervals:
        elapsed_s += interval.duration_s
        end_ms = envelope.start_utc_ms + int(elapsed_s * 1000)
        yield begin_ms, end_ms, _powers(envelope, interval)
        begin_ms = end_ms
    yield begin_ms, max(begin_ms, _FAR_MS * 2), find_default_limits(envelope)


def _powers(envelope: Envelope, interval: Interval) -> PowerLimits:
    # Missing information never raises a limit: a missing direction gets the default.
    return PowerLimits(
        _or(interval.import_max_w, envelope.default_import_max_w),
        _or(interval.export_max_w, envelope.default_export_max_w),
        _or(interval.generation_max_w, inf),
        _or(interval.consumption_max_w, inf),
    )


def _or(watts: float | None, otherwise: float) -> float:
    return otherwise if watts is None else watts


def _apply_ramp(
    envelope: Envelope, before: PowerLimits | None, wanted: PowerLimits, elapsed_ms: int
) -> PowerLimits:
    if envelope.ramp_w_per_s is None or before is None:
        return wanted
    return wanted.least(before.add(envelope.ramp_w_per_s * elapsed_ms / 1000))
