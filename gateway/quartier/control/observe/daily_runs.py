"""Progress of the daily run of a load: due, started, done, or late (pure).

A run is due once from deadline to deadline. It has begun once its relay is on and it takes power. It is done
once it was on for the duration of a run. Both clocks keep its deadline: if the time of day is lost, the
monotonic clock still shows how long it may wait.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from quartier.control.observe import local_time, observations
from quartier.control.observe.observations import LastGoodValues
from quartier.control.switch_state import SwitchState
from quartier.site.alarm_types import Alarm
from quartier.site.asset_types import DAY_S, BatchLoad
from quartier.site.records import Now, replace
from quartier.site.site_layout import Site

RUN_MODE, WAIT_MODE = 0, 1
"""The modes of a daily run."""
RUNNING_SHARE = 0.1
"""A load that takes this share of the mean power of its run has begun it."""
STEP_MAX_S = 10.0
"""The most of the time between two cycles that counts as run; a longer gap was not observed."""
_MS = 1_000_000
RUN_EMPTY_S = 600.0
"""A load that was on for this time in s and took nothing has nothing to run."""
_KEPT_S = 60.0


@dataclass(frozen=True, slots=True)
class RunProgress:
    """The run of one day.

    ``due_utc_ms`` is its deadline, ``due_ns`` the same on the monotonic clock; None while that was never
    known. ``ran_s`` is how long it was on since it began. ``idle_s`` is how long it was on and took nothing
    before it began. ``is_late``: the deadline passed before it was done; it runs as soon as it may.
    """

    due_utc_ms: int | None = None
    due_ns: int | None = None
    ran_s: float = 0.0
    idle_s: float = 0.0
    is_begun: bool = False
    is_done: bool = False
    is_late: bool = False


NO_RUN = RunProgress()
RunProgresses = Mapping[str, RunProgress]


def update_runs(
    site: Site,
    before: RunProgresses,
    switches: Mapping[str, SwitchState],
    last_good: LastGoodValues,
    dt_s: float,
    now: Now,
) -> dict[str, RunProgress]:
    """Update the runs of all loads."""
    return {
        asset.name: _ran(
            asset,
            _find_due_run(asset, before.get(asset.name, NO_RUN), last_good, now, site.zone),
            switches.get(asset.name, SwitchState()),
            last_good,
            dt_s,
            now.ns,
        )
        for asset in site.assets
        if isinstance(asset, BatchLoad) and asset.writable
    }


def is_run_pending(asset: BatchLoad, last_good: LastGoodValues, now_ns: int) -> bool:
    """Return whether there is something to run; if unknown there is, because a missed run is worse."""
    return (
        observations.find_fresh_value(last_good, f"{asset.name}.waiting_on", asset.sense_period_s, now_ns)
        != 0
    )


def is_relay_on(asset: BatchLoad, switch: SwitchState, last_good: LastGoodValues, now_ns: int) -> bool | None:
    """Return whether its relay lets it run, by its reading if there is one; None while it is silent."""
    if asset.point not in last_good:
        return switch.mode == RUN_MODE
    found = observations.find_fresh_value(last_good, asset.point, asset.sense_period_s, now_ns)
    return None if found is None else found == asset.modes[RUN_MODE].value


def find_remaining_run_s(asset: BatchLoad, progress: RunProgress) -> float:
    """Return how long the run still takes, in s."""
    return max(0.0, asset.duration_s - progress.ran_s)


def _find_due_run(
    asset: BatchLoad, one: RunProgress, last_good: LastGoodValues, now: Now, zone: str
) -> RunProgress:
    """Return the run that is due now, with its deadline."""
    until_s = local_time.find_seconds_until(now, zone, asset.deadline_s)
    if one.due_utc_ms is not None and now.synced:
        one = replace(one, due_ns=now.ns + (one.due_utc_ms - now.utc_ms) * _MS)
    if one.due_ns is not None and now.ns >= one.due_ns:
        return _pass_deadline(asset, one, last_good, now, until_s)
    return one if until_s is None else _until(one, now, until_s)


def _until(one: RunProgress, now: Now, until_s: float) -> RunProgress:
    left_ms = round(until_s * 1000)
    return replace(one, due_utc_ms=now.utc_ms + left_ms, due_ns=now.ns + left_ms * _MS)


def _pass_deadline(
    asset: BatchLoad, one: RunProgress, last_good: LastGoodValues, now: Now, until_s: float | None
) -> RunProgress:
    """Return the progress after its deadline: the next run is due.

    A run that is not done runs late. It gives way to the next run only when that one's hours begin.
    """
    missed = not one.is_done and one.idle_s < RUN_EMPTY_S and is_run_pending(asset, last_good, now.ns)
    if one.is_begun or (missed and until_s is None):
        return replace(one, is_late=True)
    if until_s is None:
        return RunProgress(due_ns=now.ns + int(DAY_S * 1e9))
    if missed and until_s > asset.window_length_s:
        return replace(one, is_late=True)
    return _until(RunProgress(is_late=missed), now, until_s)


def _ran(
    asset: BatchLoad,
    one: RunProgress,
    switch: SwitchState,
    last_good: LastGoodValues,
    dt_s: float,
    now_ns: int,
) -> RunProgress:
    """Update whether it runs, and for how long; a silent relay neither adds to it nor interrupts it."""
    if one.is_done:  # if its device reports what waits, there may be another run on the same day
        return one if is_run_pending(asset, last_good, now_ns) else replace(one, is_done=False, ran_s=0.0)
    on = is_relay_on(asset, switch, last_good, now_ns)
    if on and not one.is_begun:
        if _draws(asset, last_good, now_ns):
            return replace(one, is_begun=True, idle_s=0.0)
        return replace(one, idle_s=one.idle_s + min(dt_s, STEP_MAX_S))
    if not on:
        anew = on is not None and not asset.resumes
        return replace(one, is_begun=False, ran_s=0.0) if anew else one
    ran_s = one.ran_s + min(dt_s, STEP_MAX_S)
    is_done = ran_s >= asset.duration_s
    return replace(
        one, ran_s=ran_s, is_begun=not is_done, is_done=is_done, is_late=one.is_late and not is_done
    )


def _draws(asset: BatchLoad, last_good: LastGoodValues, now_ns: int) -> bool:
    """Return whether it takes the power of a run; without a meter, or with a silent one, it counts as yes."""
    watts = observations.find_power_w(last_good, asset, now_ns)
    return watts is None or watts >= RUNNING_SHARE * sum(asset.run_w) / len(asset.run_w)


def find_late_run_alarms(site: Site, runs: RunProgresses) -> list[Alarm]:
    """Return an alarm for each run that was not done in time."""
    late = (one for one in site.assets if isinstance(one, BatchLoad) and runs.get(one.name, NO_RUN).is_late)
    return [
        Alarm(
            "run.late",
            one.name,
            f"{one.name}: its run was not done by {local_time.format_clock(one.deadline_s)}",
        )
        for one in late
    ]


def render_runs(asset: BatchLoad, progress: RunProgress) -> dict[str, Any]:
    """Render a run for people, JSON-ready."""
    state = "done" if progress.is_done else "begun" if progress.is_begun else "owed"
    left = 0.0 if progress.is_done else find_remaining_run_s(asset, progress)
    return {
        "state": state,
        "late": progress.is_late,
        "left_s": round(left, 1),
        "due_utc_ms": progress.due_utc_ms,
    }


def dump_runs(runs: RunProgresses) -> dict[str, Any]:
    """Return the facts that must be known after a restart, JSON-ready; they change once a minute of a run."""
    found = {}
    for name, one in runs.items():
        facts = asdict(replace(one, ran_s=one.ran_s // _KEPT_S * _KEPT_S))
        del facts["due_ns"], facts["idle_s"]  # a load that is on now shows anew that it takes nothing
        found[name] = facts
    return found


def load_runs(site: Site, facts: object) -> dict[str, RunProgress]:
    """Load the result of ``dump_runs`` for loads that still exist; invalid facts are left out.

    A run without observation does not count: a run is rather prolonged than cut short.
    """
    if not isinstance(facts, Mapping):
        return {}
    found = {}
    for asset in site.assets:
        known = facts.get(asset.name)
        if isinstance(asset, BatchLoad) and isinstance(known, Mapping):
            try:
                found[asset.name] = _load_run(asset, known)
            except (KeyError, TypeError, ValueError, OverflowError):
                continue
    return found


def _load_run(asset: BatchLoad, known: Mapping[str, Any]) -> RunProgress:
    due_utc_ms, ran_s = known["due_utc_ms"], float(known["ran_s"])
    if not 0.0 <= ran_s < asset.duration_s + STEP_MAX_S:
        raise ValueError("a time that no run takes")
    return RunProgress(
        due_utc_ms=None if due_utc_ms is None else int(due_utc_ms),
        ran_s=ran_s,
        is_begun=bool(known["is_begun"]),
        is_done=bool(known["is_done"]),
        is_late=bool(known["is_late"]),
    )
