"""``quartier decode``: a meter's capture from standard input, one JSON object a frame."""

import argparse
import json
import sys
from collections.abc import Iterator
from typing import BinaryIO

from quartier_drivers.errors import ConfigError
from quartier_drivers.meter import keys
from quartier_drivers.meter.decode import Capture

_CHUNK = 65536
_BLANKS = bytes.maketrans(b":-", b"  ")


class WrongHexError(ValueError):
    """What was said to be hex is not."""


def decode(options: argparse.Namespace) -> int:
    """Print every frame, and a summary on the error output; exit 1 when none was good, 2 for wrong use."""
    chunks = _chunks(sys.stdin.buffer)
    try:
        known = keys.load(options.key_file or "")
        capture = Capture(options.protocol, options.profile or "", known, options.profiles)
        for frame in capture.frames(_bytes(chunks) if options.hex else chunks):
            print(json.dumps(frame.as_json(), ensure_ascii=False))
            sys.stdout.flush()
    except (WrongHexError, ConfigError) as error:
        print(f"quartier decode: {error}", file=sys.stderr)
        return 2
    counts = capture.counts
    print(
        f"{capture.frames_count} frames, {capture.groups_count} groups good, {counts.bad_count} bad; "
        f"{counts.bytes_count} bytes, {counts.resync_count} times out of step",
        file=sys.stderr,
    )
    if capture.why and not capture.frames_count:
        print(f"quartier decode: {capture.why}", file=sys.stderr)
    return 0 if capture.frames_count else 1


def _chunks(source: BinaryIO) -> Iterator[bytes]:
    read = getattr(source, "read1", source.read)
    while chunk := read(_CHUNK):
        yield chunk


def _bytes(chunks: Iterator[bytes]) -> Iterator[bytes]:
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
