"""``quartier probe``: say what will be done, ask, do it, and show what was found."""

import argparse
import asyncio
import getpass
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from quartier.cli.rendering import output, time_text
from quartier.commissioning import probe_results
from quartier.commissioning.probe import (
    corrections,
    grid_meter_check,
    probe_findings,
    probe_measurement,
    probe_report,
    probe_session,
)
from quartier.commissioning.probe.corrections import CheckedFile, CheckedFiles, ProbeFinding
from quartier.commissioning.probe.probe_state import ProbeRequest
from quartier.commissioning.service import probing
from quartier.config import loading
from quartier.config.loading import LoadedSite
from quartier.daemon import state_files
from quartier.runtime import clock, log, release
from quartier_drivers.device_profile import loading as device_profile_loading
from quartier_drivers.errors import ConfigError, Fault

NOT_RUNNING = "stop it first: systemctl stop quartier; afterwards systemctl start quartier"


def run_probe(options: argparse.Namespace) -> int:
    """Probe one asset; 0 as it should be, 1 something is wrong or was refused, 75 while a daemon runs."""
    loaded = loading.load_site_leniently(options.config)
    setting = clock.load_clock_setting()
    if setting.is_simulated and not loaded.site.site.simulated:
        what = f"{clock.CLOCK_VARIABLE} is set, expected simulated = true: real devices need real time"
        raise ConfigError([Fault(str(options.config), None, "site.simulated", what)])
    if options.page is not None and (why := _explain_unwritable(options.page)):
        print(f"quartier probe: --page {options.page}: {why}; nothing was done", file=sys.stderr)
        return 1
    log.configure_logging(style="auto", level="error")
    try:
        _check_folders(options)
        locks = release.take_locks(options.runtime_dir, options.state_dir)
    except OSError as error:
        what = f"cannot be written: {error.strerror}; expected ours: sudo -u quartier quartier probe"
        raise ConfigError([Fault(str(error.filename), None, "folder", what)]) from error
    except release.DaemonLocked as locked:
        print(f"{locked}; {NOT_RUNNING}", file=sys.stderr)
        return os.EX_TEMPFAIL
    site_clock = clock.SiteClock(setting)
    with locks:
        try:
            now = site_clock.now()
            plan = probing.make_probe_plan(loaded, options.asset, options.step_w, now, options.state_dir)
        except probing.ProbeImpossible as no:
            print(f"quartier probe: {no}", file=sys.stderr)
            return 1
        if plan.subject.refusal:
            print(f"quartier probe: {plan.subject.refusal}", file=sys.stderr)
            return 1
        request = ProbeRequest(options.seconds or find_default_duration_s(plan), options.watch_timer)
        agreed_to = probe_session.describe_probe(plan.subject, plan.bounds, request)
        print(*agreed_to, sep="\n", file=sys.stderr)
        if not options.yes and not _ask_consent():
            return 1
        outcome = asyncio.run(_run_session(plan, request, site_clock, options))
    return _print_result(options, loaded, plan, outcome, site_clock.utc_ms(), agreed_to)


def _check_folders(options: argparse.Namespace) -> None:
    """Make sure of the folders that are written at the end, before anything is begun.  Raises OSError."""
    for folder in (options.runtime_dir, options.state_dir):
        folder.mkdir(mode=0o750, parents=True, exist_ok=True)
    trial = options.state_dir / ".probe"
    trial.touch()
    trial.unlink()


def find_default_duration_s(plan: probing.ProbePlan) -> float:
    """Return how long it may take where nobody says: a load's least times count."""
    asset = plan.subject.asset
    if plan.subject.is_switch:
        times = (getattr(asset, "min_on_s", 0.0), getattr(asset, "min_off_s", 0.0))
        return 2 * sum(times) + max(times) + 60
    return 240.0 if plan.subject.role == "battery" else 300.0


def _explain_unwritable(page: Path) -> str:
    """Explain why the page could not be written at the end; empty where it can be."""
    if page.is_dir():
        return "is a folder, expected a file in it"
    if not page.parent.is_dir():
        return f"there is no folder {page.parent}"
    if not os.access(page if page.exists() else page.parent, os.W_OK):
        return f"user {getpass.getuser()} may not write there; name a place such as /tmp/{page.name}"
    return ""


def _ask_consent() -> bool:
    if not sys.stdin.isatty():
        print("no terminal to ask for a confirmation; with --yes you agree in advance", file=sys.stderr)
        return False
    print("Go on? [y/N] ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().lower() in {"y", "yes"}


async def _run_session(
    plan: probing.ProbePlan, request: ProbeRequest, site_clock: clock.SiteClock, options: argparse.Namespace
) -> probing.ProbeOutcome:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    return await probing.run_probe_plan(
        plan,
        request,
        site_clock,
        log.get_logger(),
        lambda text: print(f"  {text}", file=sys.stderr, flush=True),
        stop,
        runtime_dir=options.runtime_dir,
        state_dir=options.state_dir,
    )


def _print_result(
    options: argparse.Namespace,
    loaded: LoadedSite,
    plan: probing.ProbePlan,
    outcome: probing.ProbeOutcome,
    utc_ms: int,
    agreed_to: Sequence[str],
) -> int:
    stage = outcome.session.stage
    trace = stage.trace
    measurement = probe_measurement.evaluate_trace(trace)
    found = probe_findings.find_findings(
        plan.subject, trace, measurement, outcome.end_reason, stage.watch, stage.rest
    )
    steps = grid_meter_check.evaluate_grid_meter(plan.subject, trace, measurement)
    known = make_checked_files(loaded, plan, options.config)
    changes, overrides = (
        corrections.list_corrections(found, known),
        corrections.list_profile_overrides(found, known),
    )
    words = probe_findings.describe_result(plan.subject, measurement)
    is_good = not (any(one.is_fault for one in found) or outcome.failures or outcome.unreached)
    asset, grid = measurement.asset.response, measurement.grid.response
    one = probe_results.ProbeResult(
        when_utc_ms=utc_ms,
        is_good=is_good,
        sentence=words,
        point=plan.subject.point,
        delay_s=None if asset is None else round(asset.delay_s, 2),
        lag_s=None if asset is None or grid is None else round(grid.delay_s - asset.delay_s, 2),
        ramp_w_per_s=0.0 if asset is None or asset.ramp_w_per_s is None else round(asset.ramp_w_per_s, 1),
        gain=round(measurement.asset.gain.value, 3),
        grid_gain=round(measurement.grid.gain.value, 3),
        phases=" ".join(measurement.visible_phases),
        serial=outcome.identities.get(plan.devices["command"], {}).get("serial", ""),
    )
    if asset is not None:
        state_files.save_probe_result(options.state_dir, plan.subject.name, one)
    proof = probing.make_fallback_proof(plan.subject, stage.watch, utc_ms, one.serial)
    if proof is not None:
        state_files.save_fallback_proof(options.state_dir, plan.subject.point, proof)
    if options.page is not None:
        text = probe_report.render_report(
            _make_report(loaded, plan, outcome, one, found, changes, measurement, agreed_to)
        )
        options.page.write_text(text, encoding="utf-8")
    if options.json:
        facts = _render_facts(plan, one, found, changes, outcome)
        output.print_json(
            facts | {"meter": grid_meter_check.render_meter_result(steps), "overrides": overrides}
        )
    else:
        print(words)
        print(grid_meter_check.describe_meter_result(steps, plan.subject.grid))
        for finding in found:
            print(f"{'!' if finding.is_fault else '-'} {finding.words}")
        for change in (*changes, *overrides):
            print(change)
        for failure in outcome.failures:
            print(f"! not given back: {failure}", file=sys.stderr)
        for device in outcome.unreached:
            print(f"! {device} was never reached: nothing was written to it", file=sys.stderr)
    return 0 if is_good else 1


def make_checked_files(loaded: LoadedSite, plan: probing.ProbePlan, config: Path) -> CheckedFiles:
    """Return the files that may have to be changed."""
    site = loaded.site
    folders = [config.parent / folder for folder in site.site.profiles]
    parts: dict[str, str] = {"asset": site.assets[plan.subject.name].part, "grid": site.grid()[1].part}
    section: Any = site.assets[plan.subject.name]
    commands_itself = plan.devices["command"] == plan.devices["asset"]
    parts["command"] = parts["asset"] if commands_itself else section.switch_part
    profiles = {}
    built_in: dict[str, str] = {}
    for what, device in plan.devices.items():
        file = device_profile_loading.find_profile_file(site.devices[device].profile, folders)
        name = site.devices[device].profile
        if file.is_relative_to(device_profile_loading.BUILT_IN_FOLDER):
            built_in[what] = name
        shown = f"{name}.toml" if what in built_in else str(file)
        profiles[what] = (CheckedFile(shown, file.read_text(encoding="utf-8")), parts[what])
    own = CheckedFile(str(config), config.read_text(encoding="utf-8-sig"))
    return CheckedFiles(plan.subject.name, own, profiles, built_in)


def _render_facts(
    plan: probing.ProbePlan,
    one: probe_results.ProbeResult,
    found: Sequence[ProbeFinding],
    changes: Sequence[Fault],
    outcome: probing.ProbeOutcome,
) -> dict[str, Any]:
    watch = outcome.session.stage.watch
    return {
        "asset": plan.subject.name,
        "good": one.is_good,
        "sentence": one.sentence,
        "delay_s": one.delay_s,
        "lag_s": one.lag_s,
        "ramp_w_per_s": one.ramp_w_per_s,
        "gain": one.gain,
        "grid_gain": one.grid_gain,
        "phases": one.phases.split(),
        "findings": [{"code": f.code, "fault": f.is_fault, "words": f.words} for f in found],
        "changes": [str(fault) for fault in changes],
        "ended": outcome.end_reason,
        "not_given_back": list(outcome.failures),
        "never_reached": list(outcome.unreached),
        "timer_s": None if watch is None else watch.action_s,
    }


def _make_report(
    loaded: LoadedSite,
    plan: probing.ProbePlan,
    outcome: probing.ProbeOutcome,
    one: probe_results.ProbeResult,
    found: Sequence[ProbeFinding],
    changes: Sequence[Fault],
    measurement: probe_measurement.ProbeMeasurement,
    agreed_to: Sequence[str],
) -> probe_report.ProbeReport:
    site = loaded.site
    zone = site.site.time_zone
    when = f"{time_text.format_stamp(one.when_utc_ms, time_text.find_zone(zone))[:16]} ({zone})"
    stage = outcome.session.stage
    return probe_report.ProbeReport(
        site=f"{site.site.id} of {site.site.district}",
        asset=plan.subject.name,
        role=plan.subject.role,
        point=plan.subject.point,
        when=when,
        who=_find_user(),
        sentence=one.sentence,
        is_good=one.is_good,
        findings=found,
        changes=changes,
        measured=measurement,
        trace=stage.trace,
        devices=list(_make_device_rows(plan, outcome.identities)),
        bounds=agreed_to,
    )


def _make_device_rows(
    plan: probing.ProbePlan, identities: Mapping[str, Mapping[str, str]]
) -> Sequence[tuple[str, str, str, str]]:
    uses: dict[str, list[str]] = {}
    for what, device in plan.devices.items():
        uses.setdefault(device, []).append(what)
    return [
        (
            f"{device} ({', '.join(what)})",
            f"{who.get('maker', '')} {who.get('model', '')}".strip(),
            who.get("serial", "–"),
            who.get("firmware", "–"),
        )
        for device, what in uses.items()
        for who in [identities.get(device, {})]
    ]


def _find_user() -> str:
    try:
        return os.environ.get("SUDO_USER") or getpass.getuser()
    except (KeyError, OSError):
        return "unknown"
