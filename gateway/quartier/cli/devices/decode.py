"""``quartier decode``: decode a meter's capture from standard input, and suggest the profiles that fit."""

import argparse
import json
import re
import sys
from collections.abc import Iterable, Iterator
from typing import BinaryIO

from quartier.cli.devices.listen import describe_frame, describe_suggestion
from quartier.cli.rendering import output
from quartier.config.checks.similar_names import check_profile
from quartier_drivers.errors import ConfigError
from quartier_drivers.meter import keys
from quartier_drivers.meter.discovery.capture_decoding import CaptureDecoder
from quartier_drivers.meter.discovery.listen import ProtocolCandidates
from quartier_drivers.registry import METER_PROTOCOLS

_CHUNK_BYTES = 65536
_HEX_PATTERN = re.compile(rb"[0-9A-Fa-f]+")
_BLANKS = bytes.maketrans(b":-", b"  ")


class WrongHexError(ValueError):
    """The input is not hexadecimal, although the options say so."""


def run_decode(options: argparse.Namespace) -> int:
    """Print every frame, and a summary on the error output; exit 1 when none was good, 2 for wrong use."""
    if sys.stdin is None:
        print("quartier decode: there is no standard input; expected a capture there", file=sys.stderr)
        return 2
    first = _FirstBytes(_read_chunks(sys.stdin.buffer))
    try:
        for what in keys.find_open_access(options.key_file or ""):
            print(f"quartier decode: {what}", file=sys.stderr)
        known = keys.load_keys(options.key_file or "")
        if options.profile:
            check_profile(options.profile, options.profiles)
        capture = CaptureDecoder(options.protocol, options.profile or "", known, options.profiles)
        is_short = sys.stdout.isatty() and not options.json
        for frame in capture.frames(_decode_hex(first) if options.hex else first):
            print(describe_frame(frame) if is_short else json.dumps(frame.as_json(), ensure_ascii=False))
            sys.stdout.flush()
    except (WrongHexError, ConfigError) as error:
        print(f"quartier decode: {error}", file=sys.stderr)
        return 2
    counts = capture.counts
    print(
        f"{output.format_count(capture.frames_count, 'frame', 'frames')}, "
        f"{output.format_count(capture.groups_count, 'group', 'groups')} good, {counts.bad_count} bad; "
        f"{output.format_count(counts.bytes_count, 'byte', 'bytes')}, "
        f"{output.format_count(counts.resync_count, 'time', 'times')} out of step",
        file=sys.stderr,
    )
    if not options.profile:
        _print_advice(capture)
    if not capture.frames_count:
        hint = capture.why or _suggest_protocol(first.bytes, options.protocol, known)
        print(f"quartier decode: {hint}", file=sys.stderr)
    return 0 if capture.frames_count else 1


def _print_advice(capture: CaptureDecoder) -> None:
    """Say which profiles fit each meter of the capture, and why."""
    for meter in capture.meters:
        who = capture.identity(meter).text
        suggestions = [describe_suggestion(one) for one in capture.suggestions(meter)]
        print(f"{meter or 'a meter without a number'}{f' ({who})' if who else ''}:", file=sys.stderr)
        print("\n".join(f"  {one}" for one in suggestions or ["no profile reads it"]), file=sys.stderr)


class _FirstBytes:
    """Chunks as they come; ``bytes`` are the first of them, to say what they may be."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        self.bytes = b""

    def __iter__(self) -> Iterator[bytes]:
        for chunk in self._chunks:
            if len(self.bytes) < _CHUNK_BYTES:
                self.bytes += chunk
            yield chunk


def _suggest_protocol(first: bytes, protocol: str, known: keys.MeterKeys) -> str:
    """Return what a capture may be that holds nothing of the protocol that was asked for."""
    if not first:
        return "standard input is empty; expected a capture there"
    digits = b"".join(first.translate(_BLANKS).split())
    if _HEX_PATTERN.fullmatch(digits):
        return "all of it is hex digits: try --hex"
    hearing = ProtocolCandidates(METER_PROTOCOLS, known)
    hearing.hear(first)
    if hearing.found and hearing.found != protocol:
        return f"nothing of {protocol} in it; it is {hearing.found}"
    return f"nothing of {protocol} in it that is whole; `quartier listen PORT` finds out what a meter speaks"


def _read_chunks(source: BinaryIO) -> Iterator[bytes]:
    read = getattr(source, "read1", source.read)
    while chunk := read(_CHUNK_BYTES):
        yield chunk


def _decode_hex(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Hex digits, with blanks, colons and line ends anywhere between them."""
    rest = b""
    for chunk in chunks:
        digits = rest + b"".join(chunk.translate(_BLANKS).split())
        whole = len(digits) // 2 * 2
        rest = digits[whole:]
        yield _decode_pairs(digits[:whole])
    if rest:
        raise WrongHexError("the hex on standard input ends in the middle of a byte")


def _decode_pairs(digits: bytes) -> bytes:
    try:
        return bytes.fromhex(digits.decode("ascii"))
    except ValueError:
        raise WrongHexError(
            "standard input is no hex; leave out --hex where it is the capture itself"
        ) from None
