"""``quartier decode``: a meter's capture from standard input, one line a frame, and the profiles that fit."""

import argparse
import json
import re
import sys
from collections.abc import Iterable, Iterator
from typing import BinaryIO

from quartier.cli import output
from quartier.cli.listen import advice_of, line_of
from quartier.config.checks.similar_names import check_profile
from quartier_drivers.errors import ConfigError
from quartier_drivers.meter import keys
from quartier_drivers.meter.capture_decoding import CaptureDecoder
from quartier_drivers.meter.listen import ProtocolCandidates
from quartier_drivers.registry import METER_PROTOCOLS

_CHUNK = 65536
_HEX = re.compile(rb"[0-9A-Fa-f]+")
_BLANKS = bytes.maketrans(b":-", b"  ")


class WrongHexError(ValueError):
    """What was said to be hex is not."""


def decode(options: argparse.Namespace) -> int:
    """Print every frame, and a summary on the error output; exit 1 when none was good, 2 for wrong use."""
    if sys.stdin is None:
        print("quartier decode: there is no standard input; expected a capture there", file=sys.stderr)
        return 2
    first = _First(_chunks(sys.stdin.buffer))
    try:
        for what in keys.find_open_access(options.key_file or ""):
            print(f"quartier decode: {what}", file=sys.stderr)
        known = keys.load_keys(options.key_file or "")
        if options.profile:
            check_profile(options.profile, options.profiles)
        capture = CaptureDecoder(options.protocol, options.profile or "", known, options.profiles)
        is_short = sys.stdout.isatty() and not options.json
        for frame in capture.frames(_bytes(first) if options.hex else first):
            print(line_of(frame) if is_short else json.dumps(frame.as_json(), ensure_ascii=False))
            sys.stdout.flush()
    except (WrongHexError, ConfigError) as error:
        print(f"quartier decode: {error}", file=sys.stderr)
        return 2
    counts = capture.counts
    print(
        f"{output.counted(capture.frames_count, 'frame', 'frames')}, "
        f"{output.counted(capture.groups_count, 'group', 'groups')} good, {counts.bad_count} bad; "
        f"{output.counted(counts.bytes_count, 'byte', 'bytes')}, "
        f"{output.counted(counts.resync_count, 'time', 'times')} out of step",
        file=sys.stderr,
    )
    if not options.profile:
        _advise(capture)
    if not capture.frames_count:
        hint = capture.why or _hint(first.bytes, options.protocol, known)
        print(f"quartier decode: {hint}", file=sys.stderr)
    return 0 if capture.frames_count else 1


def _advise(capture: CaptureDecoder) -> None:
    """Say which profiles fit each meter of the capture, and why."""
    for meter in capture.meters:
        who = capture.identity(meter).text
        told = [advice_of(one) for one in capture.suggestions(meter)]
        print(f"{meter or 'a meter without a number'}{f' ({who})' if who else ''}:", file=sys.stderr)
        print("\n".join(f"  {one}" for one in told or ["no profile reads it"]), file=sys.stderr)


class _First:
    """Chunks as they come; ``bytes`` are the first of them, to say what they may be."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        self.bytes = b""

    def __iter__(self) -> Iterator[bytes]:
        for chunk in self._chunks:
            if len(self.bytes) < _CHUNK:
                self.bytes += chunk
            yield chunk


def _hint(first: bytes, protocol: str, known: keys.MeterKeys) -> str:
    """Return what a capture may be that holds nothing of the protocol that was asked for."""
    if not first:
        return "standard input is empty; expected a capture there"
    digits = b"".join(first.translate(_BLANKS).split())
    if _HEX.fullmatch(digits):
        return "all of it is hex digits: try --hex"
    hearing = ProtocolCandidates(METER_PROTOCOLS, known)
    hearing.hear(first)
    if hearing.found and hearing.found != protocol:
        return f"nothing of {protocol} in it; it is {hearing.found}"
    return f"nothing of {protocol} in it that is whole; `quartier listen PORT` finds out what a meter speaks"


def _chunks(source: BinaryIO) -> Iterator[bytes]:
    read = getattr(source, "read1", source.read)
    while chunk := read(_CHUNK):
        yield chunk


def _bytes(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Hex digits, with blanks, colons and line ends anywhere between them."""
    rest = b""
    for chunk in chunks:
        digits = rest + b"".join(chunk.translate(_BLANKS).split())
        whole = len(digits) // 2 * 2
        rest = digits[whole:]
        yield _pairs(digits[:whole])
    if rest:
        raise WrongHexError("the hex on standard input ends in the middle of a byte")


def _pairs(digits: bytes) -> bytes:
    try:
        return bytes.fromhex(digits.decode("ascii"))
    except ValueError:
        raise WrongHexError(
            "standard input is no hex; leave out --hex where it is the capture itself"
        ) from None
