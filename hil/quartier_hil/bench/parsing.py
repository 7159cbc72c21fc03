"""The usual Python package for a meter's protocol reads a capture, in a virtual environment of its own.

``parsing.py PACKAGE CAPTURE``: the capture is JSON, telegrams in hexadecimal.  Each line on stdin, a number
of times, is answered by a line with the CPU seconds that it took, the telegrams and the values read.
Streams come in chunks; where a package finds no telegrams in a stream, it is given each by itself.
"""

import json
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

CHUNK = 256
Found = Iterator[int]
"""For each telegram, how many values it gave."""


def _chunks(telegrams: Sequence[bytes]) -> list[bytes]:
    data = b"".join(telegrams)
    return [data[at : at + CHUNK] for at in range(0, len(data), CHUNK)]


def _dsmr(telegrams: Sequence[bytes]) -> Callable[[], Found]:
    specification = import_module("dsmr_parser.telegram_specifications").V5
    parser = import_module("dsmr_parser.parsers").TelegramParser(specification)
    new = import_module("dsmr_parser.clients.telegram_buffer").TelegramBuffer
    chunks = _chunks(telegrams)

    def once() -> Found:
        buffer = new()
        for chunk in chunks:
            buffer.append(chunk.decode("ascii"))
            for text in buffer.get_all():
                yield len(list(parser.parse(text, throw_ex=True)))

    return once


def _sml(telegrams: Sequence[bytes]) -> Callable[[], Found]:
    new = import_module("smllib").SmlStreamReader
    chunks = _chunks(telegrams)

    def once() -> Found:
        reader = new()
        for chunk in chunks:
            reader.add(chunk)
            while (frame := reader.get_frame()) is not None:
                # get_obis is quicker and fails where a file holds the bytes 77 07 01 by chance.
                yield sum(
                    len(getattr(one.message_body, "val_list", None) or ()) for one in frame.parse_frame()
                )

    return once


def _mbus(telegrams: Sequence[bytes]) -> Callable[[], Found]:
    parse = import_module("pymbusparser").parse

    def once() -> Found:
        for telegram in telegrams:
            yield len(parse(telegram, include_enrichment=False)["records"])

    return once


def _han(telegrams: Sequence[bytes]) -> Callable[[], Found]:
    new = import_module("han.hdlc").HdlcFrameReader
    decode = import_module("han.autodecoder").AutoDecoder
    chunks = _chunks(telegrams)

    def once() -> Found:
        reader, decoder = new(), decode()
        for chunk in chunks:
            for frame in reader.read(chunk):
                if frame.is_valid and (values := decoder.decode_message(frame)):
                    yield len(values)

    return once


def _optical(telegrams: Sequence[bytes]) -> Callable[[], Found]:
    message = import_module("iec62056_21.messages").ReadoutDataMessage
    texts = [telegram.decode("ascii") for telegram in telegrams]

    def once() -> Found:
        for text in texts:
            lines = message.from_representation(text).data_block.data_lines
            yield sum(len(line.data_sets) for line in lines)

    return once


class _Lines:
    """A serial port for kylin: it loses a frame that begins on the line where another ends."""

    def __init__(self, telegrams: Sequence[bytes]) -> None:
        data = b"".join(telegrams).replace(b"\x03\x02", b"\x03\n\x02")
        self._lines = iter(data.splitlines(keepends=True))

    def readline(self) -> bytes:
        return next(self._lines)


def _tic(telegrams: Sequence[bytes]) -> Callable[[], Found]:
    kylin = import_module("kylin").Kylin

    def once() -> Found:
        reader: Any = kylin.__new__(kylin)  # its constructor wants a port
        reader._teleinfo = _Lines(telegrams)  # noqa: SLF001 - the same
        for _ in telegrams:
            yield len(reader.readframe())

    return once


def _teleinfo(telegrams: Sequence[bytes]) -> Callable[[], Found]:
    decode = import_module("teleinfo").decode

    def once() -> Found:
        for telegram in telegrams:
            yield len(decode(telegram))

    return once


PACKAGES: dict[str, Callable[[Sequence[bytes]], Callable[[], Found]]] = {
    "dsmr-parser": _dsmr,
    "smllib": _sml,
    "pymbusparser": _mbus,
    "amshan": _han,
    "iec62056-21": _optical,
    "kylin": _tic,
    "pyteleinfo": _teleinfo,
}


def _main(package: str, capture: str) -> None:
    telegrams = [bytes.fromhex(one) for one in json.loads(Path(capture).read_text())]
    once = PACKAGES[package](telegrams)
    for times in sys.stdin:
        read_count = values_count = 0
        before_s = time.process_time()
        for _ in range(int(times)):
            for values in once():
                read_count += 1
                values_count += values
        cpu_s = time.process_time() - before_s
        sys.stdout.write(json.dumps([cpu_s, read_count, values_count]) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    _main(*sys.argv[1:])
