"""``quartier release``: what systemd calls after every stop, so it imports little."""

import argparse
import json
import os
import sys
from collections.abc import Sequence

from quartier.runtime.spare import without

with without("ssl"):  # asyncio does without, and no safe value goes over TLS
    import asyncio
from quartier.runtime import release
from quartier.runtime.ownedfiles import rights_of_owner


def release_outputs(options: argparse.Namespace) -> int:
    """Write the safe values that a stopped daemon left; root acts with the rights of the service."""
    with rights_of_owner(options.runtime_dir):
        return _release_outputs(options)


def _release_outputs(options: argparse.Namespace) -> int:
    try:
        lock = release.lock(options.runtime_dir)
    except release.Locked as locked:
        print(locked, file=sys.stderr)
        return os.EX_TEMPFAIL
    except OSError as error:
        print(f"{options.runtime_dir}: {error.strerror}; is this where the daemon ran?", file=sys.stderr)
        return 1
    with lock:
        try:
            wires = release.load(options.runtime_dir, lambda fault: print(fault, file=sys.stderr))
        except ValueError as error:
            print(error, file=sys.stderr)
            return 1
        failures = asyncio.run(release.replay(wires))
        _note(options, wires, failures)
    return _tell(options, wires, failures)


def _note(options: argparse.Namespace, wires: list[release.Wire], failures: dict[str, Sequence[str]]) -> None:
    """Leave for the ledger what was written; systemd says how the daemon ended (``SERVICE_RESULT``)."""
    # Only now, for until here every moment counted.
    from quartier.runtime import released  # noqa: PLC0415 - as said
    from quartier.runtime.clock import HouseClock  # noqa: PLC0415 - as said

    result = os.environ.get("SERVICE_RESULT", "")
    why = f"no daemon runs{f' (it ended: {result})' if result else ''}: safe value"
    try:
        released.note(options.runtime_dir, wires, failures, HouseClock().utc_ms(), why)
    except OSError as error:
        print(f"{options.runtime_dir}: {error.strerror}; the ledger will not know of it", file=sys.stderr)


def _tell(options: argparse.Namespace, wires: list[release.Wire], failures: dict[str, Sequence[str]]) -> int:
    failed = {bus: list(found) for bus, found in failures.items() if found}
    if options.json:
        told = [
            {"bus": wire.bus, "writes": len(wire.writes), "failed": failed.get(wire.bus, [])}
            for wire in wires
        ]
        print(json.dumps(told, indent=2))
    else:
        for wire in wires:
            count = len(wire.writes)
            print(
                f"{wire.bus}: {count} safe value{'s' * (count != 1)}, {len(failed.get(wire.bus, ()))} failed"
            )
        for lines in failed.values():
            print(*lines, sep="\n", file=sys.stderr)
        if not wires:
            print(f"nothing to release: no {release.FILE} in {options.runtime_dir}")
    return 1 if failed else 0
