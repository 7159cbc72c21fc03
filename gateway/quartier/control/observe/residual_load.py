"""The residual load: the load of the building beside the controlled assets, measured or worst case."""

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from quartier.control.observe.observations import (
    LastGood,
    LastGoodValues,
    find_power_w,
    find_reading_age_s,
    find_worst_power_w,
)
from quartier.control.participants import Participant, find_ordered_power_w
from quartier.site.asset_types import Asset, Battery, ChargePointAsset, ChpUnit, Pv
from quartier.site.records import replace
from quartier.site.site_layout import Site

REST_WINDOW_S = 5.0
EASE_MIN_W = 200.0
REMAINDER_DECAY = 2.0
"""An asset that gives more than this factor of its rated power is measured wrongly."""
SILENT_TIMER_S = 10.0
"""A device's timer begins with the last order that arrived, which may be later than its last reading."""
_S = 1_000_000_000
_DAY_S = 86_400.0
_UNKNOWN: Mapping[str, LastGood] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class ResidualLoad:
    """The residual load in W: now, and its highest and lowest of the last seconds.

    Meters are read at different moments, so the difference of two of them dips and peaks when a controlled
    asset moves. Therefore the highest of 5 s counts against the import limit, the lowest against the export
    limit. Each is eased by 200 W (the slack of a breach) so that noise costs nothing. A load that was lowered
    just now may still be in the grid's reading or not. Of both values the one nearer to the value before
    counts, so that a load that is already gone does not look like an export.
    """

    now_w: float
    high_w: float
    low_w: float


@dataclass(frozen=True, slots=True)
class ResidualSample:
    """The grid's reading of ``taken_ns`` and the known power of the participants then, each in W.

    ``low_w`` and ``high_w`` are the bounds of the residual load, by the last reading of each participant
    before that instant and the first one after it; while one settles, by its power before and after.
    ``now_w`` is the value in these bounds that was nearest to the value before. ``waits`` are the
    participants whose next reading is still to come.
    """

    taken_ns: int
    grid_w: float
    present_w: tuple[float, ...]
    low_w: float
    high_w: float
    now_w: float
    waits: frozenset[int] = frozenset()

    @property
    def rest_w(self) -> float:
        """The residual load by the known power of the participants, in W."""
        return self.grid_w - sum(self.present_w)


@dataclass(frozen=True, slots=True)
class ResidualWindow:
    """The last samples of the residual load, for one set of participants: another set begins anew.

    So does the same set if a participant that was assumed is now measured, or the other way round.
    """

    names: tuple[str, ...] = ()
    samples: tuple[ResidualSample, ...] = ()

    def base(self, participants: Sequence[Participant]) -> ResidualLoad | None:
        """Return the residual load over the samples of these participants; None if there are none.

        A sample that another reading put in doubt is taken as near to the next as its bounds allow: a
        movement before the asset's own meter showed it was no movement of the residual load.
        """
        if not self.samples or self.names != _names(participants):
            return None
        return ease_residual_load(
            self.samples[0].now_w, [(sample.low_w, sample.high_w) for sample in self.samples]
        )

    def find_past_w(self, participants: Sequence[Participant]) -> tuple[float, float]:
        """Return how much of the highest and of the lowest residual load is past for certain, in W.

        The base counts the highest of the last seconds, also of a load that has ended since. It has ended for
        certain where the newest samples show less than the movements of participants can explain: a
        participant that rose may be read before the grid shows it, so its rise within the window may hide
        as much residual load. So may one that stopped and was not read since: it may start again. The lowest
        is the same with falls.
        """
        base = self.base(participants)
        if base is None:
            return 0.0, 0.0
        high_w = low_w = self.samples[0].now_w
        least_w, most_w = self.samples[0].present_w, self.samples[0].present_w
        for sample in self.samples[1:]:
            least_w = tuple(map(min, least_w, sample.present_w))
            most_w = tuple(map(max, most_w, sample.present_w))
            risen_w = sum(sample.present_w) - sum(least_w)
            fallen_w = sum(most_w) - sum(sample.present_w)
            risen_w += sum(max(0.0, sample.present_w[i]) for i in sample.waits)
            high_w = min(max(high_w, sample.low_w), sample.high_w + risen_w)
            low_w = min(max(low_w, sample.low_w - fallen_w), sample.high_w)
        return (
            max(0.0, base.high_w - max(base.now_w, high_w)),
            max(0.0, min(base.now_w, low_w) - base.low_w),
        )

    def last_w(self, participants: Sequence[Participant]) -> float | None:
        """Return the residual load at the newest sample, in W; None without samples of these participants."""
        return self.samples[-1].rest_w if self.samples and self.names == _names(participants) else None


def ease_residual_load(first_w: float, bounds: Sequence[tuple[float, float]]) -> ResidualLoad:
    """Ease a residual load: ``first_w``, then within each of ``bounds`` (low, high), the oldest first."""
    now_w = first_w
    for low_w, high_w in bounds[1:]:
        now_w = min(max(now_w, low_w), high_w)
    newest_low_w, newest_high_w = bounds[-1]
    highest_w = max(_near(newest_low_w, bounds)) - EASE_MIN_W
    lowest_w = min(_near(newest_high_w, bounds)) + EASE_MIN_W
    return ResidualLoad(now_w, max(now_w, highest_w), min(now_w, lowest_w))


def _near(near_w: float, bounds: Sequence[tuple[float, float]]) -> Iterator[float]:
    """Yield each value from the newest, ``near_w``, as near to the one after it as its bounds allow."""
    yield near_w
    for low_w, high_w in reversed(bounds[:-1]):
        near_w = min(max(near_w, low_w), high_w)
        yield near_w


def append_residual_sample(
    window: ResidualWindow,
    participants: Sequence[Participant],
    grid: LastGood,
    last_good: LastGoodValues = _UNKNOWN,
) -> ResidualWindow:
    """Append the grid meter's reading to the window; unchanged if it is in it already.

    So a slow meter is compared with the assets at the time it was read; ``last_good`` says when each asset
    was read.
    """
    names = _names(participants)
    old = window.samples if window.names == names else ()
    if old and old[-1].taken_ns == grid.taken_ns:
        return window
    present_w = tuple(participant.present_w for participant in participants)
    rest_w = grid.value - sum(present_w)
    waits = frozenset(
        i for i, p in enumerate(participants) if p.is_measured and not isinstance(p.asset, Battery)
    )
    oldest_ns = grid.taken_ns - round(REST_WINDOW_S * _S)
    read_ns = [
        last_good[name].taken_ns if (name := f"{p.name}.power_w") in last_good else 0 for p in participants
    ]
    kept = (_widen_bounds(s, read_ns, present_w) for s in old if s.taken_ns >= oldest_ns)
    high_w = rest_w + sum(map(find_lowered_power_w, participants))
    now_w = min(max(old[-1].now_w, rest_w), high_w) if old else rest_w
    newest = ResidualSample(grid.taken_ns, grid.value, present_w, rest_w, high_w, now_w, waits)
    return ResidualWindow(names, (*kept, newest))


def find_lowered_power_w(participant: Participant) -> float:
    """Return how much a participant was lowered just now, in W: a meter may still show it, or not."""
    return 0.0 if participant.settled_w is None else max(0.0, participant.present_w - participant.settled_w)


def _widen_bounds(
    sample: ResidualSample, read_ns: Sequence[int], present_w: Sequence[float]
) -> ResidualSample:
    """Widen a sample's bounds: the first of ``read_ns`` after it may already have been true at its time."""
    newly_read = [i for i in sample.waits if read_ns[i] > sample.taken_ns]
    if not newly_read:
        return sample
    more_w = [present_w[i] - sample.present_w[i] for i in newly_read]
    low_w = sample.low_w - sum(max(0.0, watts) for watts in more_w)
    high_w = sample.high_w + sum(max(0.0, -watts) for watts in more_w)
    return replace(sample, low_w=low_w, high_w=high_w, waits=sample.waits - set(newly_read))


def attribute_rise(
    window: ResidualWindow, participants: Sequence[Participant], grid_w: float, raised: Container[str]
) -> None:
    """Attribute a rise of the grid power to charge points that were ``raised`` and not read since.

    Each counts with no more than its order. Until it is read, its power would else count as residual load,
    and its order be taken back.
    """
    before_w = window.last_w(participants)
    cars = [
        p
        for p in participants
        if isinstance(p.asset, ChargePointAsset) and p.is_measured and p.switch_state.on and p.name in raised
    ]
    rooms_w = [max(0.0, find_ordered_power_w(car) - car.present_w) for car in cars]
    if before_w is None or sum(rooms_w) <= 0.0:
        return
    rise_w = grid_w - sum(participant.present_w for participant in participants) - before_w
    share = min(max(rise_w / sum(rooms_w), 0.0), 1.0)
    for car, room_w in zip(cars, rooms_w, strict=True):
        car.present_w += share * room_w
        car.desired_w = max(car.desired_w, car.present_w)


def _names(participants: Sequence[Participant]) -> tuple[str, ...]:
    # An asset that begins to answer, or falls silent, moves the residual load without any real change.
    return tuple(
        participant.name if participant.is_measured else f"{participant.name}?"
        for participant in participants
    )


def find_unmeasured_load_w(
    site: Site, last_good: LastGoodValues, before_w: float | None, grid_w: float, dt_s: float, now_ns: int
) -> float | None:
    """Return the largest power seen that no asset measures (decaying over a day), in W; None: never seen.

    Not updated while a measured asset is silent, or reports far more generation than it can have: its power
    would count as unmeasured load.
    """
    total_w = 0.0
    for asset in site.assets:
        if asset.measured:
            seen_w = find_power_w(last_good, asset, now_ns)
            if seen_w is None or -seen_w > REMAINDER_DECAY * asset.rated_w:
                return before_w
            total_w += seen_w
    decayed_w = 0.0 if before_w is None else before_w * max(0.0, 1.0 - dt_s / _DAY_S)
    return max(0.0, grid_w - total_w, decayed_w)


def estimate_residual_load_w(
    site: Site,
    last_good: LastGoodValues,
    participants: Sequence[Participant],
    seen_w: float | None,
    now_ns: int,
) -> float:
    """Estimate the residual load in W while the grid meter is lost: each asset at its worst, and the rest.

    The unmeasured load is the declared one, else the largest seen. If nothing was ever seen it is assumed to
    use up the fail-safe import by itself.
    """
    outside = [asset for asset in site.assets if asset.name not in {p.name for p in participants}]
    known_w = sum(_worst_now(asset, last_good, now_ns) for asset in outside)
    if site.unmeasured_w is not None:
        return known_w + site.unmeasured_w
    if seen_w is None:
        return known_w + site.limits.import_failsafe_w
    # Loads without measurement are part of what was seen, and already count at their rating.
    rated_w = sum(find_worst_power_w(asset) for asset in site.assets if not asset.measured)
    return known_w + max(0.0, seen_w - rated_w)


def estimate_silent_rise_w(participants: Iterable[Participant]) -> float:
    """Return how much more silent participants could take than assumed, in W: their state is not known.

    A silent PV may generate nothing, and the device's own timer may let a load run that was shed.
    """
    unseen = (participant for participant in participants if not participant.is_measured)
    return sum(
        max(0.0, find_worst_power_w(participant.asset) - participant.desired_w) for participant in unseen
    )


def estimate_unseen_rise_w(assets: Iterable[Asset], last_good: LastGoodValues, now_ns: int) -> float:
    """Return how much more assets that fell silent could take than when last seen, in W."""
    more_w = 0.0
    for asset in assets:
        memory = last_good.get(f"{asset.name}.power_w")
        if memory is not None and find_power_w(last_good, asset, now_ns) is None:
            more_w += max(0.0, find_worst_power_w(asset) - memory.value)
    return more_w


def estimate_lost_discharge_w(assets: Iterable[Asset], last_good: LastGoodValues, now_ns: int) -> float:
    """Return the discharge in W that batteries may stop which fell silent while they discharged.

    The grid meter still shows it, and the device's own timer ends it. Once that time is over the meter shows
    what is left.
    """
    gone_w = 0.0
    for asset in assets:
        memory = last_good.get(f"{asset.name}.power_w")
        if (
            not isinstance(asset, Battery)
            or memory is None
            or find_power_w(last_good, asset, now_ns) is not None
        ):
            continue
        if find_reading_age_s(memory, now_ns) <= asset.lease_s + SILENT_TIMER_S:
            gone_w += max(0.0, -memory.value)
    return gone_w


def find_generation_w(site: Site, last_good: LastGoodValues, now_ns: int) -> float:
    """Return the present generation, in W, positive; a silent asset that ever reported counts as rated."""
    total_w = 0.0
    for asset in site.assets:
        if isinstance(asset, Pv | ChpUnit):
            seen_w = find_power_w(last_good, asset, now_ns)
            if seen_w is not None:
                total_w -= min(0.0, seen_w)
            elif find_reading_age_s(last_good.get(f"{asset.name}.power_w"), now_ns) < float("inf"):
                total_w += asset.rated_w
    return total_w


def _worst_now(asset: Asset, last_good: LastGoodValues, now_ns: int) -> float:
    seen_w = find_power_w(last_good, asset, now_ns) if asset.measured else None
    if seen_w is None:
        return find_worst_power_w(asset)
    # A battery that was given back may stop discharging; measured generation does count.
    return seen_w if isinstance(asset, Pv) else max(0.0, seen_w)
