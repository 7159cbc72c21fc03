"""``quartier record`` writes what the daemon holds, or what comes from now on."""

import asyncio
import contextlib
import io
from dataclasses import replace

from tests.gateway.commissioning.wire_record.conftest import NS, exchange, of

from quartier.cli import main
from quartier.commissioning.wire_record import record_file
from quartier.commissioning.wire_record.wire_record import dump_frame
from quartier_drivers.transport.frame_recorder import RecordedFrame

__all__ = ["exchange"]


async def said(*words):
    """Exit code, output and errors of a command in a thread of this process."""

    def run():
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            return main(words), out.getvalue(), err.getvalue()

    return await asyncio.to_thread(run)


def told(taken):
    return lambda _question: iter([taken.head(), *map(dump_frame, taken.frames)])


async def test_what_is_held_becomes_a_file(serving, tmp_path, exchange):
    async with serving({}, {"record": told(exchange)}):
        code, out, _ = await said(
            "record", "lan", "--out", str(tmp_path / "a.pcapng"), "--runtime-dir", str(tmp_path)
        )

    assert 0 == code
    assert f"{tmp_path}/a.pcapng: 2 frames of lan (modbus-tcp) in 0.0 s\n" == out
    assert (tmp_path / "a.pcapng").read_bytes().startswith(b"\x0a\x0d\x0d\x0a")


async def test_span_is_of_the_recent_frames_and_the_opening_long_ago_is_told_apart(serving, tmp_path):
    hour_ns = 3600 * 10**9
    early = of("tic", ("opened", "opened"), ("in", "a0"), ("in", "a1"))
    late = [
        RecordedFrame(900 + place, NS + hour_ns + place * 10**9, "in", bytes([place])) for place in range(60)
    ]
    taken = replace(early, ns=NS + hour_ns + 60 * 10**9, frames=(*early.frames, *late))
    async with serving({}, {"record": told(taken)}):
        out = ("--out", str(tmp_path / "a.txt"), "--runtime-dir", str(tmp_path))
        _, printed, _ = await said("record", "tic0", *out)

    when = record_file.format_utc(taken.utc_ns(early.frames[0]))[11:19]
    about = f"60 frames of lan (tic) in 59.0 s, and 2 older frames of its opening at {when} UTC"
    assert f"{tmp_path}/a.txt: {about}\n" == printed


async def test_for_a_while_takes_only_what_comes_from_now_on(serving, tmp_path):
    asked = []

    def answer(question):
        asked.append(question)
        step = len(asked) - 1
        taken = of("tic", *[("in", f"{number:02x}") for number in range(3 + step)])
        head = {**taken.head(), "ns": NS + step * 10**9}
        after = int(question.partition("@")[2] or -1)
        return iter([head, *(dump_frame(frame) for frame in taken.frames if frame.number > after)])

    async with serving({}, {"record": answer}):
        code, _, _ = await said(
            *(
                "record",
                "tic0",
                "--for",
                "2s",
                "--out",
                str(tmp_path / "a.txt"),
                "--runtime-dir",
                str(tmp_path),
            )
        )

    rows = [
        line.split()[3] for line in (tmp_path / "a.txt").read_text().splitlines() if not line.startswith("#")
    ]
    assert (0, ["03", "04"]) == (code, rows)
    assert ["tic0", "tic0@2", "tic0@3"] == asked


async def test_a_bus_that_is_not_there_or_not_recorded_is_told(serving, tmp_path):
    async with serving({}, {"record": lambda _: None}):
        nobody = await said("record", "nix", "--runtime-dir", str(tmp_path))
    async with serving({}, {"record": lambda _: {"error": "bus lan is not recorded: why"}}):
        nothing = await said("record", "lan", "--runtime-dir", str(tmp_path))

    assert (1, "no bus is called nix; quartier status lists them\n") == (nobody[0], nobody[2])
    assert (1, "bus lan is not recorded: why\n") == (nothing[0], nothing[2])


async def test_without_a_daemon_it_says_so(tmp_path):
    code, _, errors = await said("record", "lan", "--runtime-dir", str(tmp_path))

    assert 69 == code
    assert "no daemon answers" in errors


async def test_for_a_while_begins_with_how_the_line_was_opened_and_who_is_on_it(serving, tmp_path):
    def answer(question):
        step = question.partition("@")[2]
        taken = of("tic", ("opened", ""), ("in", "aa"), ("in", "bb"), *([("in", "cc")] if step else []))
        frames = [replace(frame, device="m1" if frame.data == b"\xaa" else "") for frame in taken.frames]
        head = {**taken.head(), "ns": NS + (10**10 if step else 0)}
        return iter([head, *(dump_frame(frame) for frame in frames if frame.number > int(step or -1))])

    async with serving({}, {"record": answer}):
        out = ("--out", str(tmp_path / "a.txt"), "--runtime-dir", str(tmp_path))
        code, _, _ = await said("record", "tic0", "--for", "2s", *out)

    lines = [line.split() for line in (tmp_path / "a.txt").read_text().splitlines()]
    assert (0, ["aa", "cc"]) == (code, [line[3] for line in lines if line[0] != "#" and line[2] == "<"])
