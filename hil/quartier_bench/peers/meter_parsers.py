"""Read a capture by the usual Python package for the protocol of a meter, in a virtual environment of its
own.

``meter_parsers.py PACKAGE CAPTURE``: the capture is JSON, telegrams in hexadecimal.  Each line on stdin, a
number
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

CHUNK_BYTES = 256
ValueCounts = Iterator[int]
"""For each telegram, how many values it gave."""


def _split_chunks(telegrams: Sequence[bytes]) -> list[bytes]:
    data = b"".join(telegrams)
    return [data[at : at + CHUNK_BYTES] for at in range(0, len(data), CHUNK_BYTES)]


def _make_dsmr_parser(telegrams: Sequence[bytes]) -> Callable[[], ValueCounts]:
    specification = import_module("dsmr_parser.telegram_specifications").V5
    parser = import_module("dsmr_parser.parsers").TelegramParser(specification)
    new = import_module("dsmr_parser.clients.telegram_buffer").TelegramBuffer
    chunks = _split_chunks(telegrams)

    def once() -> ValueCounts:
        buffer = new()
        for chunk in chunks:
            buffer.append(chunk.decode("ascii"))
            for text in buffer.get_all():
                yield len(list(parser.parse(text, throw_ex=True)))

    return once


def _make_sml_parser(telegrams: Sequence[bytes]) -> Callable[[], ValueCounts]:
    new = import_module("smllib").SmlStreamReader
    chunks = _split_chunks(telegrams)

    def once() -> ValueCounts:
        reader = new()
        for chunk in chunks:
            reader.add(chunk)
            while (frame := reader.get_frame()) is not None:
                # get_obis is quicker and fails where a file holds the bytes 77 07 01 by chance.
                yield sum(
                    len(getattr(one.message_body, "val_list", None) or ()) for one in frame.parse_frame()
                )

    return once


def _make_mbus_parser(telegrams: Sequence[bytes]) -> Callable[[], ValueCounts]:
    parse = import_module("pymbusparser").parse

    def once() -> ValueCounts:
        for telegram in telegrams:
            yield len(parse(telegram, include_enrichment=False)["records"])

    return once


def _make_han_parser(telegrams: Sequence[bytes]) -> Callable[[], ValueCounts]:
    new = import_module("han.hdlc").HdlcFrameReader
    decode = import_module("han.autodecoder").AutoDecoder
    chunks = _split_chunks(telegrams)

    def once() -> ValueCounts:
        reader, decoder = new(), decode()
        for chunk in chunks:
            for frame in reader.read(chunk):
                if frame.is_valid and (values := decoder.decode_message(frame)):
                    yield len(values)

    return once


def _make_iec62056_parser(telegrams: Sequence[bytes]) -> Callable[[], ValueCounts]:
    message = import_module("iec62056_21.messages").ReadoutDataMessage
    texts = [telegram.decode("ascii") for telegram in telegrams]

    def once() -> ValueCounts:
        for text in texts:
            lines = message.from_representation(text).data_block.data_lines
            yield sum(len(line.data_sets) for line in lines)

    return once


class _LinePort:
    """A serial port for kylin: it loses a frame that begins on the line where another ends."""

    def __init__(self, telegrams: Sequence[bytes]) -> None:
        data = b"".join(telegrams).replace(b"\x03\x02", b"\x03\n\x02")
        self._lines = iter(data.splitlines(keepends=True))

    def readline(self) -> bytes:
        return next(self._lines)


def _make_kylin_parser(telegrams: Sequence[bytes]) -> Callable[[], ValueCounts]:
    kylin = import_module("kylin").Kylin

    def once() -> ValueCounts:
        reader: Any = kylin.__new__(kylin)  # its constructor wants a port
        reader._teleinfo = _LinePort(telegrams)  # noqa: SLF001 - the same
        for _ in telegrams:
            yield len(reader.readframe())

    return once


def _make_teleinfo_parser(telegrams: Sequence[bytes]) -> Callable[[], ValueCounts]:
    decode = import_module("teleinfo").decode

    def once() -> ValueCounts:
        for telegram in telegrams:
            yield len(decode(telegram))

    return once


PARSER_FACTORIES: dict[str, Callable[[Sequence[bytes]], Callable[[], ValueCounts]]] = {
    "dsmr-parser": _make_dsmr_parser,
    "smllib": _make_sml_parser,
    "pymbusparser": _make_mbus_parser,
    "amshan": _make_han_parser,
    "iec62056-21": _make_iec62056_parser,
    "kylin": _make_kylin_parser,
    "pyteleinfo": _make_teleinfo_parser,
}


def _main(package: str, capture: str) -> None:
    telegrams = [bytes.fromhex(one) for one in json.loads(Path(capture).read_text())]
    once = PARSER_FACTORIES[package](telegrams)
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
