"""The kept corpus of the fuzzer, replayed: what once reached a corner still comes back from it."""

import sys
from importlib import import_module
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
import frames
import parsers

KNOWN = parsers.parsers()


@pytest.mark.parametrize("name", KNOWN)
def test_every_kept_input_is_taken_whole_and_in_pieces(name):
    inputs = parsers.kept(name)
    for data in inputs:
        KNOWN[name](data)

    assert inputs


@pytest.mark.parametrize("name", [name for name in parsers.METERS if name in KNOWN])
def test_a_megabyte_of_anything_leaves_no_more_than_a_few_frames_in_memory(name):
    decoder = import_module(f"quartier_drivers.meter.{name}").decoder()
    framed = [getattr(frames, name)(data) for data in parsers.kept(f"{name}-framed")]
    feeds = [b"".join(parsers.kept(name)), *framed]
    for _ in range(1 + 1_000_000 // sum(map(len, feeds))):
        for piece in feeds:
            decoder.feed(piece)

    assert parsers.KEPT_MAX_BYTES >= parsers.kept_bytes(decoder)
