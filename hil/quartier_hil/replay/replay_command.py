"""``quartier-hil replay FILE``: serves a record until it is stopped."""

import argparse
import asyncio
import sys
from pathlib import Path

from quartier_hil.replay import recording
from quartier_hil.replay.playback import PtyReplay, TcpReplay
from quartier_hil.replay.recording import UnreadableRecordError

ABOUT = """\
FILE is what `quartier record` wrote of Modbus TCP, Modbus RTU or a line with meters.  A Modbus device, or a
meter that is asked, answers each request of the record as the recorded one did, in the same order; the last
answer to a request stays.  What nobody asked in the record is left without an answer, and told on the error
output.  A meter that speaks by itself begins when its line is opened, with the gaps that it had.

  quartier-hil replay fault.pcapng --tcp 1502
  quartier-hil replay linky-20261128T134517Z.txt --pty --fast
"""


def add_arguments(found: argparse.ArgumentParser) -> None:
    """Its options."""
    found.description = "Serves a record back to a driver: a fault of the field as a regression test."
    found.epilog = ABOUT
    found.formatter_class = argparse.RawDescriptionHelpFormatter
    found.add_argument("file", type=Path, metavar="FILE", help="a recording of quartier record")
    where = found.add_mutually_exclusive_group()
    where.add_argument("--tcp", type=int, metavar="PORT", help="on this port of 127.0.0.1, 0 for a free one")
    where.add_argument("--pty", action="store_true", help="on a pseudo terminal, as a serial port")
    found.add_argument("--fast", action="store_true", help="without the pauses of the recording")
    found.set_defaults(command=_run_replay, needed=())


def _run_replay(options: argparse.Namespace) -> int:
    try:
        recorded = recording.read_recording(options.file)
    except (UnreadableRecordError, OSError) as error:
        _print_line(f"quartier-hil: {error}")
        return 2
    is_tcp = options.tcp is not None or (recorded.protocol == "modbus-tcp" and not options.pty)
    if recorded.protocol == "modbus-tcp" and not is_tcp:
        _print_line("quartier-hil: a record of Modbus TCP is served by --tcp")
        return 2
    port = 1502 if options.tcp is None else options.tcp
    served = (
        TcpReplay(recorded, port, fast=options.fast) if is_tcp else PtyReplay(recorded, fast=options.fast)
    )
    try:
        asyncio.run(_serve_until_stopped(served))
    except OSError as error:
        _print_line(f"quartier-hil: {error}")
        return 2
    except KeyboardInterrupt:
        pass
    return 0


async def _serve_until_stopped(served: TcpReplay | PtyReplay) -> None:
    async with served:
        sys.stdout.write(f"{served.url}\n")
        sys.stdout.flush()
        await asyncio.Event().wait()


def _print_line(text: str) -> None:
    sys.stderr.write(f"{text}\n")
