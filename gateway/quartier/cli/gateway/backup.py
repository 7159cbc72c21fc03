"""``quartier backup`` and ``quartier restore``."""

import argparse
import os
import shlex
import sys
from collections.abc import Callable, Iterator
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from quartier.backup import archive, packing, restore_plan, restoring
from quartier.backup.archive import SignedManifest, UnusableBackup
from quartier.backup.packing import GatewayFolders
from quartier.cli.arguments.shared_options import SITE_FILE, find_runtime_dir, find_state_dir
from quartier.cli.operation.history import describe_unknown_zone, find_database
from quartier.cli.rendering import output, time_text
from quartier.runtime import clock, release

_CLOCK_HINT = (
    "the clock is not synchronised: numbers that the old gateway used since the backup could be used twice; "
    "wait for the time, or give --without-clock if the clock is right to the hour"
)
_KEY_HINT = "Compare the key with what quartier backup printed on the old gateway, then"


def run_backup(options: argparse.Namespace) -> int:
    """Pack the gateway of this machine."""
    folders = _make_folders(options)

    def pack() -> int:
        utc_ms = clock.SiteClock(clock.load_clock_setting()).utc_ms()
        signed = packing.write_backup(folders, options.file, utc_ms, _find_version())
        if options.json:
            output.print_json({**archive.describe_backup(signed), "file": str(options.file)})
            return 0
        print(
            f"{options.file}: {output.format_size(options.file.stat().st_size)}, "
            f"{signed.manifest.gateway}, verified"
        )
        _describe(signed, options)
        print(f"signed with key {signed.fingerprint}: note it; another machine asks for it")
        return 0

    return _run_without_daemon(options, pack)


def run_restore(options: argparse.Namespace) -> int:
    """Put a backup here, or only prove it."""
    folders = _make_folders(options)
    if options.check:
        return _report_errors(lambda: _check_backup(options, folders))
    return _run_without_daemon(options, lambda: _restore_backup(options, folders))


def _check_backup(options: argparse.Namespace, folders: GatewayFolders) -> int:
    plan = restore_plan.make_restore_plan(options.file, folders, needs_room=False)
    if options.json:
        output.print_json(_render_plan(options, plan))
        return 0
    print(f"{options.file}: sound, {plan.signed.manifest.gateway}")
    _describe(plan.signed, options)
    print(*restore_plan.render_steps(plan), sep="\n")
    _describe_key(plan)
    return 0


def _restore_backup(options: argparse.Namespace, folders: GatewayFolders) -> int:
    now = clock.SiteClock(clock.load_clock_setting()).now()
    plan = restore_plan.make_restore_plan(options.file, folders)
    refusals = list(_find_refusals(options, plan, is_synced=now.synced))
    if refusals:
        print(*refusals, "nothing of the backup was written", sep="\n", file=sys.stderr)
        return 1
    if not _ask_consent(options, plan):
        return 1
    restoring.restore_backup(options.file, plan, now.utc_ms)
    if options.json:
        output.print_json(_render_plan(options, plan))
        return 0
    print(f"{plan.signed.manifest.gateway} is on this machine; never start the old one again")
    for step in plan.steps:
        if step.action == restore_plan.ACTION_LEFT_OUT:
            print(f"  not written: {step.target}: {step.reason}")
    return 0


def _find_refusals(
    options: argparse.Namespace, plan: restore_plan.RestorePlan, *, is_synced: bool
) -> Iterator[str]:
    """Yield each reason not to restore, with what to do: files that are here, the clock, the key."""
    if plan.objections and not options.force:
        yield from plan.objections
        yield "--force moves what is here aside"
    if not is_synced and not options.without_clock:
        yield _CLOCK_HINT
    key, is_known = plan.signed.fingerprint, plan.is_known or options.key is not None
    if options.key is not None and options.key.strip().lower() != key:
        yield f"{options.file} is signed with key {key}, not {options.key}"
    elif not (options.yes and is_known) and not sys.stdin.isatty():
        flags = " --force" if plan.objections and not options.force else ""
        flags += "" if is_synced or options.without_clock else " --without-clock"
        needed = "--yes" if is_known else f"--yes --key {key}"
        yield (
            f"there is no terminal to ask. {_KEY_HINT if not is_known else 'To go on'}: "
            f"{_format_command(options)}{flags} {needed}"
        )


def _format_command(options: argparse.Namespace) -> str:
    """Return the command as it was given, without the answers; folders other than the usual are named."""
    usual = {"--config": SITE_FILE, "--state-dir": find_state_dir(), "--runtime-dir": find_runtime_dir()}
    given = {
        "--config": options.config,
        "--state-dir": options.state_dir,
        "--runtime-dir": options.runtime_dir,
    }
    flags = {"--force": options.force, "--without-clock": options.without_clock, "--json": options.json}
    words = ["quartier", "restore", str(options.file)]
    words += [
        argument for key, place in given.items() if place != usual[key] for argument in (key, str(place))
    ]
    return shlex.join([*words, *(key for key, is_given in flags.items() if is_given)])


def _ask_consent(options: argparse.Namespace, plan: restore_plan.RestorePlan) -> bool:
    """Ask a person; a script says --yes, and --key where this machine does not know the key."""
    if options.yes and (plan.is_known or options.key is not None):
        return True
    _describe(plan.signed, options)
    print(*restore_plan.render_steps(plan), sep="\n")
    _describe_key(plan)
    try:
        answer = input("Put it on this machine? Type yes: ").strip().lower()
    except EOFError:
        answer = ""
        print()
    if answer != "yes":
        print("nothing of the backup was written", file=sys.stderr)
    return answer == "yes"


def _describe_key(plan: restore_plan.RestorePlan) -> None:
    if plan.is_known:
        print("signed with the key of this gateway")
        return
    print(f"signed with key {plan.signed.fingerprint}, which this machine does not know")
    print("compare it with what quartier backup printed on the old gateway")


def _render_plan(options: argparse.Namespace, plan: restore_plan.RestorePlan) -> dict[str, Any]:
    files = [
        {
            "target": str(step.target),
            "action": step.action,
            "size_bytes": step.member.size,
            "reason": step.reason,
        }
        for step in plan.steps
    ]
    about = archive.describe_backup(plan.signed)
    return {**about, "file": str(options.file), "key_known": plan.is_known, "files": files}


def _run_without_daemon(options: argparse.Namespace, act: Callable[[], int]) -> int:
    """Act while no daemon does; the locks are the daemon's own."""
    try:
        options.runtime_dir.mkdir(mode=0o751, parents=True, exist_ok=True)
        locks = release.take_locks(options.runtime_dir, options.state_dir)
    except release.DaemonLocked as locked:
        print(f"{locked}; stop it first: systemctl stop quartier", file=sys.stderr)
        return os.EX_TEMPFAIL
    except OSError as error:
        print(f"{options.runtime_dir}: {error.strerror}; ask with sudo", file=sys.stderr)
        return 1
    with locks:
        return _report_errors(act)


def _report_errors(act: Callable[[], int]) -> int:
    try:
        return act()
    except UnusableBackup as error:
        print(error, file=sys.stderr)
    except OSError as error:
        print(f"{error.filename or 'the disk'}: {error.strerror or error}", file=sys.stderr)
    return 1


def _make_folders(options: argparse.Namespace) -> GatewayFolders:
    return GatewayFolders(
        options.config.absolute(), options.state_dir.absolute(), options.runtime_dir.absolute()
    )


def _describe(signed: SignedManifest, options: argparse.Namespace) -> None:
    manifest, zone = signed.manifest, find_database(options.config, options.state_dir)[1]
    if zone is None:
        print(describe_unknown_zone(options.config), file=sys.stderr)
    made = time_text.format_stamp(manifest.made_utc_ms, zone)
    print(
        f"  {output.format_count(len(manifest.members), 'file', 'files')}, "
        f"{output.format_size(manifest.size_bytes)}, boot {manifest.boot}, "
        f"made {made} ({time_text.describe_zone(zone)}) by {manifest.version}"
    )
    for left in manifest.left_out:
        print(f"  not in it: {left}")


def _find_version() -> str:
    try:
        return version("quartier")
    except PackageNotFoundError:
        return "sources"
