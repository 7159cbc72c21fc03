"""``quartier release``: systemd calls it after every stop, so it imports little."""

import argparse
import json
import os
import sys
from collections.abc import Sequence

from quartier.runtime import release
from quartier.runtime.owned_files import use_rights_of_owner
from quartier.runtime.process_size import hide_modules

with hide_modules("ssl"):  # asyncio does without, and no safe value goes over TLS
    import asyncio


def release_outputs(options: argparse.Namespace) -> int:
    """Write the safe values that a stopped daemon left; root acts with the rights of the service."""
    with use_rights_of_owner(options.runtime_dir):
        return _release_with_rights(options)


def _release_with_rights(options: argparse.Namespace) -> int:
    try:
        lock = release.take_lock(options.runtime_dir)
    except release.DaemonLocked as locked:
        print(locked, file=sys.stderr)
        return os.EX_TEMPFAIL
    except OSError as error:
        print(f"{options.runtime_dir}: {error.strerror}; is this where the daemon ran?", file=sys.stderr)
        return 1
    with lock:
        try:
            wires = release.load_release(options.runtime_dir, lambda fault: print(fault, file=sys.stderr))
        except ValueError as error:
            print(error, file=sys.stderr)
            return 1
        failures = asyncio.run(release.write_releases(wires))
        _record_release(options, wires, failures)
    return _print_result(options, wires, failures)


def _record_release(
    options: argparse.Namespace, wires: list[release.BusRelease], failures: dict[str, Sequence[str]]
) -> None:
    """Leave for the ledger what was written; systemd says how the daemon ended (``SERVICE_RESULT``)."""
    # Only now, for until here every moment counted.
    from quartier.runtime import release_log  # noqa: PLC0415 - as said
    from quartier.runtime.clock import SiteClock  # noqa: PLC0415 - as said

    result = os.environ.get("SERVICE_RESULT", "")
    why = f"no daemon runs{f' (it ended: {result})' if result else ''}: safe value"
    try:
        release_log.append_releases(options.runtime_dir, wires, failures, SiteClock().utc_ms(), why)
    except OSError as error:
        print(f"{options.runtime_dir}: {error.strerror}; the ledger will not know of it", file=sys.stderr)


def _print_result(
    options: argparse.Namespace, wires: list[release.BusRelease], failures: dict[str, Sequence[str]]
) -> int:
    failed = {bus: list(found) for bus, found in failures.items() if found}
    if options.json:
        rows = [
            {"bus": wire.bus, "writes": len(wire.writes), "failed": failed.get(wire.bus, [])}
            for wire in wires
        ]
        print(json.dumps(rows, indent=2))
    else:
        for wire in wires:
            count = len(wire.writes)
            print(
                f"{wire.bus}: {count} safe value{'s' * (count != 1)}, {len(failed.get(wire.bus, ()))} failed"
            )
        for lines in failed.values():
            print(*lines, sep="\n", file=sys.stderr)
        if not wires:
            print(f"nothing to release: no {release.RELEASE_FILE} in {options.runtime_dir}")
    return 1 if failed else 0
