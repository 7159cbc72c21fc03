"""pyteleinfo reads what the rig's Linky says: every group of both modes, and a meter on a pty."""

import asyncio
import datetime as dt
import math

import pytest

from quartier_sim.devices.serial_ports import PtyPort
from quartier_sim.meters.push_sender import PushSender
from quartier_sim.meters.tic import random_frames
from quartier_sim.meters.tic.linky import Linky
from quartier_sim.meters.tic.meter_state import PARIS

pytestmark = pytest.mark.peer
COUNT = 250
NOON = dt.datetime(2026, 1, 12, 12, tzinfo=PARIS)


def data(piece):
    """The fields of a group between its label and its check, as they stand on the wire."""
    separator = b"\t" if b"\t" in piece.data[:-2] else b" "
    return piece.data[1:-3].split(separator, 1)[1].decode("ascii")


@pytest.mark.parametrize("mode", ["standard", "historique"])
def test_every_group_of_a_whole_frame_reads_alike(judge, mode):
    frames = [one for one in random_frames.generate_telegrams(11, COUNT, mode) if one.data.endswith(b"\x03")]
    told = judge("tic", ({"hex": one.data.hex(), "mode": mode} for one in frames))

    assert 0.9 * COUNT < len(frames) == len(told)
    for frame, groups in zip(frames, told, strict=True):
        pieces = [piece for piece in frame.pieces if piece.says]
        assert [[piece.says[0].label, data(piece)] for piece in pieces] == groups


@pytest.mark.parametrize("mode", ["standard", "historique"])
def test_what_was_said_is_what_a_group_ends_with(judge, mode):
    frames = [one for one in random_frames.generate_telegrams(12, 20, mode) if one.data.endswith(b"\x03")]
    told = judge("tic", ({"hex": one.data.hex(), "mode": mode} for one in frames))

    for frame, groups in zip(frames, told, strict=True):
        assert [(said.label, str(said.value)) for said in frame.statements] == [
            (label, value.rsplit("\t", 1)[-1]) for label, value in groups
        ]


async def test_a_meter_on_a_line_says_what_the_house_does(judge, tmp_path):
    linky = Linky(mode="historique", start_wh=5_000_000)
    linky.tell({"power_w": 2_300.0, "energy_import_wh": 0.0}, NOON)
    linky.tell({"energy_import_wh": 4_321.0}, NOON)
    async with PushSender(linky, PtyPort(tmp_path / "tic"), rate=math.inf):
        asked = {"port": str(tmp_path / "tic"), "baud": linky.baud}
        (told,) = await asyncio.to_thread(judge, "tic", [asked])

    groups = dict(told)
    assert ("02300", "010", "005004321") == tuple(groups[label] for label in ("PAPP", "IINST", "BASE"))
