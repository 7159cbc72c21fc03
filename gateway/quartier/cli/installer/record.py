"""``quartier record``: write the bytes of a bus, as a running daemon keeps them, into a file."""

import argparse
import asyncio
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from quartier.cli.operation.gateway_status import report_no_daemon
from quartier.cli.rendering.output import format_count
from quartier.commissioning.wire_record import record_file
from quartier.commissioning.wire_record.wire_record import WireRecord, load_record
from quartier.runtime.local_socket.questions import NoDaemon, ask
from quartier_drivers.transport.frame_recorder import RecordedFrame

# How often the daemon is asked for what came since, in real seconds: its buffer must not turn over meanwhile.
_POLL_S = 0.5


def run_record(options: argparse.Namespace) -> int:
    """Write what the daemon holds, or what comes ``--for`` so long; exit 1 where there is nothing of it."""
    try:
        found = asyncio.run(_collect_record(options))
    except NoDaemon as closed:
        return report_no_daemon(closed)
    except LookupError as error:
        print(error.args[0], file=sys.stderr)
        return 1
    if options.anonymise:
        from quartier.commissioning.wire_record import (  # noqa: PLC0415 - brings the decoders of all meters
            anonymise,
        )
        from quartier_drivers.protocol import EncryptedError  # noqa: PLC0415 - as above

        try:
            found = anonymise.anonymise_record(found)
        except EncryptedError as why:
            print(f"{options.bus} cannot be anonymised: {why}", file=sys.stderr)
            return 1
    path = options.out or Path(record_file.make_file_name(found))
    try:
        path.write_bytes(record_file.make_file(found))
    except OSError as error:
        print(f"{path} cannot be written: {error.strerror}", file=sys.stderr)
        return 1
    print(_describe_result(found, path))
    return 0


async def _collect_record(options: argparse.Namespace) -> WireRecord:
    """Raises NoDaemon, and LookupError saying what is missing."""
    begun = await _ask_daemon(options, -1)
    if options.for_s is None:
        return begun
    frames = _find_first_frames(begun.frames)
    last, until_ns = _find_newest_number(begun.frames, -1), begun.ns + int(options.for_s * 1e9)
    found = begun
    with suppress(asyncio.CancelledError):  # Ctrl-C: what has come is written
        while found.ns < until_ns:
            await asyncio.sleep(_POLL_S)
            try:
                found = await _ask_daemon(options, last)
            except NoDaemon as closed:  # it has ended: what it told before is worth as much
                print(closed, file=sys.stderr)
                break
            frames += [frame for frame in found.frames if frame.number > last and frame.ns <= until_ns]
            last = _find_newest_number(found.frames, last)
    return replace(found, frames=tuple(frames))


def _find_first_frames(frames: Sequence[RecordedFrame]) -> list[RecordedFrame]:
    """Return how the wire was last opened, and who said who it is: what a replay begins with."""
    opened = [frame for frame in frames if frame.way == "opened"][-1:]
    return sorted(
        {frame.number: frame for frame in (*opened, *filter(_is_named, frames))}.values(), key=_find_number
    )


def _is_named(frame: RecordedFrame) -> bool:
    return bool(frame.device)


def _find_number(frame: RecordedFrame) -> int:
    return frame.number


async def _ask_daemon(options: argparse.Namespace, after: int) -> WireRecord:
    question = options.bus if after < 0 else f"{options.bus}@{after}"
    answer: Any = await asyncio.to_thread(ask, options.runtime_dir, "record", question)
    if answer is None:
        raise LookupError(f"no bus is called {options.bus}; quartier status lists them")
    if isinstance(answer, dict):
        raise LookupError(answer["error"])  # noqa: TRY004 - an answer, not a mistake
    head, *rows = answer
    return load_record(head, rows)


def _find_newest_number(frames: Sequence[RecordedFrame], before: int) -> int:
    return max((frame.number for frame in frames), default=before)


def _describe_result(found: WireRecord, path: Path) -> str:
    """Describe the recent frames and their span; older ones, which a replay needs, are counted apart."""
    recent = found.recent
    times_ns = [frame.ns for frame in recent if frame.data]
    span_s = (max(times_ns, default=0) - min(times_ns, default=0)) / 1e9
    frames = format_count(len(times_ns), "frame")
    text = f"{path}: {frames} of {found.bus} ({found.kind}) in {span_s:.1f} s"
    older = found.frames[: len(found.frames) - len(recent)]
    if not older:
        return text
    count = sum(1 for frame in older if frame.data)
    when = record_file.format_utc(found.utc_ns(older[0]))[11:19]
    opening = f"{format_count(count, 'older frame')} of its opening" if count else "its opening"
    return f"{text}, and {opening} at {when} UTC"
